//! Which of a driver's names this library knows.
#![forbid(unsafe_code)]

use core::ffi::CStr;

use crate::hooks;

/// A driver function this library neither hooks nor forwards. The debugger's names (`cudbg…`, most
/// of them data) are nobody's to stand before.
pub fn is_unknown(name: &CStr) -> bool {
    let bytes = name.to_bytes();
    bytes.starts_with(b"cu") && !bytes.starts_with(b"cudbg") && hooks::find(name).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown() {
        assert!(is_unknown(c"cuMemAllocSomehow"));
        for known in [c"cuMemAlloc_v2", c"cuInit", c"cuTexRefCreate", c"cudbgMain", c"nvmlInit"] {
            assert!(!is_unknown(known), "{known:?}");
        }
    }
}
