//! `cuota man`: the manual pages, made from what the command says of itself.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use clap_mangen::Man;

use crate::command::{Cuota, Failure};
use crate::screen;

pub const ABOUT: &str = "\
Print the manual page of cuota, or write those of all its commands.

`cuota man | man -l -` shows it. `make install` puts all of them where man
looks.";

#[derive(Args)]
pub struct Options {
    /// Write a page for each command into this directory, which is made if need be
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

pub fn write(options: Options) -> Result<u8, Failure> {
    match options.to {
        Some(directory) => {
            let failed = |why| Failure::ours(format!("{}: {why}", directory.display()));
            pages(&directory).map_err(failed)?;
        }
        None => {
            let mut page = Vec::new();
            let made = Man::new(Cuota::command()).render(&mut page);
            made.map_err(|why| Failure::ours(why.to_string()))?;
            screen::print(&String::from_utf8_lossy(&page));
        }
    }
    Ok(0)
}

/// What is for cuota itself has no page.
fn pages(directory: &Path) -> std::io::Result<()> {
    fs::create_dir_all(directory)?;
    clap_mangen::generate_to(Cuota::command(), directory)
}
