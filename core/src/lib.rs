//! What cuota decides and the memory it shares: no CUDA, no preload, no process state. Time,
//! environment and backing memory come in as parameters.

pub mod config;
pub mod shm;
pub mod tally;
