//! Streams, events, captures, graphs, modules and launches, as a program sees them.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/driver.rs"]
mod driver;

mod capture_rules;
mod captures;
mod events;
mod graph_changes;
mod graph_memory;
mod graphs;
mod launches;
mod modules;
mod streams;
