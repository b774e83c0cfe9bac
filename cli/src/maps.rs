//! The files a process has mapped, from `/proc/<pid>/maps`.
#![forbid(unsafe_code)]

use std::ops::Range;
use std::path::PathBuf;

#[derive(Debug, PartialEq, Eq)]
pub struct Mapping {
    /// As the process had it when it mapped it.
    pub path: PathBuf,
    pub range: Range<usize>,
    pub is_code: bool,
    /// Another file, or none, has that name by now.
    pub is_gone: bool,
}

pub fn mappings(text: &str) -> Vec<Mapping> {
    text.lines().filter_map(mapping).collect()
}

fn mapping(line: &str) -> Option<Mapping> {
    const GONE: &str = " (deleted)";
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let at = |text| usize::from_str_radix(text, 16).ok();
    let path = rest.get(rest.find('/')?..)?;
    Some(Mapping {
        path: path.strip_suffix(GONE).unwrap_or(path).into(),
        range: at(start)?..at(end)?,
        is_code: rest.get(..4)?.contains('x'),
        is_gone: path.ends_with(GONE),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_mapped() {
        let line =
            "7f00-7f10 r-xp 00000000 08:01 42                         /usr/lib/with space.so";
        let found = mapping(line).expect("a file");
        assert_eq!(found.path, PathBuf::from("/usr/lib/with space.so"));
        assert!(found.range == (0x7f00..0x7f10) && found.is_code && !found.is_gone);
        let data = mapping("7f00-7f10 rw-p 00000000 08:01 42  /usr/lib/libc.so.6 (deleted)");
        let data = data.expect("a file");
        assert!(!data.is_code && data.is_gone && data.path.ends_with("libc.so.6"), "{data:?}");
        assert_eq!(mapping("7f00-7f10 r-xp 00000000 00:00 0  [vdso]"), None);
        assert_eq!(mapping(""), None);
    }
}
