//! Graphs: those whose nodes allocate are charged when they get their memory; launches are counted.
#![forbid(unsafe_code)]

use core::ffi::{c_char, c_uint, c_ulonglong};

use cudarc::driver::sys::*;
use cuota_core::book::Count;

use super::caller::read;
use super::real::{Flight, Real};
use super::work::admitted;
use crate::client::Client;
use crate::driver::Status;
use crate::member::{Member, contents_of};

/// Instantiation that uploads, and so takes the memory at once.
const UPLOAD: u64 = 2;

fn known(member: &Member, out: *mut CUgraphExec, graph: CUgraph, status: Status) {
    if let Some(exec) = read(out).filter(|_| status.ok()) {
        member.graphs.instantiated(exec.addr() as u64, contents_of(graph.addr() as u64));
    }
}

pub fn instantiate(
    client: &Client,
    real: &Real,
    out: *mut CUgraphExec,
    graph: CUgraph,
    _error: *mut CUgraphNode,
    _log: *mut c_char,
    _bytes: usize,
) -> Status {
    with_flags(client, real, out, graph, 0)
}

pub fn with_flags(
    client: &Client,
    real: &Real,
    out: *mut CUgraphExec,
    graph: CUgraph,
    _flags: c_ulonglong,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let status = real.call();
    known(member, out, graph, status);
    status
}

pub fn with_params(
    client: &Client,
    real: &Real,
    out: *mut CUgraphExec,
    graph: CUgraph,
    params: *mut CUDA_GRAPH_INSTANTIATE_PARAMS,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let flags = read(params.cast_const().cast::<u64>()).unwrap_or(0);
    if flags & UPLOAD == 0 {
        return with_flags(client, real, out, graph, flags);
    }
    let needs = contents_of(graph.addr() as u64).needs;
    let status = member.with_graph_memory(None, Some(needs), real.name(), || real.call());
    known(member, out, graph, status);
    status
}

pub fn launch(client: &Client, real: &Real, exec: CUgraphExec, stream: CUstream) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    if let Err(refused) = admitted() {
        return refused;
    }
    let handle = real.stream(stream);
    let captured = member.is_capturing() && member.is_captured(handle);
    let context = if captured { None } else { member.context() };
    let work = context.map(|context| member.takes_off(context.device, 0, handle));
    let block = work.as_ref().and_then(|work| work.flight(handle));
    let flight = Flight { block, answers: false };
    let status = with_memory(client, real, exec, stream, flight);
    if let Some(work) = work.filter(|_| status.ok()) {
        work.count(Count::Graphs, 1);
        work.count(Count::GraphKernels, member.graphs.kernels(exec.addr() as u64));
    }
    status
}

pub fn switch(
    client: &Client,
    real: &Real,
    exec: CUgraphExec,
    node: CUgraphNode,
    on: c_uint,
) -> Status {
    let status = real.call();
    if let Some(member) = client.member().filter(|_| status.ok()) {
        member.graphs.switched(exec.addr() as u64, node.addr() as u64, on != 0);
    }
    status
}

/// What gives a graph its memory, if it has not got it.
pub fn upload(client: &Client, real: &Real, exec: CUgraphExec, stream: CUstream) -> Status {
    with_memory(client, real, exec, stream, Flight { block: None, answers: false })
}

fn with_memory(
    client: &Client,
    real: &Real,
    exec: CUgraphExec,
    stream: CUstream,
    flight: Flight,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    if !member.graphs.any() || member.is_captured(real.stream(stream)) {
        return real.call_submitting(flight);
    }
    let exec = Some(exec.addr() as u64);
    member.with_graph_memory(exec, None, real.name(), || real.call_submitting(flight))
}

pub fn destroy_exec(client: &Client, real: &Real, exec: CUgraphExec) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let known = member.graphs.take(exec.addr() as u64);
    let status = real.call();
    if let Some(known) = known.filter(|_| !status.ok()) {
        member.graphs.put_back(exec.addr() as u64, known);
    }
    status
}

pub fn trim(client: &Client, real: &Real, device: CUdevice) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    match member.device(device) {
        Some(device) => member.trim_graphs(device, || real.call()),
        None => real.call(),
    }
}
