use crate::driver::*;
use crate::graphs::*;

const INVALID_VALUE: u32 = 1;
const UPDATE_FAILED: u32 = 910;

#[test]
fn an_executable_graph_is_changed_node_by_node() {
    let _turn = alone();
    let (graph, device, code) = (get!(usize, cuGraphCreate, 0), device_word(), code());
    let fill = add_fill(graph, &[], device, 1);
    let kernel = add_kernel(graph, &[fill], code.nothing);
    let exec = instantiate(graph);
    ok!(cuGraphExecMemsetNodeSetParams, exec, fill, &mut fill_params(device, 9, 1), 0);
    run(exec);
    assert_eq!(word(device), 9);
    ok!(cuGraphNodeSetEnabled, exec, fill, 0);
    let mut enabled = 1_u32;
    ok!(cuGraphNodeGetEnabled, exec, fill, &mut enabled);
    assert_eq!(enabled, 0);
    ok!(cuMemsetD32_v2, device, 0, 1);
    run(exec);
    assert_eq!(word(device), 0);
    ok!(
        cuGraphExecKernelNodeSetParams_v2,
        exec,
        kernel,
        &mut kernel_params(function(code.module, c"small"))
    );
    assert_eq!(
        cu!(cuGraphExecMemsetNodeSetParams, exec, kernel, &mut fill_params(device, 9, 1), 0),
        INVALID_VALUE,
        "a node keeps its kind"
    );
}

#[test]
fn kernel_arguments_are_copied_with_the_node() {
    let _turn = alone();
    let (graph, code) = (get!(usize, cuGraphCreate, 0), code());
    let (mut pointer, mut factor, mut count) = (0x1234_5678_u64, 2.5_f32, 7_u32);
    let mut arguments =
        [&raw mut pointer as usize, &raw mut factor as usize, &raw mut count as usize];
    let mut params =
        KernelParams { params: arguments.as_mut_ptr() as usize, ..kernel_params(code.scale) };
    let mut node = 0_usize;
    ok!(cuGraphAddKernelNode_v2, &mut node, graph, 0, 0, &mut params);
    (pointer, factor, count) = (0, 0.0, 0);
    let mut answer = KernelParams::default();
    ok!(cuGraphKernelNodeGetParams_v2, node, &mut answer);
    // SAFETY: the driver's copies, of the sizes the kernel declares.
    let copied = unsafe {
        let copies = std::slice::from_raw_parts(answer.params as *const usize, 3);
        (*(copies[0] as *const u64), *(copies[1] as *const f32), *(copies[2] as *const u32))
    };
    assert_eq!(copied, (0x1234_5678, 2.5, 7));
    assert_eq!(
        (answer.function, answer.grid, pointer, factor, count),
        (code.scale, [1; 3], 0, 0.0, 0)
    );
}

#[test]
fn update_takes_graphs_of_the_same_shape_only() {
    let _turn = alone();
    let (device, code) = (device_word(), code());
    let make = |value: u32, chained: bool, kernel: bool| {
        let graph = get!(usize, cuGraphCreate, 0);
        let fill = add_fill(graph, &[], device, value);
        let after = if chained { vec![fill] } else { vec![] };
        if kernel {
            add_kernel(graph, &after, code.nothing);
        } else {
            add_empty(graph, &after);
        }
        graph
    };
    let exec = instantiate(make(1, true, true));
    let update = |graph: usize| {
        // result, node, other node
        let mut info = [9_u64, 0, 0];
        let answer = cu!(cuGraphExecUpdate_v2, exec, graph, &mut info);
        (answer, info[0] as u32)
    };
    assert_eq!(update(make(8, true, true)), (0, 0));
    run(exec);
    assert_eq!(word(device), 8);
    assert_eq!(update(make(8, false, true)), (UPDATE_FAILED, 2), "topology");
    assert_eq!(update(make(8, true, false)), (UPDATE_FAILED, 3), "node type");
    let longer = make(8, true, true);
    add_empty(longer, &[]);
    assert_eq!(update(longer), (UPDATE_FAILED, 2));
    run(exec);
    assert_eq!(word(device), 8, "a refused update changes nothing");
}

/// `CUgraphNodeParams` of one kind.
fn generic(kind: u64, body: &[u64]) -> [u64; 32] {
    let mut params = [0; 32];
    params[0] = kind;
    params[2..2 + body.len()].copy_from_slice(body);
    params
}

#[test]
fn nodes_can_be_added_by_one_call_for_all_kinds() {
    let _turn = alone();
    let (graph, device) = (get!(usize, cuGraphCreate, 0), device_word());
    let mut node = 0_usize;
    let mut fill = generic(2, &fill_params(device, 4, 1));
    ok!(cuGraphAddNode_v2, &mut node, graph, 0, 0, 0, &mut fill);
    let mut answer = [0_u64; 32];
    ok!(cuGraphNodeGetParams, node, &mut answer);
    assert_eq!(answer[..7], fill[..7]);
    let exec = instantiate(graph);
    run(exec);
    assert_eq!(word(device), 4);
    ok!(cuGraphExecNodeSetParams, exec, node, &mut generic(2, &fill_params(device, 5, 1)));
    run(exec);
    assert_eq!(word(device), 5);
    assert_eq!(
        cu!(cuGraphAddNode_v2, &mut node, graph, 0, 0, 0, &mut generic(77, &[])),
        INVALID_VALUE
    );
}

#[test]
fn a_condition_decides_whether_a_body_runs() {
    let _turn = alone();
    for (default, expected) in [(1_u32, 7), (0, 0)] {
        let (graph, device) = (get!(usize, cuGraphCreate, 0), device_word());
        let condition = get!(u64, cuGraphConditionalHandleCreate, graph, 0, default, 1);
        let mut node = 0_usize;
        // handle; kind "if" and one body; where the bodies are told; context
        let mut params = generic(13, &[condition, 1 << 32, 0, 0]);
        ok!(cuGraphAddNode_v2, &mut node, graph, 0, 0, 0, &mut params);
        // SAFETY: the driver's array of one body.
        let body = unsafe { *(params[4] as *const usize) };
        add_fill(body, &[], device, 7);
        run(instantiate(graph));
        assert_eq!(word(device), expected);
    }
}
