//! The metrics there are.
#![forbid(unsafe_code)]

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Gauge,
    /// Only rises until its client's ledger is made anew; its samples end in `_total`.
    Counter,
    /// Always 1; its samples end in `_info`.
    Info,
}

pub struct Family {
    /// Without the ending of its samples.
    pub name: &'static str,
    pub kind: Kind,
    /// The end of the name, or empty.
    pub unit: &'static str,
    pub help: &'static str,
}

macro_rules! metrics {
    ($($metric:ident $kind:ident $name:literal $unit:literal $help:literal;)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Metric { $($metric),* }
        /// In the order of [`Metric`].
        pub const FAMILIES: &[Family] = &[
            $(Family { name: $name, kind: Kind::$kind, unit: $unit, help: $help }),*
        ];
    };
}

metrics! {
    MemoryUsed Gauge "cuota_memory_used_bytes" "bytes"
        "Device memory that living members of the client hold.";
    MemoryQuota Gauge "cuota_memory_quota_bytes" "bytes"
        "Device memory the client may hold; absent where it has no quota.";
    QuotaByCommand Gauge "cuota_memory_quota_by_command" ""
        "1 if the quota (or that there is none) was set by command, 0 if by the environment.";
    MemoryPeak Gauge "cuota_memory_peak_bytes" "bytes"
        "The most device memory the client ever held at once.";
    MemoryUntracked Gauge "cuota_memory_untracked_bytes" "bytes"
        "How much of what is held the driver took for itself.";
    MemoryIdle Gauge "cuota_memory_idle_bytes" "bytes"
        "How much of what is held pools have reserved and handed out to nobody.";
    DeviceMemory Gauge "cuota_device_memory_bytes" "bytes"
        "Memory the device has.";
    DeviceSms Gauge "cuota_device_sms" ""
        "SMs the device has, whatever a process under MPS is shown; absent where nobody could tell.";
    SmsGranted Gauge "cuota_sms_granted" ""
        "SMs that living members may use, added up: under MPS a share is each process's.";
    ShareEnforced Gauge "cuota_share_enforced" ""
        "1 if MPS holds all living members that ask for a share of the SMs to it; absent where none asks.";
    ShareExclusive Gauge "cuota_share_exclusive" ""
        "1 if the SMs are a static partition's, which nobody outside it may use; 0 if they are a cap; absent without MPS.";
    Held Counter "cuota_memory_held_byte_seconds" "byte_seconds"
        "Device memory held times how long, until each member's last sign of life.";
    Idle Counter "cuota_memory_idle_byte_seconds" "byte_seconds"
        "Of what was held that long, what pools had reserved and handed out to nobody.";
    Uncertain Counter "cuota_memory_uncertain_byte_seconds" "byte_seconds"
        "What killed members may have held between their last sign of life and when their death was noticed.";
    Running Gauge "cuota_memory_running_byte_seconds" "byte_seconds"
        "What the living hold times how long since their last sign of life: not in the counter yet.";
    Allocations Counter "cuota_allocations" ""
        "Allocations of device memory that were granted.";
    Allocated Counter "cuota_allocated_bytes" "bytes"
        "Device memory that was granted.";
    Frees Counter "cuota_frees" ""
        "Allocations that were given back.";
    Freed Counter "cuota_freed_bytes" "bytes"
        "Device memory that was given back.";
    Refusals Counter "cuota_refusals" ""
        "Requests that were refused because of the quota.";
    Refused Counter "cuota_refused_bytes" "bytes"
        "Device memory that was asked for and refused because of the quota.";
    Launches Counter "cuota_launches" ""
        "Kernels launched: alone, cooperative, and those of graphs.";
    GraphLaunches Counter "cuota_graph_launches" ""
        "Graphs launched.";
    Copies Counter "cuota_copies" ""
        "Copies, by direction.";
    Copied Counter "cuota_copied_bytes" "bytes"
        "Bytes copied, by direction.";
    Fills Counter "cuota_fills" ""
        "Fills of memory with a value.";
    Filled Counter "cuota_filled_bytes" "bytes"
        "Bytes filled with a value.";
    Waits Counter "cuota_waits" ""
        "Calls that wait for the device.";
    Waited Counter "cuota_waited_seconds" "seconds"
        "Time such calls took.";
    ContextsMade Counter "cuota_contexts_made" ""
        "Contexts made.";
    ContextsGone Counter "cuota_contexts_gone" ""
        "Contexts that were destroyed.";
    ModulesLoaded Counter "cuota_modules_loaded" ""
        "Modules loaded.";
    ModulesUnloaded Counter "cuota_modules_unloaded" ""
        "Modules unloaded.";
    Faults Counter "cuota_faults" ""
        "Devices that members lost to a fault, their own or another's.";
    MembersLost Gauge "cuota_members_lost" ""
        "Processes of the client that run and have lost a device: the MPS server takes nobody new meanwhile.";
    Members Gauge "cuota_members" ""
        "Processes of the client that run.";
    Joined Counter "cuota_members_joined" ""
        "Processes that became members of the client.";
    Left Counter "cuota_members_left" ""
        "Members that ended in good order.";
    Died Counter "cuota_members_died" ""
        "Members that were killed.";
    Events Counter "cuota_events" ""
        "Events written to the client's ring.";
    Build Info "cuota_build" ""
        "The exporter's version.";
    Ledgers Gauge "cuota_ledgers" ""
        "Ledgers found: read, unreadable, or left out (a second one of a client, or no room left).";
    ScrapeDuration Gauge "cuota_scrape_duration_seconds" "seconds"
        "How long it took to read the ledgers.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules() {
        let mut names: Vec<&str> = FAMILIES.iter().map(|family| family.name).collect();
        for family in FAMILIES {
            let Family { name, unit, help, .. } = family;
            assert!(name.starts_with("cuota_") && name.ends_with(unit), "{name}");
            for ending in ["_total", "_info", "_created", "_count", "_sum", "_bucket"] {
                // A family may not end as the samples of another do.
                assert!(!name.ends_with(ending), "{name}");
            }
            assert!(help.ends_with('.') && !help.contains(['\\', '\n']), "{name}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FAMILIES.len());
    }
}
