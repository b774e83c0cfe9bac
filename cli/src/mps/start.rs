//! `cuota mps start`.
#![forbid(unsafe_code)]

use std::path::Path;

use clap::Args;

use super::launch::{How, bring_up};
use super::{TURN, Where, known_holder};
use crate::command::Failure;
use crate::screen;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    at: Where,
    #[command(flatten)]
    how: How,
}

pub fn start(options: &Options) -> Result<u8, Failure> {
    let place = options.at.place()?;
    let who =
        |place: &Path| known_holder(place).map_or(String::new(), |pid| format!(" (process {pid})"));
    match bring_up(&place, &options.how)? {
        None => screen::print(&format!("runs already{} in {}\n", who(&place), place.display())),
        Some(log) => screen::print(&format!(
            "started{}; its clients need CUDA_MPS_PIPE_DIRECTORY={}; its log is in {}\n",
            who(&place),
            place.display(),
            log.display()
        )),
    }
    for said in options.how.defaults.tell(&place, TURN)? {
        screen::print(&format!("{said}\n"));
    }
    Ok(0)
}
