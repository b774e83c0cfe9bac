//! The memory of graphs, which comes at the first launch and stays with the device's graphs until it is
//! trimmed, or another graph takes it.
//!
//! A graph that got its memory has it still unless somebody may have taken it, and with every such
//! occasion the memory of a device's graphs ages: when it is trimmed, and when a graph got memory for which
//! the driver took less of the device than that.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering};

use cuota_core::shm::Brief;

use super::charge::Full;
use super::graphs::Needs;
use super::pools::graphs_reserved;
use super::reserve::{Call, Sum};
use super::{Kind, Member, OnDevice};
use crate::driver::Status;

/// What the graphs of one device hold.
pub struct OnGraphs {
    pub sum: Sum,
    age: AtomicU64,
    /// How many calls for memory have begun, and how many of them have ended.
    calls: Brief<(u64, u64)>,
}

/// A call that gives a graph its memory.
struct Taking<'a> {
    device: &'a OnDevice,
    bytes: u64,
    call: Call,
    age: u64,
    /// Unless the graph has its memory: what was reserved before, if nobody else was taking any then, and
    /// the calls that had begun.
    before: Option<(Option<u64>, u64)>,
}

impl OnGraphs {
    pub(super) fn new() -> OnGraphs {
        OnGraphs { sum: Sum::new(), age: AtomicU64::new(0), calls: Brief::default() }
    }

    fn age(&self) -> u64 {
        self.age.load(Ordering::Acquire)
    }
}

impl<'a> Taking<'a> {
    fn begin(device: &'a OnDevice, bytes: u64, call: Call, backed_at: Option<u64>) -> Taking<'a> {
        let age = device.graphs.age();
        let before = (backed_at != Some(age)).then(|| {
            let (begun, alone) = device.graphs.calls.with(|(begun, ended)| {
                *begun += 1;
                (*begun, *begun == *ended + 1)
            });
            (graphs_reserved(device).filter(|_| alone), begun)
        });
        Taking { device, bytes, call, age, before }
    }

    /// Answers the age of what the graph got. Before the charge is settled: what others count on is
    /// charged until they can know better.
    fn end(&self) -> u64 {
        let graphs = &self.device.graphs;
        let Some((reserved, begun)) = self.before else { return self.age };
        let now = graphs_reserved(self.device);
        let alone = graphs.calls.with(|(all, ended)| {
            *ended += 1;
            *all == begun
        });
        let grown = reserved.zip(now).map_or(0, |(before, now)| now.saturating_sub(before));
        if alone && grown >= self.bytes {
            return self.age;
        }
        graphs.age.fetch_add(1, Ordering::AcqRel) + 1
    }
}

impl Member {
    /// Runs what gives a graph its memory, if the client may have it.
    pub fn with_graph_memory(
        &self,
        exec: Option<u64>,
        needs: Option<Needs>,
        name: &str,
        call: impl FnOnce() -> Status,
    ) -> Status {
        let known = exec.and_then(|exec| self.graphs.memory_of(exec));
        let (needs, backed) = known.unwrap_or_else(|| (needs.unwrap_or_default(), Vec::new()));
        let on = |(ordinal, bytes): &(i32, u64)| Some((self.device(*ordinal)?, *bytes));
        let mut takings = Vec::new();
        for (device, bytes) in needs.iter().filter_map(on) {
            let backed_at = backed.iter().find(|(on, _)| *on == device.ordinal).map(|(_, at)| *at);
            match self.ready_for_graph(device, bytes, backed_at) {
                Ok(call) => takings.push(Taking::begin(device, bytes, call, backed_at)),
                Err(full) => {
                    self.end_takings(&takings, false);
                    return self.refuse(device, Kind::Graph, bytes, name, full);
                }
            }
        }
        let status = call();
        let backed = self.end_takings(&takings, status.ok());
        if let Some(exec) = exec.filter(|_| status.ok()) {
            self.graphs.is_backed(exec, backed);
        }
        status
    }

    /// A bound of what the device's graphs will grow by; nothing where the graph has its memory.
    fn ready_for_graph(
        &self,
        device: &OnDevice,
        bytes: u64,
        backed_at: Option<u64>,
    ) -> Result<Call, Full> {
        let sum = &device.graphs.sum;
        let bound = Call::bounded(0, bytes);
        let begin = || match self.grow(device, sum, Kind::Graph, bound) {
            Ok(()) => Ok(bound),
            Err(full) => sum.rely(bound, || backed_at == Some(device.graphs.age())).ok_or(full),
        };
        begin().or_else(|_| self.at_last(device, begin))
    }

    fn end_takings(&self, takings: &[Taking], took: bool) -> Vec<(i32, u64)> {
        let end = |taking: &Taking| {
            let age = taking.end();
            self.settle_graphs(taking.device, (taking.call, took));
            (taking.device.ordinal, age)
        };
        takings.iter().map(end).collect()
    }

    fn settle_graphs(&self, device: &OnDevice, call: (Call, bool)) {
        let ask = || graphs_reserved(device);
        self.settle(device, &device.graphs.sum, Kind::Graph, call, ask);
    }

    /// Runs what has the device's graphs give back what they do not use.
    pub fn trim_graphs(&self, device: &OnDevice, trim: impl FnOnce() -> Status) -> Status {
        let sum = &device.graphs.sum;
        let (version, charged) = (sum.version(), sum.charged());
        let status = trim();
        if status.ok() {
            // Nothing went: what is in use has its memory still.
            let nothing = graphs_reserved(device) == Some(charged) && sum.version() == version;
            if !nothing {
                device.graphs.age.fetch_add(1, Ordering::AcqRel);
            }
            self.settle_graphs(device, (Call::NONE, true));
        }
        status
    }
}
