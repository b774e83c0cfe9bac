//! Entry points: pool.
