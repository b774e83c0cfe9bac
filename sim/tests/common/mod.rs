//! The linked libraries as a client finds them, and children to try what one process cannot.

#![allow(dead_code)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

pub const GENERATIONS: [u32; 8] = [470, 525, 535, 550, 555, 580, 595, 615];

/// Where `link.sh` put the libraries.
pub fn folder() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/sim");
    let folder = env::var_os("CUOTA_SIM_LIBS").map_or_else(default, PathBuf::from);
    assert!(
        folder.join("libcuda.so.1").exists(),
        "no simulated driver in {}: build cuota-sim, run sim/link.sh, or set CUOTA_SIM_LIBS",
        folder.display()
    );
    folder
}

pub fn fact(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("facts").join(name)).unwrap()
}

/// The names a driver generation exports.
pub fn exports(generation: u32) -> BTreeSet<String> {
    fact(&format!("exports/{generation}.txt")).split_whitespace().map(str::to_owned).collect()
}

pub struct Library(libloading::Library);

impl Library {
    pub fn open(path: &Path) -> Library {
        // SAFETY: the library's constructor only maps a file.
        Library(unsafe { libloading::Library::new(path) }.unwrap())
    }

    pub fn cuda() -> Library {
        Library::open(&folder().join("libcuda.so.1"))
    }

    pub fn generation(generation: u32) -> Library {
        Library::open(&folder().join(generation.to_string()).join("libcuda.so.1"))
    }

    pub fn nvml() -> Library {
        Library::open(&folder().join("libnvidia-ml.so.1"))
    }

    pub fn address(&self, name: &str) -> Option<usize> {
        // SAFETY: only the address is used.
        let symbol = unsafe { self.0.get::<*const ()>(name) };
        symbol.ok().map(|symbol| *symbol as usize)
    }

    /// Calls a function whose parameters are integers and pointers.
    pub fn call<const N: usize>(&self, name: &str, args: [usize; N]) -> u32 {
        let address = self.address(name).unwrap_or_else(|| panic!("no {name}"));
        call(address, args)
    }
}

pub fn call<const N: usize>(address: usize, args: [usize; N]) -> u32 {
    type Function = extern "C" fn(usize, usize, usize, usize, usize, usize) -> u32;
    let mut all = [0; 6];
    all[..N].copy_from_slice(&args);
    // SAFETY: the address is a driver function's; superfluous integer arguments do no harm.
    let function: Function = unsafe { std::mem::transmute(address) };
    let [a, b, c, d, e, f] = all;
    function(a, b, c, d, e, f)
}

/// The address of a place for a result.
pub fn at<T>(place: &mut T) -> usize {
    (&raw mut *place) as usize
}

/// This test program again, running only the ignored test `name`, with these variables.
pub fn child(name: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture"]);
    command.env("CUOTA_SIM_LIBS", folder());
    for variable in ["CUOTA_SIM", "CUOTA_SIM_FAULT", "CUOTA_SIM_MPS", "CUDA_VISIBLE_DEVICES"] {
        command.env_remove(variable);
    }
    command.envs(variables.iter().copied()).output().unwrap()
}

/// As `child`, which must succeed.
pub fn passes(name: &str, variables: &[(&str, &str)]) {
    let output = child(name, variables);
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(
        output.status.success(),
        "{name} with {variables:?}: {}\n{}",
        output.status,
        text.concat()
    );
    assert!(text[0].contains("1 passed"), "no test {name}");
}

/// A folder for a machine, removed with the value.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("cuota-sim-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    pub fn text(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
