//! Entry points: copy.
