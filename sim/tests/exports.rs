//! Every generation exports what the real driver of that generation does, and nothing else.

mod common;

use std::collections::BTreeSet;

use common::{GENERATIONS, Library, exports};

#[test]
fn names_are_those_of_the_real_driver() {
    let all: BTreeSet<String> = GENERATIONS.into_iter().flat_map(exports).collect();
    for generation in GENERATIONS {
        let library = Library::generation(generation);
        let exported = exports(generation);
        let mut addresses = BTreeSet::new();
        for name in &all {
            let address = library.address(name);
            assert_eq!(address.is_some(), exported.contains(name), "{name} in {generation}");
            if let Some(address) = address {
                assert!(addresses.insert(address), "{name} shares its address in {generation}");
            }
        }
        assert!(library.address("nvmlInit_v2").is_none());
        assert!(library.address("sim_cuInit").is_none());
    }
}

#[test]
fn the_version_is_the_generation_s() {
    let versions = [11040, 12000, 12020, 12040, 12050, 13000, 13020, 13040];
    for (generation, expected) in GENERATIONS.into_iter().zip(versions) {
        let mut version = 0i32;
        let place = common::at(&mut version);
        assert_eq!(Library::generation(generation).call("cuDriverGetVersion", [place]), 0);
        assert_eq!(version, expected);
    }
}

#[test]
fn a_name_without_a_row_is_not_supported() {
    assert_eq!(Library::cuda().call("cuVDPAUCtxCreate", [0]), 801);
}
