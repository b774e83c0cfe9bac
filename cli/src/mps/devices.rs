//! Which devices a daemon is for, as far as `CUDA_VISIBLE_DEVICES` says it beyond doubt: by UUIDs. A number
//! means another device in another order, or in another container.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::io;

use crate::processes::Processes;

pub const VARIABLE: &str = "CUDA_VISIBLE_DEVICES";
/// A GPU may be called by the beginning of its UUID, and so may an instance of one.
const KINDS: [&str; 2] = ["gpu-", "mig-"];

/// The UUIDs, or their beginnings; nothing where it is not known which devices these are.
pub struct Devices(Option<Vec<String>>);

impl Devices {
    /// Those of a process.
    pub fn of(processes: &Processes, pid: i32) -> io::Result<Devices> {
        processes.variable(pid, VARIABLE).map(Devices::named)
    }

    /// Those this process's children get.
    pub fn ours() -> Devices {
        Devices::named(std::env::var_os(VARIABLE))
    }

    pub fn named(set: Option<OsString>) -> Devices {
        let text = set.unwrap_or_default().to_string_lossy().to_lowercase();
        let all: Vec<String> = text.split(',').map(|one| one.trim().to_owned()).collect();
        let known = |one: &String| {
            KINDS.iter().any(|kind| one.strip_prefix(kind).is_some_and(|rest| !rest.is_empty()))
        };
        Devices(all.iter().all(known).then_some(all))
    }

    /// Whether no device is both's beyond doubt. An instance may be of the very GPU that the other has.
    pub fn differ_from(&self, others: &Devices) -> bool {
        let (Some(ours), Some(theirs)) = (&self.0, &others.0) else { return false };
        let kind = |name: &str| KINDS.iter().position(|kind| name.starts_with(kind));
        let differ = |one: &String, other: &String| {
            kind(one) == kind(other) && !one.starts_with(other) && !other.starts_with(one.as_str())
        };
        ours.iter().all(|one| theirs.iter().all(|other| differ(one, other)))
    }

    /// The UUIDs, if they are known.
    pub fn names(&self) -> Option<&[String]> {
        self.0.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differ(one: &str, other: &str) -> bool {
        let named = |text: &str| Devices::named((text != "-").then(|| text.into()));
        let said = named(one).differ_from(&named(other));
        assert_eq!(said, named(other).differ_from(&named(one)), "either way");
        said
    }

    #[test]
    fn devices_differ_only_beyond_doubt() {
        assert!(differ("GPU-11", "GPU-22"));
        assert!(differ("GPU-11,GPU-33", "gpu-22, GPU-44"));
        assert!(differ("MIG-11", "MIG-22"));
        for (one, other) in [
            ("-", "-"),
            ("GPU-11", "-"),
            ("GPU-11", ""),
            ("GPU-11", "1"),
            ("0", "1"),
            ("GPU-11", "GPU-11"),
            ("GPU-11", "gpu-1"),
            ("GPU-11,GPU-22", "GPU-33,GPU-22"),
            ("GPU-11,0", "GPU-22"),
            ("GPU-11", "MIG-22"),
            ("GPU-", "GPU-22"),
        ] {
            assert!(!differ(one, other), "{one} {other}");
        }
    }
}
