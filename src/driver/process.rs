//! What process this is: some are NVIDIA's own and not ours to touch.

use std::os::unix::ffi::OsStrExt;

/// Programs in which every call passes straight through: they serve all clients of the card, and a
/// limit or a share applied to them would apply to everyone.
const NOT_OURS: [&[u8]; 7] = [
    b"nvidia-cuda-mps-",
    b"nvidia-persistenced",
    b"nvidia-fabricmanager",
    b"nv-fabricmanager",
    b"nvidia-modprobe",
    b"nvidia-powerd",
    b"nv-hostengine",
];

/// Whether this process is one of NVIDIA's own services.
pub fn is_a_service() -> bool {
    std::fs::read_link("/proc/self/exe")
        .is_ok_and(|path| path.file_name().is_some_and(|name| serves_everyone(name.as_bytes())))
}

fn serves_everyone(name: &[u8]) -> bool {
    NOT_OURS.iter().any(|known| name.starts_with(known))
}

/// Writes a line to standard error with one system call; what cannot be written is dropped.
///
/// Not std's stderr: its lock, held by another thread at a fork, would hang the child.
pub fn write_stderr(line: &[u8]) {
    // SAFETY: the bytes are readable for their length. A short or failed write loses a message,
    // never touches another descriptor.
    unsafe { libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len()) };
}

#[cfg(test)]
mod tests {
    use super::serves_everyone;

    #[test]
    fn services_by_name() {
        for yes in [
            "nvidia-cuda-mps-server",
            "nvidia-cuda-mps-control",
            "nvidia-persistenced",
            "nv-hostengine",
        ] {
            assert!(serves_everyone(yes.as_bytes()), "{yes}");
        }
        for no in ["nvidia-smi", "python3", "my-nvidia-cuda-mps-server", "nvidia"] {
            assert!(!serves_everyone(no.as_bytes()), "{no}");
        }
    }
}
