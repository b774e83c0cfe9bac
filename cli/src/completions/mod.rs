//! `cuota completions`: what a shell has to know to complete the command's words.
#![forbid(unsafe_code)]

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;

use crate::command::{Cuota, Failure};
use crate::screen;

pub const ABOUT: &str = "\
Print the script that lets a shell complete cuota's commands and options.

`make install` puts them where the shells look. By hand:
  bash  cuota completions bash > ~/.local/share/bash-completion/completions/cuota
  zsh   cuota completions zsh > a directory of $fpath/_cuota
  fish  cuota completions fish > ~/.config/fish/completions/cuota.fish";

#[derive(Args)]
pub struct Options {
    /// For this shell
    #[arg(value_enum)]
    shell: Of,
}

#[derive(Clone, Copy, ValueEnum)]
enum Of {
    Bash,
    Zsh,
    Fish,
}

pub fn print(options: Options) -> Result<u8, Failure> {
    let shell = match options.shell {
        Of::Bash => Shell::Bash,
        Of::Zsh => Shell::Zsh,
        Of::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cuota::command(), "cuota", &mut script);
    screen::print(&String::from_utf8_lossy(&script));
    Ok(0)
}
