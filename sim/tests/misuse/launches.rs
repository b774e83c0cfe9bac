use crate::driver::*;
use crate::{World, rows};

fn shaped(function: usize, grid: u32, block: u32, shared: u32, stream: usize) -> u32 {
    cu!(cuLaunchKernel, function, grid, 1, 1, block, 1, 1, shared, stream, 0, 0)
}

fn scale(world: &World, params: bool, extra: bool) -> u32 {
    let mut words = [0_u64; 3];
    let mut arguments = words.each_mut().map(|word| &raw mut *word as usize);
    let mut size = 16_usize;
    let mut packed = [1, &raw mut words as usize, 2, &raw mut size as usize, 0];
    let params = if params { arguments.as_mut_ptr() as usize } else { 0 };
    let extra = if extra { packed.as_mut_ptr() as usize } else { 0 };
    cu!(cuLaunchKernel, world.code.scale, 1, 1, 1, 1, 1, 1, 0, world.stream, params, extra)
}

fn cooperative(world: &World, blocks: u32) -> u32 {
    cu!(cuLaunchCooperativeKernel, world.code.nothing, blocks, 1, 1, 1024, 1, 1, 0, world.stream, 0)
}

/// Grid and block of one, so many blocks wide; one attribute.
fn clustered(world: &World, blocks: u64, cluster: u32) -> u32 {
    let mut attribute = [0_u32; 18];
    attribute[..5].copy_from_slice(&[4, 0, cluster, 1, 1]);
    let mut config = [
        1 << 32 | blocks,
        1 << 32 | 1,
        1 << 32 | 1,
        0,
        world.stream as u64,
        attribute.as_ptr() as u64,
        1,
    ];
    cu!(cuLaunchKernelEx, &mut config, world.code.nothing, 0, 0)
}

fn blocks_per_sm(world: &World, threads: i32) -> u32 {
    cu!(cuOccupancyMaxActiveBlocksPerMultiprocessor, &mut 0_i32, world.code.nothing, threads, 0)
}

fn stream_of_other_context(world: &World) -> usize {
    ok!(cuCtxCreate_v2, &mut 0_usize, 0, 0);
    let theirs = stream(0);
    ok!(cuCtxSetCurrent, world.ctx);
    theirs
}

rows! { "launches":
    cuLaunchKernel, "no blocks" => 1,
        |world| shaped(world.code.nothing, 1, 1, 0, world.stream), |world| shaped(world.code.nothing, 0, 1, 0, world.stream);
    cuLaunchKernel, "a block that is too large" => 1,
        |world| shaped(world.code.nothing, 1, 1024, 0, world.stream),
        |world| shaped(world.code.nothing, 1, 1025, 0, world.stream);
    cuLaunchKernel, "more threads than the function takes" => 701,
        |world| shaped(function(world.code.module, c"small"), 1, 64, 0, world.stream),
        |world| shaped(function(world.code.module, c"small"), 1, 96, 0, world.stream);
    cuLaunchKernel, "more shared memory than was asked for" => 1,
        |world| shaped(world.code.nothing, 1, 1, 48 << 10, world.stream),
        |world| shaped(world.code.nothing, 1, 1, 64 << 10, world.stream);
    cuLaunchKernel, "no function" => 400,
        |world| shaped(world.code.nothing, 1, 1, 0, world.stream), |world| shaped(0, 1, 1, 0, world.stream);
    cuLaunchKernel, "in a stream of another context" => 400,
        |world| shaped(world.code.nothing, 1, 1, 0, world.stream),
        |world| shaped(world.code.nothing, 1, 1, 0, stream_of_other_context(world));
    cuLaunchKernel, "without a current context" => 201,
        |world| launch(world.code.nothing, world.stream), |world| {
            ok!(cuCtxSetCurrent, 0);
            launch(world.code.nothing, world.stream)
        };
    cuLaunchKernel, "arguments both ways" => 1, |world| scale(world, true, false), |world| scale(world, true, true);
    cuLaunchKernel, "arguments missing" => 1, |world| scale(world, false, true), |world| scale(world, false, false);
    cuLaunchCooperativeKernel, "more blocks than fit at once" => 720,
        |world| cooperative(world, 132), |world| cooperative(world, 1320);
    cuLaunchKernelEx, "clusters that do not divide the grid" => 912,
        |world| clustered(world, 8, 4), |world| clustered(world, 9, 4);
    cuOccupancyMaxActiveBlocksPerMultiprocessor, "blocks of no threads" => 1,
        |world| blocks_per_sm(world, 32), |world| blocks_per_sm(world, 0);
}
