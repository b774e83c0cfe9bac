//! This process as a client of the card: what it was told by its environment, and what it keeps
//! account of.
#![forbid(unsafe_code)]

use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use cuota_core::config::Config;
use cuota_core::names;
use cuota_core::tally::{Kind as TallyKind, Path, Tally};

use crate::driver::{self, Kind, process};
use crate::log::{self, Topic};
use crate::{coverage, hooks};

pub struct Client {
    /// Hooks pass straight through: switched off, or one of NVIDIA's own services.
    inert: bool,
    tally: Option<Tally>,
    coverage_checked: AtomicBool,
}

static CLIENT: AtomicPtr<Client> = AtomicPtr::new(core::ptr::null_mut());

/// The client, once the driver is being loaded.
#[inline(always)]
pub fn get() -> Option<&'static Client> {
    process::leaked(&CLIENT)
}

/// The client, made from the environment at the first call. No lock: whoever comes while another
/// thread (or the very frame a signal interrupted) is making one makes its own, and the first that is
/// done is kept.
pub fn init() -> &'static Client {
    if let Some(client) = get() {
        return client;
    }
    let listened_to = |name: &str| std::env::var_os(name).filter(|_| !process::has_more_rights());
    let (config, complaints) = Config::parse(&listened_to);
    let service = process::is_a_service();
    let made = Client {
        inert: config.disable || service,
        tally: config.tally.filter(|_| !service).and_then(|path| tally_in(&path)),
        coverage_checked: AtomicBool::new(false),
    };
    log::set_level(config.log);
    let (client, first) = process::leak(&CLIENT, made);
    if first {
        std::panic::set_hook(Box::new(|info| log::error(Topic::Bug, format_args!("{info}"))));
        for complaint in complaints {
            log::warn(Topic::Setting, format_args!("{complaint}"));
        }
    }
    client
}

fn tally_in(path: &std::path::Path) -> Option<Tally> {
    let names = hooks::ALL.iter().map(|entry| {
        let kind = match entry.kind {
            Kind::Hooked { thunk: Some(_) } => TallyKind::Body,
            Kind::Hooked { thunk: None } => TallyKind::Row,
            Kind::Forwarded { .. } => TallyKind::Forwarded,
        };
        (entry.name.to_str().unwrap_or_default(), kind)
    });
    let made = Tally::open_or_create(path, names);
    if let Err(why) = &made {
        log::error(
            Topic::Setting,
            format_args!("CUOTA_TALLY={}: {why}; calls are not counted", path.display()),
        );
    }
    made.ok()
}

/// `dlsym` gave out our entry point. Called where nothing may be locked or allocated.
pub fn handed_out_by_dlsym(index: usize) {
    if let Some(tally) = get().and_then(Client::tally) {
        tally.handed_out(index, Path::Dlsym);
    }
}

impl Client {
    /// Whether entry points lead to our bodies in this process.
    pub fn hooks_bodies(&self) -> bool {
        !self.inert
    }

    pub fn tally(&self) -> Option<&Tally> {
        self.tally.as_ref()
    }

    /// `cuGetProcAddress` gave out our entry point `index`, or an address that is none of ours.
    pub fn handed_out_by_driver(&self, index: Option<usize>) {
        match (&self.tally, index) {
            (Some(tally), Some(index)) => tally.handed_out(index, Path::ProcAddress),
            (Some(tally), None) => tally.untranslated(),
            (None, _) => {}
        }
    }

    /// Somebody asked for one of the driver's private tables.
    pub fn export_table_asked(&self, uuid: [u8; 16], granted: bool) {
        if let Some(tally) = &self.tally {
            tally.table_asked(uuid, granted);
        }
    }

    /// Once, at the first `cuInit`: does this driver export names we do not know? An alarm, never a
    /// reason to fail: a driver upgrade must not stop a fleet.
    pub fn check_coverage(&self) {
        if self.coverage_checked.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut unknown = 0;
        driver::load::names(&mut |name: &CStr| {
            if coverage::is_unknown(name) {
                unknown += 1;
                let name = name.to_string_lossy();
                if names::look_like_an_allocator(&name) {
                    log::warn(
                        Topic::Coverage,
                        format_args!(
                            "this driver has {name}, which this cuota does not know: memory taken through it is seen only by reconciliation; update cuota"
                        ),
                    );
                } else {
                    log::debug(
                        Topic::Coverage,
                        format_args!("this driver has {name}, unknown here"),
                    );
                }
            }
        });
        log::debug(
            Topic::Coverage,
            format_args!("{unknown} of this driver's names are unknown here"),
        );
    }
}
