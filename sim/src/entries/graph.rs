//! Entry points: graph.
