//! Streams, events, captures, graphs, modules and launches, as a program sees them.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/driver.rs"]
mod driver;

mod captures;
mod events;
mod graphs;
mod launches;
mod modules;
mod streams;
