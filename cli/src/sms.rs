//! What a client's living members were granted of a device's SMs.
#![forbid(unsafe_code)]

use std::fmt;

use cuota_core::book::{DeviceReport, Grant, Report};
use cuota_core::config::Sm;

#[derive(Clone, Debug)]
pub struct Sms {
    /// What they ask for, if any does; of several, the first.
    pub asked: Option<Sm>,
    processes: usize,
    /// The most that one of them may use, and all of them, added up: a cap is each one's own, a partition
    /// is shared by all that are in it.
    each: u32,
    pub granted: u64,
    /// All the device has, if anybody could tell.
    pub all: Option<u32>,
    /// MPS sees to it, for all that ask.
    pub by_mps: bool,
    /// All are in a partition, and nobody else may use its SMs.
    pub exclusive: bool,
}

impl Sms {
    /// Nothing where nobody asks for a share, and nobody is under MPS.
    pub fn of(report: &Report, device: &DeviceReport) -> Option<Sms> {
        let living = report.members.iter().filter(|member| member.alive);
        let grants = living.filter_map(|member| {
            let (_, grant) = member.grants.iter().find(|(index, _)| *index == device.index)?;
            Some((member.asked, *grant))
        });
        let grants: Vec<_> = grants.collect();
        let speaks = |(asked, by): &(Option<Sm>, Grant)| asked.is_some() || by.by_mps;
        if !grants.iter().any(speaks) {
            return None;
        }
        let each = grants.iter().map(|(_, grant)| grant.sms).max()?;
        let exclusive = grants.iter().all(|(_, grant)| grant.by_mps && grant.exclusive);
        let sum = grants.iter().map(|(_, grant)| u64::from(grant.sms)).sum();
        Some(Sms {
            asked: grants.iter().find_map(|(asked, _)| *asked),
            processes: grants.len(),
            each,
            granted: if exclusive { each.into() } else { sum },
            all: (device.sms > 0).then_some(device.sms),
            by_mps: grants.iter().all(|(_, grant)| grant.by_mps),
            exclusive,
        })
    }
}

impl fmt::Display for Sms {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        if !self.by_mps {
            out.write_str("SMs: not limited, for there is no MPS")?;
        } else {
            write!(out, "SMs: {}", self.each)?;
            if let Some(all) = self.all {
                write!(out, " of {all}")?;
            }
            let number = self.processes;
            match (self.exclusive, number > 1) {
                (true, false) => out.write_str(", reserved by a partition of MPS")?,
                (true, true) => {
                    write!(
                        out,
                        ", reserved by a partition of MPS, for {number} processes together"
                    )?;
                }
                (false, false) => out.write_str(", by MPS")?,
                (false, true) => {
                    let all = self.granted;
                    write!(out, ", by MPS, for each of {number} processes: {all} in all")?;
                }
            }
        }
        self.asked.map_or(Ok(()), |asked| write!(out, "; asked for: {asked}"))
    }
}

#[cfg(test)]
mod tests {
    use cuota_core::book::MemberReport;

    use super::*;

    fn said(asked: Option<Sm>, grants: &[Grant], sms: u32) -> Option<String> {
        let device = DeviceReport { index: 2, sms, ..DeviceReport::default() };
        let member = |alive, grant: Grant| {
            let mut member = MemberReport::default();
            (member.alive, member.asked, member.grants) = (alive, asked, vec![(2, grant)]);
            member
        };
        let dead = member(false, Grant { sms: 9, by_mps: true, exclusive: false });
        let members = grants.iter().map(|grant| member(true, *grant)).chain([dead]).collect();
        let report = Report { members, ..Report::default() };
        Sms::of(&report, &device).map(|sms| sms.to_string())
    }

    #[test]
    fn what_is_granted_is_said_and_what_is_not() {
        let share = Grant { sms: 38, by_mps: true, exclusive: false };
        let (partition, free) =
            (Grant { exclusive: true, ..share }, Grant { sms: 132, ..Grant::default() });
        let asked = Some(Sm::Percent(30_000));
        for (asked, grants, all, expected) in [
            (asked, &[share][..], 132, "SMs: 38 of 132, by MPS; asked for: 30%"),
            (
                asked,
                &[share, share, share],
                132,
                "SMs: 38 of 132, by MPS, for each of 3 processes: 114 in all; asked for: 30%",
            ),
            (None, &[share], 0, "SMs: 38, by MPS"),
            (None, &[partition], 132, "SMs: 38 of 132, reserved by a partition of MPS"),
            (
                asked,
                &[partition, partition],
                132,
                "SMs: 38 of 132, reserved by a partition of MPS, for 2 processes together; asked for: 30%",
            ),
            // Whoever is outside has a cap only.
            (
                None,
                &[partition, share],
                132,
                "SMs: 38 of 132, by MPS, for each of 2 processes: 76 in all",
            ),
            (
                Some(Sm::Count(40)),
                &[share, free],
                132,
                "SMs: not limited, for there is no MPS; asked for: 40sm",
            ),
        ] {
            assert_eq!(said(asked, grants, all).as_deref(), Some(expected));
        }
        assert_eq!(said(None, &[free], 132), None);
        assert_eq!(said(asked, &[], 132), None, "the dead have nothing");
    }
}
