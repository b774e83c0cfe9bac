//! What is billed of a device, as whole numbers that only grow.
#![forbid(unsafe_code)]

use cuota_core::book::{Count, Counts, DeviceReport, Direction, Memory};
use cuota_core::kind::Kind;

/// The places of some figures among the names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Figure {
    /// All kernels: launched alone, cooperative, and of graphs.
    Launches = 0,
    Graphs = 4,
    Copies = 5,
    CopiedBytes = 6,
    Allocations = 7,
    AllocatedBytes = 8,
    Refusals = 9,
    RefusedBytes = 10,
}

/// As JSON and CSV name them.
pub const NAMES: [&str; 11] = [
    "launches",
    "kernels",
    "cooperative",
    "graph_kernels",
    "graphs",
    "copies",
    "copied_bytes",
    "allocations",
    "allocated_bytes",
    "refusals",
    "refused_bytes",
];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes·ns held for certain, and those that the killed may have held besides.
    pub held: u128,
    pub uncertain: u128,
    /// Of those held for certain, what pools had reserved and handed out to nobody.
    pub idle: u128,
    pub figures: [u64; NAMES.len()],
}

impl Usage {
    /// Since the ledger began. Times of an earlier start of the machine cannot be told from now: what
    /// nobody noticed before it ended is not known.
    pub fn of(device: &DeviceReport, this_boot: bool) -> Usage {
        let unnoticed = if this_boot { device.unnoticed_byte_ns } else { 0 };
        let counts = &device.counts;
        let sum = |pairs: &mut dyn Iterator<Item = (u64, u64)>| {
            pairs.fold((0_u64, 0_u64), |(calls, bytes), (one, more)| {
                (calls.saturating_add(one), bytes.saturating_add(more))
            })
        };
        let (copies, copied) =
            sum(&mut Direction::ALL.into_iter().map(|direction| counts.copied(direction)));
        let (taken, taken_bytes) = sum(&mut asked_for(counts));
        let figures = [
            counts.launches(),
            counts.of(Count::Kernels),
            counts.of(Count::Cooperative),
            counts.of(Count::GraphKernels),
            counts.of(Count::Graphs),
            copies,
            copied,
            taken,
            taken_bytes,
            device.refused,
            device.refused_bytes,
        ];
        let [_, idle] = device.idle();
        Usage {
            held: device.held_byte_ns.saturating_add(device.running_byte_ns),
            uncertain: device.uncertain_byte_ns.saturating_add(unnoticed),
            idle,
            figures,
        }
    }

    pub fn figure(&self, figure: Figure) -> u64 {
        self.figures.get(figure as usize).copied().unwrap_or(0)
    }

    /// What came since. The living were seen to hold theirs when the earlier look was taken; if they were
    /// killed unseen since, the ledger has that time as uncertain, and it was billed as certain already:
    /// bills add up in the sum of both.
    pub fn since(&self, earlier: &Usage) -> Usage {
        let both = |usage: &Usage| usage.held.saturating_add(usage.uncertain);
        let held = self.held.saturating_sub(earlier.held);
        let mut figures = self.figures;
        for (figure, before) in figures.iter_mut().zip(earlier.figures) {
            *figure = figure.saturating_sub(before);
        }
        let all = both(self).saturating_sub(both(earlier));
        let idle = self.idle.saturating_sub(earlier.idle).min(held);
        Usage { held, uncertain: all.saturating_sub(held), idle, figures }
    }

    pub fn add(&mut self, other: &Usage) {
        self.held = self.held.saturating_add(other.held);
        self.uncertain = self.uncertain.saturating_add(other.uncertain);
        self.idle = self.idle.saturating_add(other.idle);
        for (figure, more) in self.figures.iter_mut().zip(other.figures) {
            *figure = figure.saturating_add(more);
        }
    }
}

/// What programs allocated: neither what the driver took for itself nor what others had made.
fn asked_for(counts: &Counts) -> impl Iterator<Item = (u64, u64)> {
    let kinds = Kind::ALL.into_iter().filter(|kind| !matches!(kind, Kind::Own | Kind::Import));
    kinds.map(|kind| counts.memory(kind, Memory::Taken))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(held: u128, uncertain: u128, launches: u64) -> Usage {
        let mut figures = [0; NAMES.len()];
        figures[0] = launches;
        Usage { held, uncertain, idle: held / 2, figures }
    }

    #[test]
    fn bills_add_up_also_over_a_death_nobody_saw() {
        let large = u128::from(u64::MAX) * 1000;
        assert_eq!(usage(large + 7, 3, 9).since(&usage(large, 1, 4)), usage(7, 2, 5));
        // Seen alive at 100; then found dead, with its last sign of life at 60 and the rest in doubt.
        let looks = [usage(100, 0, 1), usage(60, 70, 1), usage(90, 70, 2)];
        let mut sum = looks[0].clone();
        for pair in looks.windows(2) {
            sum.add(&pair[1].since(&pair[0]));
        }
        assert_eq!(looks[1].since(&looks[0]), usage(0, 30, 0));
        assert_eq!(sum.held + sum.uncertain, 90 + 70);
        assert_eq!(sum.figures, looks[2].figures);
    }

    #[test]
    fn what_lies_neither_panics_nor_goes_below_nothing() {
        let wide = u128::MAX;
        let most = Usage { held: wide, uncertain: wide, idle: wide, figures: [u64::MAX; 11] };
        let mut sum = most.clone();
        sum.add(&most);
        assert_eq!(sum, most);
        assert_eq!(Usage::default().since(&most), Usage::default());
    }
}
