//! Entry points: graphs.

use std::ffi::{c_char, c_uint, c_void};

use cudarc::driver::sys::*;

use crate::work::graph::{self, AttributeValue, InstantiateParams, NodeParams, UpdateInfo};

entries! {
    [cuGraphCreate] (out: *mut CUgraph, flags: c_uint) => graph::create;
    [cuGraphDestroy] (graph: CUgraph) => graph::destroy;
    [cuGraphClone] (out: *mut CUgraph, graph: CUgraph) => graph::clone;
    [cuGraphNodeFindInClone] (out: *mut CUgraphNode, original: CUgraphNode, clone: CUgraph) => graph::find_in_clone;
    [cuGraphDebugDotPrint] (graph: CUgraph, path: *const c_char, flags: c_uint) => graph::dot;
    [cuGraphGetId] (graph: CUgraph, id: *mut c_uint) => graph::get_id;

    [cuGraphAddKernelNode] (out: *mut CUgraphNode, graph: CUgraph, nodes: *const CUgraphNode, count: usize, params: *const CUDA_KERNEL_NODE_PARAMS_v1) => graph::add_kernel_v1;
    [cuGraphAddKernelNode_v2] (out: *mut CUgraphNode, graph: CUgraph, nodes: *const CUgraphNode, count: usize, params: *const CUDA_KERNEL_NODE_PARAMS_v2) => graph::add_kernel;
    [cuGraphAddMemcpyNode] (out: *mut CUgraphNode, graph: CUgraph, nodes: *const CUgraphNode, count: usize, params: *const CUDA_MEMCPY3D, ctx: CUcontext) => graph::add_copy;
    [cuGraphAddMemsetNode] (out: *mut CUgraphNode, graph: CUgraph, nodes: *const CUgraphNode, count: usize, params: *const CUDA_MEMSET_NODE_PARAMS_v1, ctx: CUcontext) => graph::add_fill;
    [cuGraphAddHostNode] (out: *mut CUgraphNode, graph: CUgraph, nodes: *const CUgraphNode, count: usize, params: *const CUDA_HOST_NODE_PARAMS_v1) => graph::add_host;
    [cuGraphAddChildGraphNode] (out: *mut CUgraphNode, graph: CUgraph, nodes: *const CUgraphNode, count: usize, child: CUgraph) => graph::add_child;
    [cuGraphAddEmptyNode] (out: *mut CUgraphNode, graph: CUgraph, nodes: *const CUgraphNode, count: usize) => graph::add_empty;
    [cuGraphAddEventRecordNode] (out: *mut CUgraphNode, graph: CUgraph, nodes: *const CUgraphNode, count: usize, event: CUevent) => graph::add_record;
    [cuGraphAddEventWaitNode] (out: *mut CUgraphNode, graph: CUgraph, nodes: *const CUgraphNode, count: usize, event: CUevent) => graph::add_wait;
    [cuGraphAddMemAllocNode] (out: *mut CUgraphNode, graph: CUgraph, nodes: *const CUgraphNode, count: usize, params: *mut CUDA_MEM_ALLOC_NODE_PARAMS_v1) => graph::add_alloc;
    [cuGraphAddMemFreeNode] (out: *mut CUgraphNode, graph: CUgraph, nodes: *const CUgraphNode, count: usize, ptr: CUdeviceptr) => graph::add_free;
    [cuGraphAddBatchMemOpNode] (out: *mut CUgraphNode, graph: CUgraph, nodes: *const CUgraphNode, count: usize, params: *const CUDA_BATCH_MEM_OP_NODE_PARAMS_v1) => graph::add_memory_ops;
    [cuGraphAddNode] (out: *mut CUgraphNode, graph: CUgraph, nodes: *const CUgraphNode, count: usize, params: *mut NodeParams) => graph::add_node;
    [cuGraphAddNode_v2 cuGraphAddNode_v3] (out: *mut CUgraphNode, graph: CUgraph, nodes: *const CUgraphNode, edges: *const CUgraphEdgeData, count: usize, params: *mut NodeParams) => graph::add_node_v2;
    [cuGraphConditionalHandleCreate] (out: *mut u64, graph: CUgraph, ctx: CUcontext, value: c_uint, flags: c_uint) => graph::create_condition;
    [cuGraphDestroyNode] (node: CUgraphNode) => graph::destroy_node;

    [cuGraphKernelNodeGetParams] (node: CUgraphNode, params: *mut CUDA_KERNEL_NODE_PARAMS_v1) => graph::get_kernel_v1;
    [cuGraphKernelNodeGetParams_v2] (node: CUgraphNode, params: *mut CUDA_KERNEL_NODE_PARAMS_v2) => graph::get_kernel;
    [cuGraphKernelNodeSetParams] (node: CUgraphNode, params: *const CUDA_KERNEL_NODE_PARAMS_v1) => graph::set_kernel_v1;
    [cuGraphKernelNodeSetParams_v2] (node: CUgraphNode, params: *const CUDA_KERNEL_NODE_PARAMS_v2) => graph::set_kernel;
    [cuGraphKernelNodeGetAttribute] (node: CUgraphNode, attribute: c_uint, value: *mut AttributeValue) => graph::get_attribute;
    [cuGraphKernelNodeSetAttribute] (node: CUgraphNode, attribute: c_uint, value: *const AttributeValue) => graph::set_attribute;
    [cuGraphKernelNodeCopyAttributes] (to: CUgraphNode, from: CUgraphNode) => graph::copy_attributes;
    [cuGraphMemcpyNodeGetParams] (node: CUgraphNode, params: *mut CUDA_MEMCPY3D) => graph::get_copy;
    [cuGraphMemcpyNodeSetParams] (node: CUgraphNode, params: *const CUDA_MEMCPY3D) => graph::set_copy;
    [cuGraphMemsetNodeGetParams] (node: CUgraphNode, params: *mut CUDA_MEMSET_NODE_PARAMS_v1) => graph::get_fill;
    [cuGraphMemsetNodeSetParams] (node: CUgraphNode, params: *const CUDA_MEMSET_NODE_PARAMS_v1) => graph::set_fill;
    [cuGraphHostNodeGetParams] (node: CUgraphNode, params: *mut CUDA_HOST_NODE_PARAMS_v1) => graph::get_host;
    [cuGraphHostNodeSetParams] (node: CUgraphNode, params: *const CUDA_HOST_NODE_PARAMS_v1) => graph::set_host;
    [cuGraphChildGraphNodeGetGraph] (node: CUgraphNode, graph: *mut CUgraph) => graph::child_graph;
    [cuGraphEventRecordNodeGetEvent] (node: CUgraphNode, event: *mut CUevent) => graph::get_record;
    [cuGraphEventRecordNodeSetEvent] (node: CUgraphNode, event: CUevent) => graph::set_record;
    [cuGraphEventWaitNodeGetEvent] (node: CUgraphNode, event: *mut CUevent) => graph::get_wait;
    [cuGraphEventWaitNodeSetEvent] (node: CUgraphNode, event: CUevent) => graph::set_wait;
    [cuGraphMemAllocNodeGetParams] (node: CUgraphNode, params: *mut CUDA_MEM_ALLOC_NODE_PARAMS_v1) => graph::get_alloc;
    [cuGraphMemFreeNodeGetParams] (node: CUgraphNode, ptr: *mut CUdeviceptr) => graph::get_free;
    [cuGraphBatchMemOpNodeGetParams] (node: CUgraphNode, params: *mut CUDA_BATCH_MEM_OP_NODE_PARAMS_v1) => graph::get_memory_ops;
    [cuGraphBatchMemOpNodeSetParams] (node: CUgraphNode, params: *const CUDA_BATCH_MEM_OP_NODE_PARAMS_v1) => graph::set_memory_ops;
    [cuGraphNodeGetParams] (node: CUgraphNode, params: *mut NodeParams) => graph::get_params;
    [cuGraphNodeSetParams cuGraphNodeSetParams_v2] (node: CUgraphNode, params: *mut NodeParams) => graph::set_params;

    [cuGraphGetNodes] (graph: CUgraph, nodes: *mut CUgraphNode, count: *mut usize) => graph::get_nodes;
    [cuGraphGetRootNodes] (graph: CUgraph, nodes: *mut CUgraphNode, count: *mut usize) => graph::get_root_nodes;
    [cuGraphGetEdges] (graph: CUgraph, from: *mut CUgraphNode, to: *mut CUgraphNode, count: *mut usize) => graph::get_edges;
    [cuGraphGetEdges_v2] (graph: CUgraph, from: *mut CUgraphNode, to: *mut CUgraphNode, edges: *mut CUgraphEdgeData, count: *mut usize) => graph::get_edges_v2;
    [cuGraphAddDependencies] (graph: CUgraph, from: *const CUgraphNode, to: *const CUgraphNode, count: usize) => graph::add_dependencies;
    [cuGraphAddDependencies_v2] (graph: CUgraph, from: *const CUgraphNode, to: *const CUgraphNode, edges: *const CUgraphEdgeData, count: usize) => graph::add_dependencies_v2;
    [cuGraphRemoveDependencies] (graph: CUgraph, from: *const CUgraphNode, to: *const CUgraphNode, count: usize) => graph::remove_dependencies;
    [cuGraphRemoveDependencies_v2] (graph: CUgraph, from: *const CUgraphNode, to: *const CUgraphNode, edges: *const CUgraphEdgeData, count: usize) => graph::remove_dependencies_v2;
    [cuGraphNodeGetDependencies] (node: CUgraphNode, nodes: *mut CUgraphNode, count: *mut usize) => graph::dependencies;
    [cuGraphNodeGetDependencies_v2] (node: CUgraphNode, nodes: *mut CUgraphNode, edges: *mut CUgraphEdgeData, count: *mut usize) => graph::dependencies_v2;
    [cuGraphNodeGetDependentNodes] (node: CUgraphNode, nodes: *mut CUgraphNode, count: *mut usize) => graph::dependents;
    [cuGraphNodeGetDependentNodes_v2] (node: CUgraphNode, nodes: *mut CUgraphNode, edges: *mut CUgraphEdgeData, count: *mut usize) => graph::dependents_v2;
    [cuGraphNodeGetType] (node: CUgraphNode, kind: *mut c_uint) => graph::node_type;
    [cuGraphNodeGetLocalId] (node: CUgraphNode, id: *mut c_uint) => graph::node_local_id;
    [cuGraphNodeGetToolsId] (node: CUgraphNode, id: *mut u64) => graph::node_tools_id;
    [cuGraphNodeGetContainingGraph] (node: CUgraphNode, graph: *mut CUgraph) => graph::node_graph;

    [cuGraphInstantiate cuGraphInstantiate_v2] (out: *mut CUgraphExec, graph: CUgraph, node: *mut CUgraphNode, log: *mut c_char, size: usize) => graph::instantiate_with_log;
    [cuGraphInstantiateWithFlags] (out: *mut CUgraphExec, graph: CUgraph, flags: u64) => graph::instantiate;
    [cuGraphInstantiateWithParams cuGraphInstantiateWithParams_ptsz] (out: *mut CUgraphExec, graph: CUgraph, params: *mut InstantiateParams) => graph::instantiate_with_params;
    [cuGraphUpload cuGraphUpload_ptsz] (exec: CUgraphExec, stream: CUstream) => graph::upload;
    [cuGraphLaunch cuGraphLaunch_ptsz] (exec: CUgraphExec, stream: CUstream) => graph::launch;
    [cuGraphExecDestroy] (exec: CUgraphExec) => graph::exec_destroy;
    [cuGraphExecGetFlags] (exec: CUgraphExec, flags: *mut u64) => graph::exec_flags;
    [cuGraphExecGetId] (exec: CUgraphExec, id: *mut c_uint) => graph::exec_id;
    [cuGraphExecUpdate] (exec: CUgraphExec, graph: CUgraph, node: *mut CUgraphNode, result: *mut c_uint) => graph::update_v1;
    [cuGraphExecUpdate_v2] (exec: CUgraphExec, graph: CUgraph, info: *mut UpdateInfo) => graph::update;
    [cuGraphExecKernelNodeSetParams] (exec: CUgraphExec, node: CUgraphNode, params: *const CUDA_KERNEL_NODE_PARAMS_v1) => graph::exec_set_kernel_v1;
    [cuGraphExecKernelNodeSetParams_v2] (exec: CUgraphExec, node: CUgraphNode, params: *const CUDA_KERNEL_NODE_PARAMS_v2) => graph::exec_set_kernel;
    [cuGraphExecMemcpyNodeSetParams] (exec: CUgraphExec, node: CUgraphNode, params: *const CUDA_MEMCPY3D, ctx: CUcontext) => graph::exec_set_copy;
    [cuGraphExecMemsetNodeSetParams] (exec: CUgraphExec, node: CUgraphNode, params: *const CUDA_MEMSET_NODE_PARAMS_v1, ctx: CUcontext) => graph::exec_set_fill;
    [cuGraphExecHostNodeSetParams] (exec: CUgraphExec, node: CUgraphNode, params: *const CUDA_HOST_NODE_PARAMS_v1) => graph::exec_set_host;
    [cuGraphExecChildGraphNodeSetParams] (exec: CUgraphExec, node: CUgraphNode, child: CUgraph) => graph::exec_set_child;
    [cuGraphExecEventRecordNodeSetEvent] (exec: CUgraphExec, node: CUgraphNode, event: CUevent) => graph::exec_set_record;
    [cuGraphExecEventWaitNodeSetEvent] (exec: CUgraphExec, node: CUgraphNode, event: CUevent) => graph::exec_set_wait;
    [cuGraphExecBatchMemOpNodeSetParams] (exec: CUgraphExec, node: CUgraphNode, params: *const CUDA_BATCH_MEM_OP_NODE_PARAMS_v1) => graph::exec_set_memory_ops;
    [cuGraphExecNodeSetParams] (exec: CUgraphExec, node: CUgraphNode, params: *mut NodeParams) => graph::exec_set_params;
    [cuGraphNodeSetEnabled] (exec: CUgraphExec, node: CUgraphNode, enabled: c_uint) => graph::set_enabled;
    [cuGraphNodeGetEnabled] (exec: CUgraphExec, node: CUgraphNode, enabled: *mut c_uint) => graph::get_enabled;

    [cuUserObjectCreate] (out: *mut CUuserObject, data: *mut c_void, destroy: CUhostFn, references: c_uint, flags: c_uint) => graph::create_object;
    [cuUserObjectRetain] (object: CUuserObject, count: c_uint) => graph::retain_object;
    [cuUserObjectRelease] (object: CUuserObject, count: c_uint) => graph::release_object;
    [cuGraphRetainUserObject] (graph: CUgraph, object: CUuserObject, count: c_uint, flags: c_uint) => graph::graph_retain_object;
    [cuGraphReleaseUserObject] (graph: CUgraph, object: CUuserObject, count: c_uint) => graph::graph_release_object;
}
