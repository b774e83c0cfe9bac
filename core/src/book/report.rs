//! What a reader makes of a ledger.
#![forbid(unsafe_code)]

use super::counts::Counts;
use super::events::Event;
use super::{Fault, Grant};
use crate::config::Sm;

/// What a ledger says.
#[derive(Debug, Default)]
pub struct Report {
    pub client: String,
    pub labels: String,
    pub epoch: u64,
    pub created_wall: u64,
    pub owner: u64,
    pub devices: Vec<DeviceReport>,
    pub members: Vec<MemberReport>,
    /// The newest, oldest first.
    pub events: Vec<Event>,
    /// Events ever written.
    pub written: u64,
    /// Members that ever were, and of those the ones that left in good order and that were killed.
    pub joined: u64,
    pub left: u64,
    pub died: u64,
    /// Nanoseconds since boot, when it was made.
    pub created_boot: u64,
    /// At which start of the machine.
    pub boot: [u64; 2],
    /// Nanoseconds since boot: when it was read, and the newest time before that at which anybody is
    /// known to have done anything with it.
    pub read: u64,
    pub touched: u64,
}

#[derive(Clone, Debug, Default)]
pub struct DeviceReport {
    /// Place in the ledger's directory.
    pub index: usize,
    pub uuid: [u8; 16],
    pub bytes: u64,
    /// SMs; 0 if nobody could tell.
    pub sms: u32,
    pub limit: Option<u64>,
    pub by_command: bool,
    /// Held by the living.
    pub used: u64,
    /// How much of that the driver took for itself.
    pub untracked: u64,
    /// And how much of it pools have reserved and handed out to nobody.
    pub idle: u64,
    pub peak: u64,
    pub refused: u64,
    pub refused_bytes: u64,
    /// Bytes·ns held for certain since the ledger began: until each member's last sign of life.
    pub held_byte_ns: u128,
    /// Bytes·ns that dead members may have held between that and when their death was noticed.
    pub uncertain_byte_ns: u128,
    /// Of what is held for certain, bytes·ns that pools had reserved and handed out to nobody; and of what
    /// the living have held since their last sign of life.
    pub idle_byte_ns: i128,
    pub running_idle_byte_ns: i128,
    /// Nobody committed while the two were read. If somebody did whenever they were tried, they may be
    /// anything: a slot may have been written over half-way.
    pub settled: bool,
    /// Bytes·ns between a member's last sign of life and when this was read: of the living, who hold
    /// theirs still, and of dead ones that nobody has noticed. Neither is in the sums above, which only
    /// grow: a later look may find the living dead since then.
    pub running_byte_ns: u128,
    pub unnoticed_byte_ns: u128,
    /// All that any member ever counted here.
    pub counts: Counts,
}

#[derive(Clone, Debug, Default)]
pub struct MemberReport {
    pub id: u64,
    pub alive: bool,
    pub pid: u64,
    pub pid_namespace: u64,
    pub user: u64,
    pub joined: u64,
    pub name: String,
    pub shares: Vec<Share>,
    /// What it asked for of the SMs, and what it was granted of each device's.
    pub asked: Option<Sm>,
    pub grants: Vec<(usize, Grant)>,
    /// On which devices it has stopped as it was told, and when it was told.
    pub stopped: Vec<(usize, u64)>,
    /// What took a device from it.
    pub fault: Option<Fault>,
    /// It has said that it leaves, and is counted among those that left.
    pub leaving: bool,
    /// Its place in the ledger.
    pub(super) index: usize,
}

impl Report {
    /// Whether whoever joined was gone before the sums were read.
    pub fn is_deserted(&self) -> bool {
        let gone = self.left.saturating_add(self.died);
        gone >= self.joined && self.members.iter().all(|member| !member.alive)
    }
}

impl DeviceReport {
    /// Bytes·ns that pools had idle, of those that were held for certain; and the same with what the living
    /// have held since.
    pub fn idle(&self) -> [u128; 2] {
        let until_now = self.held_byte_ns.saturating_add(self.running_byte_ns);
        let with_running = self.idle_byte_ns.saturating_add(self.running_idle_byte_ns);
        // Below nothing, and more than is held, are for the moments between two changes.
        [(self.idle_byte_ns, self.held_byte_ns), (with_running, until_now)]
            .map(|(idle, held)| u128::try_from(idle).unwrap_or(0).min(held))
    }
}

/// What a member holds of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// As in `DeviceReport::index`.
    pub device: usize,
    pub used: u64,
    pub untracked: u64,
    pub idle: u64,
    /// What it counted here itself.
    pub counts: Counts,
}
