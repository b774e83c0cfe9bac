#![forbid(unsafe_code)]

mod broken;
mod lost;
mod scenarios;
mod world;
