#![forbid(unsafe_code)]

use super::*;

struct File(std::path::PathBuf);

impl File {
    fn new(name: &str) -> File {
        File(std::env::temp_dir().join(format!("cuota-tally-{}-{name}", std::process::id())))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const NAMES: [(&str, Kind); 3] =
    [("cuInit", Kind::Body), ("cuMemFree_v2", Kind::Row), ("cuTexRefCreate", Kind::Forwarded)];

#[test]
fn what_two_writers_count_a_reader_reads() {
    let file = File::new("two");
    let open = || Tally::open_or_create(&file.0, NAMES.into_iter()).expect("it can be made");
    let (one, two) = (open(), open());
    for tally in [&one, &two] {
        tally.calls(1).expect("a record").fetch_add(3, Ordering::Relaxed);
        tally.handed_out(1, Path::Dlsym);
        tally.table_asked(*b"0123456789abcdef", false);
    }
    one.handed_out(2, Path::ProcAddress);
    one.table_asked([7; 16], true);
    one.untranslated();
    assert!(one.calls(3).is_none());
    let report = Report::read_file(&file.0).expect("a tally");
    let line = |name: &str, kind, calls, by_dlsym, by_driver| Line {
        name: name.into(),
        kind,
        calls,
        by_dlsym,
        by_driver,
        asked: 0,
    };
    assert_eq!(
        report.entries,
        [
            line("cuInit", Kind::Body, 0, 0, 0),
            line("cuMemFree_v2", Kind::Row, 6, 2, 0),
            line("cuTexRefCreate", Kind::Forwarded, 0, 0, 1),
        ]
    );
    let tables = [(*b"0123456789abcdef", 2, 0), ([7; 16], 1, 1)];
    let tables = tables.map(|(uuid, asked, granted)| Table { uuid, asked, granted });
    assert_eq!((report.tables, report.untranslated), (tables.into(), 1));
}

#[test]
fn a_file_of_another_build_is_refused() {
    let file = File::new("other");
    Tally::open_or_create(&file.0, NAMES.into_iter()).expect("it can be made");
    let mut other = NAMES;
    other[0].0 = "cuDeviceGet";
    let refused = Tally::open_or_create(&file.0, other.into_iter()).err().expect("another build");
    assert!(refused.to_string().contains("not a tally of this build"), "{refused}");
    assert!(Tally::open_or_create(&file.0, NAMES.into_iter().chain(NAMES)).is_err(), "too short");
}

#[test]
fn no_bytes_make_a_reader_fail_badly() {
    let file = File::new("bytes");
    Tally::open_or_create(&file.0, NAMES.into_iter()).expect("it can be made");
    let whole = std::fs::read(&file.0).expect("just written");
    for cut in 0..whole.len() {
        assert!(Report::read(&whole[..cut]).is_err(), "{cut}");
    }
    let mut hostile = whole;
    hostile[8..16].fill(0xff);
    assert!(Report::read(&hostile).is_err());
}
