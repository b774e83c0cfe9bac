//! What a command is told of its client: looked at as the library will look at it, before anything
//! is started. A framework may answer a failing `cuInit` with a silent run on the processor.
#![forbid(unsafe_code)]

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process;
use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use cuota_core::book::{self, layout::Layout};
use cuota_core::config::{Complaint, Config, name_of_run};
use cuota_core::shm::clock;

use crate::command::Failure;
use crate::places;

#[derive(Args, Default)]
pub struct Settings {
    /// How much device memory the client may hold: 8GiB, 512M, 50% (CUOTA_VRAM)
    #[arg(long, value_name = "SIZE", value_parser = NonEmptyStringValueParser::new())]
    vram: Option<String>,
    /// The share of the SMs: 30% or 40sm (CUOTA_SM)
    #[arg(long, value_name = "SHARE", value_parser = NonEmptyStringValueParser::new())]
    sm: Option<String>,
    /// The client: commands of one name share its quota [default: CUOTA_CLIENT, else a new one]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    client: Option<String>,
    /// NAME=VALUE after commas, for whoever reads the accounts (CUOTA_LABELS)
    #[arg(long, value_name = "LABELS", value_parser = NonEmptyStringValueParser::new())]
    labels: Option<String>,
    /// Show the quota as the device (slice), or the device (CUOTA_VIEW)
    #[arg(long, value_name = "WHAT", value_parser = NonEmptyStringValueParser::new())]
    view: Option<String>,
    /// 1: no CUDA without a quota that was asked for; 0: then without a quota (CUOTA_STRICT)
    #[arg(long, value_name = "0|1", value_parser = NonEmptyStringValueParser::new())]
    strict: Option<String>,
    /// The directory of the ledgers (CUOTA_DIR)
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub type Variables = Vec<(&'static str, OsString)>;

/// The ledger of the command that is started with these variables, if it will have one that we know of.
pub fn ledger(variables: &Variables) -> Option<PathBuf> {
    let (config, _) = parsed(variables);
    let client = config.client.clone().or_else(places::container)?;
    (!config.disable).then(|| places::chosen(&config).join(book::file_name(&client)))
}

/// As the library will read them.
fn parsed(set: &Variables) -> (Config, Vec<Complaint>) {
    Config::parse(&|variable: &str| {
        let ours = set.iter().find(|(name, _)| *name == variable);
        ours.map(|(_, value)| value.clone()).or_else(|| before(variable))
    })
}

fn before(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

impl Settings {
    /// The variables the command is started with besides those that are set, or why it is not
    /// started.
    pub fn variables(self) -> Result<Variables, Failure> {
        let mut set = self.options()?;
        let told = set.len();
        let named =
            set.iter().any(|(name, _)| *name == "CUOTA_CLIENT") || before("CUOTA_CLIENT").is_some();
        // A pod's or a container's processes are one client, however they are started.
        let contained = if named { None } else { places::container() };
        if !named && contained.is_none() {
            let time = Duration::from_nanos(clock::boot_time());
            // Ours stays the command's, which is executed in our place, or our child's for as long.
            set.push(("CUOTA_CLIENT", name_of_run(process::id(), time).into()));
        }
        let (config, complaints) = parsed(&set);
        let of_options = |complaint: &&Complaint| {
            set.iter().take(told).any(|(name, _)| *name == complaint.variable())
        };
        if let Some(complaint) = complaints.iter().find(of_options) {
            return Err(Failure::ours(complaint.objection()));
        }
        if config.strict && !config.disable {
            if let Some(complaint) = complaints.first() {
                return Err(not_started(&complaint.objection()));
            }
            rehearse(&config, contained.as_deref())?;
        }
        Ok(set)
    }

    fn options(self) -> Result<Variables, Failure> {
        let dir = self.dir.map(|dir| places::absolute("--dir", &dir)).transpose()?;
        let given = [
            ("CUOTA_VRAM", self.vram.map(OsString::from)),
            ("CUOTA_SM", self.sm.map(OsString::from)),
            ("CUOTA_CLIENT", self.client.map(OsString::from)),
            ("CUOTA_LABELS", self.labels.map(OsString::from)),
            ("CUOTA_VIEW", self.view.map(OsString::from)),
            ("CUOTA_STRICT", self.strict.map(OsString::from)),
            ("CUOTA_DIR", dir.map(OsString::from)),
        ];
        Ok(given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }
}

/// Whether the library could keep account of the command.
fn rehearse(config: &Config, contained: Option<&str>) -> Result<(), Failure> {
    let Some(client) = config.client.as_deref().or(contained) else { return Ok(()) };
    let layout = Layout::new(config.members.into(), config.ring.into());
    book::rehearse(&places::chosen(config), config.dir.is_none(), client, layout)
        .map_err(|why| not_started(&why.to_string()))
}

fn not_started(why: &str) -> Failure {
    Failure::ours(format!(
        "not started: {why}\nWith --strict 0 it would run, and without a quota of its own."
    ))
}
