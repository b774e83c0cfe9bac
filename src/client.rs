//! This process as a client of the card: what it was told by its environment, and what it keeps
//! account of.
#![forbid(unsafe_code)]

use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use core::time::Duration;

use cuota_core::config::{Complaint, Config, OnFault, View};
use cuota_core::names;
use cuota_core::tally::{Kind as TallyKind, Path, Tally};

use crate::driver::{self, Kind, Status, process};
use crate::guard::{self, Duties};
use crate::hooks::Real;
use crate::log::{self, Topic};
use crate::member::{self, Member, OnDevice};
use crate::{coverage, hooks, mps, share};

/// How long the end of a process under MPS may wait for its work, where nobody says.
const DRAIN: Duration = Duration::from_secs(5);

pub struct Client {
    /// Hooks pass straight through: switched off, or one of NVIDIA's own services.
    inert: bool,
    tally: Option<Tally>,
    coverage_checked: AtomicBool,
    config: Config,
    /// A setting could not be read, and that is reason enough not to go on.
    misread: bool,
    /// CUDA was initialised against our advice: nothing is given out.
    barred: AtomicBool,
    /// It was initialised with our consent before: what was given out must come back.
    admitted: AtomicBool,
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
        tally: config.tally.as_ref().filter(|_| !service).and_then(|path| tally_in(path)),
        coverage_checked: AtomicBool::new(false),
        misread: config.strict && !complaints.is_empty(),
        barred: AtomicBool::new(false),
        admitted: AtomicBool::new(false),
        config,
    };
    log::set_level(made.config.log);
    let (client, first) = process::leak(&CLIENT, made);
    if first {
        std::panic::set_hook(Box::new(|info| log::error(Topic::Bug, format_args!("{info}"))));
        client.say_what_was_read(&complaints);
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

    fn say_what_was_read(&self, complaints: &[Complaint]) {
        for complaint in complaints {
            if self.misread && !self.inert {
                log::error(Topic::Setting, format_args!("{}", complaint.refusal()));
            } else {
                log::warn(Topic::Setting, format_args!("{complaint}"));
            }
        }
        for adopted in &self.config.adopted {
            log::info(Topic::Setting, format_args!("{adopted}"));
        }
        for reported in &self.config.reported {
            log::info(Topic::Setting, format_args!("{reported}"));
        }
    }

    /// This process's membership, once CUDA is initialised; nothing where there is no ledger, or it
    /// was not let in.
    #[inline(always)]
    pub fn member(&self) -> Option<&'static Member> {
        if self.barred.load(Ordering::Relaxed) { None } else { member::current() }
    }

    /// What a call that takes memory comes to in a process that is no member.
    #[cold]
    pub fn without(&self, real: &Real) -> Status {
        if self.barred.load(Ordering::Relaxed) { Status::NOT_INITIALIZED } else { real.call() }
    }

    pub fn shows_slices(&self) -> bool {
        self.config.view == View::Slice
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Before there is a driver to read it.
    pub fn ask_for_share(&self) {
        if !self.inert && !process::has_more_rights() {
            share::ask(&self.config);
        }
    }

    /// Before the driver is initialised: is there an MPS, if there has to be, and takes a place in the
    /// ledger. What to answer where going on without is worse than not going on.
    #[cold]
    #[inline(never)]
    pub fn join(&self) -> Result<(), Status> {
        if self.misread {
            return Err(Status::INVALID_VALUE);
        }
        let _here = process::NotCancelled::new();
        self.under_mps(mps::before(&self.config))?;
        self.is_good_enough(member::join(&self.config).map(drop))
    }

    /// After the driver is initialised: the limits, and what came of MPS.
    #[cold]
    #[inline(never)]
    pub fn settle(&self) -> Result<(), Status> {
        let _here = process::NotCancelled::new();
        let outcome = self
            .under_mps(mps::after(&self.config))
            .and_then(|()| self.is_good_enough(member::settle(&self.config)));
        let settled = outcome.is_ok();
        let admitted = self.admitted.fetch_or(settled, Ordering::Relaxed);
        self.barred.store(!settled && !admitted, Ordering::Relaxed);
        if settled {
            share::note(&self.config, self.member());
        }
        outcome
    }

    fn under_mps(&self, outcome: Result<(), String>) -> Result<(), Status> {
        outcome.map_err(|why| {
            log::error(Topic::Setting, format_args!("cuInit fails, for CUOTA_MPS=require: {why}"));
            Status::MPS_CONNECTION_FAILED
        })
    }

    fn is_good_enough(&self, outcome: Result<(), String>) -> Result<(), Status> {
        match outcome {
            Ok(()) => Ok(()),
            Err(why) if self.config.strict => {
                log::error(
                    Topic::Ledger,
                    format_args!(
                        "cuInit fails: {why} (with CUOTA_STRICT=0 the program would run without a limit of its own)"
                    ),
                );
                Err(Status::INVALID_VALUE)
            }
            Err(why) => {
                // Who asked for nothing is not told that nothing comes of it.
                let asked = !self.config.vram.is_empty()
                    || self.config.client.is_some()
                    || self.config.sm.is_some();
                let say = if asked { log::warn } else { log::info };
                say(Topic::Ledger, format_args!("not limited by its own settings: {why}"));
                Ok(())
            }
        }
    }

    /// A context was made: from now on there is something to drain, and to lose.
    pub fn watch_over(&self, device: &OnDevice) {
        let by_mps = mps::is_client(device.ordinal);
        let default = if by_mps { DRAIN } else { Duration::ZERO };
        guard::begin(Duties {
            drain: self.config.drain.unwrap_or(default),
            leaves: by_mps && self.config.on_fault == OnFault::Exit,
        });
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
