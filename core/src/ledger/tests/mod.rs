#![forbid(unsafe_code)]

mod broken;
mod crowded;
mod lost;
mod scenarios;
mod world;
