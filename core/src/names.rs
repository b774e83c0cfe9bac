//! What a driver function's name alone tells.
#![forbid(unsafe_code)]

/// Whether a function of that name may take device memory. A guess, for warnings about names nobody
/// has classified yet.
pub fn look_like_an_allocator(name: &str) -> bool {
    (name.starts_with("cuMem") && name.contains("Alloc")) || name.contains("Create")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_one() {
        assert!(look_like_an_allocator("cuMemAllocSomehow"));
        assert!(look_like_an_allocator("cuTensorPoolCreate"));
        assert!(!look_like_an_allocator("cuMemSetColour"));
    }
}
