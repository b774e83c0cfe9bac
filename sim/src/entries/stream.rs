//! Entry points: stream.
