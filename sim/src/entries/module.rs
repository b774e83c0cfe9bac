//! Entry points: module.
