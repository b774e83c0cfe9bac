//! Entry points: launch.
