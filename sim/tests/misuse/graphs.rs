use crate::driver::*;
use crate::{World, rows};

fn graph() -> usize {
    get!(usize, cuGraphCreate, 0)
}

fn empty(graph: usize, after: &[usize]) -> Result<usize, u32> {
    let mut node = 0_usize;
    match cu!(cuGraphAddEmptyNode, &mut node, graph, after.as_ptr(), after.len()) {
        0 => Ok(node),
        code => Err(code),
    }
}

fn node(graph: usize) -> usize {
    empty(graph, &[]).unwrap()
}

fn code_of(outcome: Result<usize, u32>) -> u32 {
    outcome.err().unwrap_or(0)
}

fn connect(graph: usize, from: usize, to: usize) -> u32 {
    let (from, to) = ([from], [to]);
    cu!(cuGraphAddDependencies, graph, from.as_ptr(), to.as_ptr(), 1)
}

fn instantiate(graph: usize, flags: u64) -> u32 {
    cu!(cuGraphInstantiateWithFlags, &mut 0_usize, graph, flags)
}

fn exec(graph: usize) -> usize {
    get!(usize, cuGraphInstantiateWithFlags, graph, 0)
}

fn destroyed_graph() -> usize {
    let gone = graph();
    ok!(cuGraphDestroy, gone);
    gone
}

fn destroyed_exec() -> usize {
    let gone = exec(graph());
    ok!(cuGraphExecDestroy, gone);
    gone
}

fn cycle() -> usize {
    let graph = graph();
    let (a, b) = (node(graph), node(graph));
    assert_eq!((connect(graph, a, b), connect(graph, b, a)), (0, 0));
    graph
}

/// function, grid, block and shared memory, arguments, kernel, context
fn kernel_node(graph: usize, function: usize, block: u64) -> Result<usize, u32> {
    let mut params = [function as u64, 1 << 32 | 1, block << 32 | 1, 1 << 32 | 1, 0, 0, 0, 0, 0];
    let mut node = 0_usize;
    match cu!(cuGraphAddKernelNode_v2, &mut node, graph, 0, 0, &mut params) {
        0 => Ok(node),
        code => Err(code),
    }
}

/// An allocation node and its address.
fn alloc_node(graph: usize) -> u64 {
    let mut params = [0_u64; 15];
    (params[0], params[1], params[13]) = (1, 1, 4096);
    ok!(cuGraphAddMemAllocNode, &mut 0_usize, graph, 0, 0, &mut params);
    params[14]
}

fn free_node(graph: usize, address: u64) -> u32 {
    cu!(cuGraphAddMemFreeNode, &mut 0_usize, graph, 0, 0, address)
}

fn update(old: usize, new: usize) -> u32 {
    cu!(cuGraphExecUpdate_v2, exec(old), new, &mut [0_u64; 3])
}

fn edges_without_data(world: &World, port: u64) -> u32 {
    let graph = graph();
    let (from, to) = (
        [kernel_node(graph, world.code.nothing, 1).unwrap()],
        [kernel_node(graph, world.code.nothing, 1).unwrap()],
    );
    // From the port where programmatic launches start, of the kind that does not wait for the end.
    let data = [port | port << 16];
    ok!(cuGraphAddDependencies_v2, graph, from.as_ptr(), to.as_ptr(), data.as_ptr(), 1);
    let (mut a, mut b, mut count) = (0_usize, 0_usize, 1_usize);
    cu!(cuGraphGetEdges_v2, graph, &mut a, &mut b, 0, &mut count)
}

rows! { "graphs":
    cuGraphCreate, "flags" => 1, |_| cu!(cuGraphCreate, &mut 0_usize, 0), |_| cu!(cuGraphCreate, &mut 0_usize, 1);
    cuGraphDestroy, "twice" => 1, |_| cu!(cuGraphDestroy, graph()), |_| cu!(cuGraphDestroy, destroyed_graph());
    cuGraphAddEmptyNode, "behind a node of another graph" => 1, |_| {
        let graph = graph();
        code_of(empty(graph, &[node(graph)]))
    }, |_| code_of(empty(graph(), &[node(graph())]));
    cuGraphAddEmptyNode, "behind one node twice" => 1, |_| {
        let graph = graph();
        code_of(empty(graph, &[node(graph), node(graph)]))
    }, |_| {
        let graph = graph();
        let first = node(graph);
        code_of(empty(graph, &[first, first]))
    };
    cuGraphAddDependencies, "of a node on itself" => 1, |_| {
        let graph = graph();
        connect(graph, node(graph), node(graph))
    }, |_| {
        let graph = graph();
        let one = node(graph);
        connect(graph, one, one)
    };
    cuGraphInstantiateWithFlags, "a cycle" => 1, |_| instantiate(graph(), 0), |_| instantiate(cycle(), 0);
    cuGraphInstantiateWithFlags, "flags that do not exist" => 1, |_| instantiate(graph(), 8), |_| instantiate(graph(), 64);
    cuGraphLaunch, "a destroyed executable graph" => 1,
        |world| cu!(cuGraphLaunch, exec(graph()), world.stream), |world| cu!(cuGraphLaunch, destroyed_exec(), world.stream);
    cuGraphLaunch, "in a destroyed stream" => 400,
        |world| cu!(cuGraphLaunch, exec(graph()), world.stream), |_| {
            let gone = stream(0);
            ok!(cuStreamDestroy_v2, gone);
            cu!(cuGraphLaunch, exec(graph()), gone)
        };
    cuGraphExecUpdate_v2, "with a graph of another shape" => 910, |_| update(graph(), graph()), |_| {
        let larger = graph();
        node(larger);
        update(graph(), larger)
    };
    cuGraphAddKernelNode_v2, "a block that is too large" => 1,
        |world| code_of(kernel_node(graph(), world.code.nothing, 1024)),
        |world| code_of(kernel_node(graph(), world.code.nothing, 1025));
    cuGraphNodeSetEnabled, "a node that cannot be switched off" => 1, |world| {
        let graph = graph();
        let kernel = kernel_node(graph, world.code.nothing, 1).unwrap();
        cu!(cuGraphNodeSetEnabled, exec(graph), kernel, 0)
    }, |_| {
        let graph = graph();
        let empty = node(graph);
        cu!(cuGraphNodeSetEnabled, exec(graph), empty, 0)
    };
    cuGraphAddMemFreeNode, "memory no graph allocated" => 1, |_| {
        let graph = graph();
        free_node(graph, alloc_node(graph))
    }, |_| free_node(graph(), get!(u64, cuMemAlloc_v2, 4096));
    cuGraphAddMemFreeNode, "memory freed in the same graph" => 1, |_| {
        let graph = graph();
        free_node(graph, alloc_node(graph))
    }, |_| {
        let graph = graph();
        let address = alloc_node(graph);
        assert_eq!(free_node(graph, address), 0);
        free_node(graph, address)
    };
    cuGraphClone, "a graph that allocates" => 1, |_| cu!(cuGraphClone, &mut 0_usize, graph()), |_| {
        let graph = graph();
        alloc_node(graph);
        cu!(cuGraphClone, &mut 0_usize, graph)
    };
    cuGraphGetEdges_v2, "leaving out edge data there is" => 402,
        |world| edges_without_data(world, 0), |world| edges_without_data(world, 1);
    cuUserObjectCreate, "with a destructor to wait for" => 1,
        |_| cu!(cuUserObjectCreate, &mut 0_usize, 0, destructor as *const (), 1, 1),
        |_| cu!(cuUserObjectCreate, &mut 0_usize, 0, destructor as *const (), 1, 0);
}

extern "C" fn destructor(_: *mut u8) {}
