//! Memory of the simulated driver, asked through its exported functions.

mod driver;

mod alloc;
mod array;
mod capture;
mod copy;
mod external;
mod host;
mod ipc;
mod pool;
mod processes;
mod vmm;
