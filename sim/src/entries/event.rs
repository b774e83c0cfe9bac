//! Entry points: event.
