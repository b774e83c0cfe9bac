//! One client of a drill: a small CUDA program that does what its parent says, line by line, and tells
//! what the driver answered.
#![forbid(unsafe_code)]

use std::io::{self, BufRead, Write};

use crate::command::Failure;
use crate::native::driver::{Driver, Lookup, Refused};
use crate::native::functions::Module;

/// `strike` writes where there is nothing.
const PTX: &std::ffi::CStr = c"
.version 6.0
.target sm_50
.address_size 64
.visible .entry nothing() { ret; }
.visible .entry strike()
{
    .reg .u64 %at;
    .reg .u32 %word;
    mov.u64 %at, 16;
    mov.u32 %word, 1;
    st.global.u32 [%at], %word;
    ret;
}
";

/// The driver has no such function.
const NOT_SUPPORTED: u32 = 801;

/// `take BYTES` keeps memory, `work` has the device do something, `strike` has it fault. Every answer is
/// `done`, or `refused` with the status; one that cannot start says so and ends.
pub fn run() -> Result<u8, Failure> {
    let driver = Driver::open(Lookup::Dlsym).map_err(Failure::ours)?;
    let started = start(&driver);
    tell(&started);
    let Ok(module) = started else { return Ok(0) };
    // Kept to the end of the process, in which all of it goes.
    let mut held = Vec::new();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let (what, bytes) = line.split_once(' ').unwrap_or((&line, ""));
        match what {
            "take" => tell(&driver.alloc(bytes.parse().unwrap_or(0)).map(|it| held.push(it))),
            "strike" => tell(&driver.launch(&module, c"strike", 1)),
            _ => tell(&work(&driver, &module)),
        }
    }
    Ok(0)
}

fn start(driver: &Driver) -> Result<Module, Refused> {
    driver.init()?;
    driver.create_context(&driver.device(0)?)?;
    driver.load(PTX)
}

/// The device is waited for last: then nothing is in flight.
fn work(driver: &Driver, module: &Module) -> Result<(), Refused> {
    let memory = driver.alloc(4096)?;
    driver.copy_in(&memory, &[0x5a; 4096])?;
    driver.free(memory)?;
    driver.launch(module, c"nothing", 1)
}

fn tell<T>(what: &Result<T, Refused>) {
    let text = match what {
        Ok(_) => "done".to_owned(),
        Err(refused) => {
            format!("refused {} {}", refused.status.unwrap_or(NOT_SUPPORTED), refused.function)
        }
    };
    let mut out = io::stdout();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
