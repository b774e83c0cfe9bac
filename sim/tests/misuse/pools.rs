use crate::driver::*;
use crate::{World, rows};

/// `CUmemPoolProps`: pinned memory of device 0, at most so many bytes.
fn properties(most: u64) -> [u64; 11] {
    [1, 1, 0, most, 0, 0, 0, 0, 0, 0, 0]
}

fn create(mut properties: [u64; 11]) -> u32 {
    cu!(cuMemPoolCreate, &mut 0_usize, &mut properties)
}

fn pool(most: u64) -> usize {
    get!(usize, cuMemPoolCreate, &mut properties(most))
}

fn default_pool() -> usize {
    get!(usize, cuDeviceGetDefaultMemPool, 0)
}

fn alloc(world: &World, bytes: usize, pool: usize) -> u32 {
    cu!(cuMemAllocFromPoolAsync, &mut 0_u64, bytes, pool, world.stream)
}

fn memory(world: &World) -> u64 {
    get!(u64, cuMemAllocAsync, 4096, world.stream)
}

fn freed(world: &World) -> u64 {
    let gone = memory(world);
    ok!(cuMemFreeAsync, gone, world.stream);
    gone
}

fn set(attribute: u32, mut value: u64) -> u32 {
    cu!(cuMemPoolSetAttribute, pool(0), attribute, &mut value)
}

fn get(attribute: u32) -> u32 {
    cu!(cuMemPoolGetAttribute, default_pool(), attribute, &mut 0_u64)
}

fn destroyed() -> usize {
    let gone = pool(0);
    ok!(cuMemPoolDestroy, gone);
    gone
}

rows! { "pools":
    cuMemPoolCreate, "a location that does not exist" => 1,
        |_| create(properties(0)), |_| create([1, 77, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    cuMemPoolDestroy, "the default pool" => 1, |_| cu!(cuMemPoolDestroy, pool(0)), |_| cu!(cuMemPoolDestroy, default_pool());
    cuMemPoolDestroy, "twice" => 1, |_| cu!(cuMemPoolDestroy, pool(0)), |_| cu!(cuMemPoolDestroy, destroyed());
    cuMemAllocFromPoolAsync, "a destroyed pool" => 1,
        |world| alloc(world, 4096, pool(0)), |world| alloc(world, 4096, destroyed());
    cuMemAllocFromPoolAsync, "more than the pool may hold" => 2,
        |world| alloc(world, 4096, pool(64 << 20)), |world| alloc(world, 128 << 20, pool(64 << 20));
    cuMemAllocAsync, "more than the card has" => 2,
        |world| cu!(cuMemAllocAsync, &mut 0_u64, 4096, world.stream),
        |world| cu!(cuMemAllocAsync, &mut 0_u64, 1_u64 << 44, world.stream);
    cuMemFreeAsync, "twice" => 1,
        |world| cu!(cuMemFreeAsync, memory(world), world.stream), |world| cu!(cuMemFreeAsync, freed(world), world.stream);
    cuMemFreeAsync, "in a destroyed stream" => 400,
        |world| cu!(cuMemFreeAsync, memory(world), world.stream), |world| {
            let gone = stream(0);
            ok!(cuStreamDestroy_v2, gone);
            cu!(cuMemFreeAsync, memory(world), gone)
        };
    cuMemPoolSetAttribute, "what only the driver sets" => 1, |_| set(4, 1 << 20), |_| set(5, 1 << 20);
    cuMemPoolGetAttribute, "an attribute that does not exist" => 1, |_| get(5), |_| get(99);
}
