#![forbid(unsafe_code)]

mod broken;
mod crowded;
mod lost;
mod peak;
mod scenarios;
mod world;
