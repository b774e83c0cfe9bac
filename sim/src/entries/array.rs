//! Entry points: array.
