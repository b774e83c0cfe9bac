//! Entry points: memory.
