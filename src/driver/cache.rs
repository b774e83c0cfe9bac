//! The loader's cache, `/etc/ld.so.cache`: which file a SONAME is, where ldconfig has seen it.

use core::ffi::{CStr, c_int};

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER: usize = 48;
const RECORD: usize = 24;
/// Kind of library (`FLAG_ELF_LIBC6`) and the machine's own word size.
#[cfg(target_arch = "x86_64")]
const FLAGS: u32 = 0x0303;
#[cfg(target_arch = "aarch64")]
const FLAGS: u32 = 0x0a03;

/// Offers every path the cache has for `soname`, in its order, until `accept` takes one.
pub fn lookup(soname: &CStr, accept: &mut dyn FnMut(&CStr) -> bool) -> bool {
    with_file(c"/etc/ld.so.cache", |bytes| entries(bytes, soname, accept)).unwrap_or(false)
}

fn entries(file: &[u8], soname: &CStr, accept: &mut dyn FnMut(&CStr) -> bool) -> bool {
    // An older header may precede the one we read.
    let Some(start) = file.windows(MAGIC.len()).step_by(8).position(|window| window == MAGIC)
    else {
        return false;
    };
    let Some(cache) = file.get(start * 8..) else { return false };
    let count = (word(cache, 20).unwrap_or(0) as usize).min(cache.len() / RECORD);
    (0..count).any(|index| {
        let at = HEADER + index * RECORD;
        let (Some(flags), Some(key), Some(value)) =
            (word(cache, at), word(cache, at + 4), word(cache, at + 8))
        else {
            return false;
        };
        flags == FLAGS
            && text(cache, key as usize) == Some(soname)
            && text(cache, value as usize).is_some_and(&mut *accept)
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

fn text(bytes: &[u8], at: usize) -> Option<&CStr> {
    CStr::from_bytes_until_nul(bytes.get(at..)?).ok()
}

/// Shows a file's bytes to `look`, mapped privately; none if it cannot be read.
pub fn with_file<R>(path: &CStr, look: impl FnOnce(&[u8]) -> R) -> Option<R> {
    // SAFETY: plain system calls on a descriptor of our own. The mapping is private and read-only
    // and lives until `munmap` below; nobody else has its address. A file that shrinks under it
    // would fault: cache and libraries are replaced by rename, never cut.
    unsafe {
        let fd: c_int = libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if fd < 0 {
            return None;
        }
        let mut status = core::mem::MaybeUninit::<libc::stat>::zeroed();
        let known = libc::fstat(fd, status.as_mut_ptr()) == 0;
        let status = status.assume_init();
        let size = usize::try_from(status.st_size).unwrap_or(0);
        let regular = status.st_mode & libc::S_IFMT == libc::S_IFREG;
        let bytes = if known && regular && size > 0 {
            libc::mmap(core::ptr::null_mut(), size, libc::PROT_READ, libc::MAP_PRIVATE, fd, 0)
        } else {
            libc::MAP_FAILED
        };
        libc::close(fd);
        if bytes == libc::MAP_FAILED {
            return None;
        }
        let answer = look(core::slice::from_raw_parts(bytes.cast::<u8>(), size));
        libc::munmap(bytes, size);
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(names: &[(&str, &str)]) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend((names.len() as u32).to_ne_bytes());
        out.resize(HEADER, 0);
        let mut strings = Vec::new();
        let base = HEADER + names.len() * RECORD;
        for (key, value) in names {
            out.extend(FLAGS.to_ne_bytes());
            for text in [key, value] {
                out.extend(((base + strings.len()) as u32).to_ne_bytes());
                strings.extend(text.bytes().chain([0]));
            }
            out.extend([0; 12]);
        }
        out.extend(strings);
        out
    }

    #[test]
    fn finds_by_soname_only() {
        let cache = file(&[("libc.so.6", "/lib/libc.so.6"), ("libcuda.so.1", "/a/libcuda.so.1")]);
        let mut seen = Vec::new();
        assert!(entries(&cache, c"libcuda.so.1", &mut |path| {
            seen.push(path.to_owned());
            true
        }));
        assert_eq!(seen, [c"/a/libcuda.so.1".to_owned()]);
        assert!(!entries(&cache, c"libcuda.so", &mut |_| true));
    }

    #[test]
    fn garbage_is_no_answer() {
        let cache = file(&[("libcuda.so.1", "/a/libcuda.so.1")]);
        for cut in 0..cache.len() {
            entries(cache.get(..cut).unwrap_or_default(), c"libcuda.so.1", &mut |_| false);
        }
        let mut bad = cache.clone();
        bad.splice(20..24, u32::MAX.to_ne_bytes());
        assert!(!entries(&bad, c"absent", &mut |_| true));
    }
}
