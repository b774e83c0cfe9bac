//! `cuGetProcAddress` against what real drivers answered, for every name, version and stream class.

mod common;

use std::collections::BTreeMap;

use common::{GENERATIONS, Library, at, call, exports, fact};

const UNTOUCHED: usize = 0x5a5a;

struct Driver {
    library: Library,
    generation: u32,
    version: usize,
    first: usize,
    /// Not exported by the oldest.
    second: Option<usize>,
}

impl Driver {
    fn open(generation: u32) -> Driver {
        let library = Library::generation(generation);
        let mut version = 0usize;
        library.call("cuDriverGetVersion", [at(&mut version)]);
        let first = library.address("cuGetProcAddress").unwrap();
        let second = library.address("cuGetProcAddress_v2");
        Driver { library, generation, version, first, second }
    }

    /// Result and pointer.
    fn ask(&self, name: &str, version: usize, flags: usize) -> (u32, usize) {
        let name = format!("{name}\0");
        let mut found = UNTOUCHED;
        (call(self.first, [name.as_ptr() as usize, at(&mut found), version, flags]), found)
    }

    /// Result, pointer and status.
    fn ask_v2(&self, name: &str, version: usize, flags: usize) -> (u32, usize, u32) {
        let name = format!("{name}\0");
        let (mut found, mut status) = (UNTOUCHED, 9u32);
        let args = [name.as_ptr() as usize, at(&mut found), version, flags, at(&mut status)];
        (call(self.second.unwrap(), args), found, status)
    }

    fn check(&self, name: &str, version: usize, flags: usize, expected: Result<&str, u32>) {
        let found = expected.map(|symbol| self.library.address(symbol).unwrap());
        let context = format!("{name} for {version}, flags {flags}, in {}", self.generation);
        let first = found.map_or((500, UNTOUCHED), |address| (0, address));
        assert_eq!(self.ask(name, version, flags), first, "{context}");
        if self.second.is_some() {
            let second = found.map_or_else(|why| (0, 0, why), |address| (0, address, 0));
            assert_eq!(self.ask_v2(name, version, flags), second, "{context}");
        }
    }
}

/// (name, per thread) → (least version, symbol), oldest first.
fn rows() -> BTreeMap<(String, bool), Vec<(usize, String)>> {
    let mut rows = BTreeMap::<_, Vec<_>>::new();
    for line in fact("gpa_map.csv").lines().skip(1) {
        let columns: Vec<&str> = line.split(',').collect();
        let versions = rows.entry((columns[0].to_owned(), columns[1] == "2")).or_default();
        versions.push((columns[2].parse().unwrap(), columns[3].to_owned()));
    }
    rows.values_mut().for_each(|versions| versions.sort());
    rows
}

#[test]
fn every_name_version_and_flag() {
    let rows = rows();
    for generation in GENERATIONS {
        let driver = Driver::open(generation);
        let exported = exports(generation);
        for ((name, per_thread), versions) in &rows {
            let known: Vec<_> = versions.iter().filter(|row| exported.contains(&row.1)).collect();
            // Around each step, and the driver's own version.
            let steps = known.iter().flat_map(|row| [row.0 - 1, row.0, row.0 + 1]);
            for version in steps.chain([0, driver.version]).filter(|v| *v <= driver.version) {
                let expected = match known.iter().rev().find(|row| row.0 <= version) {
                    Some(row) => Ok(row.1.as_str()),
                    None => Err(if known.is_empty() { 1 } else { 2 }),
                };
                let flags: &[usize] = if *per_thread { &[2] } else { &[0, 1] };
                flags.iter().for_each(|flags| driver.check(name, version, *flags, expected));
            }
        }
    }
}

#[test]
fn misses_and_refusals() {
    for generation in GENERATIONS {
        let driver = Driver::open(generation);
        let now = driver.version;
        for name in ["cuNoSuchThing", "", "cuMemAlloc_v2", "cuLaunchKernel_ptsz", "cudbgGetAPI"] {
            driver.check(name, now, 0, Err(1));
        }
        driver.check("", 0, 0, Err(1));
        for flags in [4, 5, 8, usize::MAX] {
            assert_eq!(driver.ask("cuInit", now, flags), (1, UNTOUCHED));
        }
        // A program built for a newer CUDA.
        let newer = driver.ask("cuMemAlloc", 99990, 0);
        if generation >= 580 {
            assert_eq!(newer, (1, UNTOUCHED), "{generation}");
        } else {
            assert_eq!(
                newer,
                (0, driver.library.address("cuMemAlloc_v2").unwrap()),
                "{generation}"
            );
        }
        let name = c"cuInit".as_ptr() as usize;
        let mut found = UNTOUCHED;
        assert_eq!(call(driver.first, [0, at(&mut found), now, 0]), 1);
        assert_eq!(call(driver.first, [name, 0, now, 0]), 1);
        if let Some(second) = driver.second {
            let missing = c"cuNoSuchThing".as_ptr() as usize;
            assert_eq!(call(second, [missing, at(&mut found), now, 0, 0]), 0);
            assert_eq!(found, 0, "a miss without a place for the status");
            assert_eq!(call(second, [name, at(&mut found), now, 0, 0]), 0);
            assert_eq!(found, driver.library.address("cuInit").unwrap());
        }
    }
}

#[test]
fn no_export_table_is_given_out() {
    let mut table = UNTOUCHED;
    let id = [0u8; 16];
    let library = Library::cuda();
    assert_eq!(library.call("cuGetExportTable", [at(&mut table), id.as_ptr() as usize]), 500);
    assert_eq!(table, 0);
    assert_eq!(library.call("cuGetExportTable", [0, id.as_ptr() as usize]), 1);
}
