//! Limits that are already set by other tools' variables.
//!
//! A limit of ours that is set at all, readable or not, outranks them: nothing is made up from
//! several places. HAMi's outrank NVIDIA's. NVIDIA's are for one process each, and are the client's
//! only where somebody gave the client a name, and so knows what belongs to it.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::ffi::OsString;

use super::naming;
use super::size::{WHOLE, digits, split, times, unit};
use super::{Adopted, Config, DeviceName, Limits, Reading, Reported, SM, Size, Sm, VRAM, Why};

const MEMORY: &str = "CUDA_DEVICE_MEMORY_LIMIT";
const CORES: &str = "CUDA_DEVICE_SM_LIMIT";
const PINNED: &str = "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT";
const THREADS: &str = "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE";
/// As many devices as HAMi has variables for.
const DEVICES: u32 = 32;

const A_SIZE: &str = "0 for no limit, or a size such as 3000m or 4g";

struct Alias {
    variable: Cow<'static, str>,
    accepted: &'static str,
    /// The limit of ours it may stand for, and what is set that comes before it.
    ours: &'static str,
    above: Option<&'static str>,
    per_process: bool,
}

/// Takes limits from the other tools' variables, where nothing comes before them.
pub(super) fn read(reading: &mut Reading, set: &dyn Fn(&str) -> Option<OsString>) {
    let ours = |ours: &'static str| set(ours).map(|_| ours);
    let above = ours(VRAM);
    let hami =
        |variable| Alias { variable, accepted: A_SIZE, ours: VRAM, above, per_process: false };
    let mut by_hami = reading.consider(hami(MEMORY.into()), set, size, |limits, size| {
        limits.vram.every = Some(size);
    });
    for ordinal in 0..DEVICES {
        let variable = format!("{MEMORY}_{ordinal}").into();
        by_hami |= reading.consider(hami(variable), set, size, |limits, size| {
            limits.vram.each.push((DeviceName::Ordinal(ordinal), size));
        });
    }
    let pinned = Alias {
        variable: PINNED.into(),
        accepted: "DEVICE=SIZE after commas, such as 0=1G,1=512M, none twice",
        ours: VRAM,
        above: above.or(by_hami.then_some(MEMORY)),
        per_process: true,
    };
    reading.consider(pinned, set, list, |limits, list| limits.vram = list);

    let above = ours(SM);
    let accepted = "0 to 100";
    let cores = Alias { variable: CORES.into(), accepted, ours: SM, above, per_process: false };
    let by_hami = reading.consider(cores, set, whole_percent, |limits, sm| limits.sm = Some(sm));
    let above = above.or(by_hami.then_some(CORES));
    let accepted = "a percentage above 0, up to 100";
    let threads = Alias { variable: THREADS.into(), accepted, ours: SM, above, per_process: true };
    reading.consider(threads, set, any_percent, |limits, sm| limits.sm = Some(sm));
}

impl Reading {
    /// Whether the variable asks for some limit. A value that does not count here is not looked at
    /// closely: it is between its tool and its user.
    fn consider<T>(
        &mut self,
        alias: Alias,
        set: &dyn Fn(&str) -> Option<OsString>,
        read: fn(&str) -> Option<Limit<T>>,
        take: impl FnOnce(&mut Config, T),
    ) -> bool {
        let Alias { variable, accepted, ours, above, per_process } = alias;
        let Some(value) = set(&variable) else { return false };
        let limit = match value.to_str().and_then(read) {
            Some(Limit::None) => return false,
            Some(Limit::Of(limit)) => Some(limit),
            None => None,
        };
        let chosen = |name: &String| !naming::is_name_of_run(name);
        let unnamed = per_process && !self.config.client.as_ref().is_some_and(chosen);
        let why = above.map(Why::Outranked).or(unnamed.then_some(Why::PerProcess));
        let text = || value.to_string_lossy().into_owned();
        match (why, limit) {
            (Some(why), _) => self.config.reported.push(Reported { variable, value: text(), why }),
            (None, Some(limit)) => {
                take(&mut self.config, limit);
                self.config.adopted.push(Adopted { variable, value: text(), ours });
            }
            (None, None) => {
                self.misread_limit = true;
                self.complain(variable, &value, accepted);
            }
        }
        true
    }
}

enum Limit<T> {
    None,
    Of(T),
}

fn size(text: &str) -> Option<Limit<Size>> {
    let (number, letters) = split(text)?;
    if digits(number) == Some(0) && unit(letters).is_some() {
        return Some(Limit::None);
    }
    Size::parse(text).filter(is_bytes).map(Limit::Of)
}

fn list(text: &str) -> Option<Limit<Limits>> {
    let list = Limits::parse(text)?;
    let plain = list.every.is_none() && list.each.iter().all(|(_, size)| is_bytes(size));
    plain.then_some(Limit::Of(list))
}

fn is_bytes(size: &Size) -> bool {
    matches!(size, Size::Bytes(_))
}

fn whole_percent(text: &str) -> Option<Limit<Sm>> {
    match digits(text)? {
        0 => Some(Limit::None),
        _ => any_percent(text),
    }
}

fn any_percent(text: &str) -> Option<Limit<Sm>> {
    match times(text, WHOLE / 100)? {
        WHOLE => Some(Limit::None),
        part @ 1..WHOLE => Some(Limit::Of(Sm::Percent(part))),
        _ => None,
    }
}
