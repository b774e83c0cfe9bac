use crate::driver::*;
use crate::rows;

const PAGE: usize = 2 << 20;

/// `CUmemAllocationProp`: pinned memory of device 0.
fn properties() -> [u64; 4] {
    [1, 1, 0, 0]
}

fn create(bytes: usize, mut properties: [u64; 4]) -> u32 {
    cu!(cuMemCreate, &mut 0_u64, bytes, &mut properties, 0)
}

fn physical() -> u64 {
    get!(u64, cuMemCreate, PAGE, &mut properties(), 0)
}

fn reserve(bytes: usize) -> u32 {
    cu!(cuMemAddressReserve, &mut 0_u64, bytes, 0, 0, 0)
}

fn addresses() -> usize {
    get!(usize, cuMemAddressReserve, 2 * PAGE, 0, 0, 0)
}

fn map(at: usize, bytes: usize) -> u32 {
    cu!(cuMemMap, at, bytes, 0, physical(), 0)
}

fn mapped() -> usize {
    let at = addresses();
    assert_eq!(map(at, PAGE), 0);
    at
}

/// Reading and writing for device 0.
fn set_access(at: usize) -> u32 {
    let mut access = [1_u32, 0, 3];
    cu!(cuMemSetAccess, at, PAGE, &mut access, 1)
}

fn released() -> u64 {
    let gone = physical();
    ok!(cuMemRelease, gone);
    gone
}

fn write(at: usize) -> u32 {
    cu!(cuMemsetD8_v2, at, 0, 16)
}

fn granularity(mut properties: [u64; 4]) -> u32 {
    cu!(cuMemGetAllocationGranularity, &mut 0_usize, &mut properties, 0)
}

rows! { "virtual memory":
    cuMemCreate, "a size that is no multiple of the granularity" => 1,
        |_| create(PAGE, properties()), |_| create(PAGE + 512, properties());
    cuMemCreate, "flags" => 1, |_| create(PAGE, properties()), |_| cu!(cuMemCreate, &mut 0_u64, PAGE, &mut properties(), 1);
    cuMemCreate, "more than the card has" => 2, |_| create(PAGE, properties()), |_| create(1 << 44, properties());
    cuMemGetAllocationGranularity, "a location that does not exist" => 1,
        |_| granularity(properties()), |_| granularity([1, 77, 0, 0]);
    cuMemAddressReserve, "no bytes" => 1, |_| reserve(PAGE), |_| reserve(0);
    cuMemMap, "beyond what was reserved" => 1, |_| map(addresses(), PAGE), |_| map(addresses() + 2 * PAGE, PAGE);
    cuMemMap, "more than the memory has" => 1, |_| map(addresses(), PAGE), |_| map(addresses(), 2 * PAGE);
    cuMemUnmap, "what is not mapped" => 1, |_| cu!(cuMemUnmap, mapped(), PAGE), |_| cu!(cuMemUnmap, addresses(), PAGE);
    cuMemSetAccess, "what is not mapped" => 1, |_| set_access(mapped()), |_| set_access(addresses());
    cuMemsetD8_v2, "memory without access" => 1, |_| {
        let at = mapped();
        assert_eq!(set_access(at), 0);
        write(at)
    }, |_| write(mapped());
    cuMemAddressFree, "addresses in use" => 1,
        |_| cu!(cuMemAddressFree, addresses(), 2 * PAGE), |_| cu!(cuMemAddressFree, mapped(), 2 * PAGE);
    cuMemRelease, "twice" => 1, |_| cu!(cuMemRelease, physical()), |_| cu!(cuMemRelease, released());
}
