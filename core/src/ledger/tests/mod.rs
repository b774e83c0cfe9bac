#![forbid(unsafe_code)]

mod broken;
mod scenarios;
mod world;
