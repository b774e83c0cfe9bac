//! The environment, as one table of options.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// How much is said on standard error.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
}

impl Level {
    const ALL: [Level; 5] = [Level::Off, Level::Error, Level::Warn, Level::Info, Level::Debug];

    pub fn name(self) -> &'static str {
        match self {
            Level::Off => "off",
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    pub log: Level,
    /// Every hook passes straight through.
    pub disable: bool,
    /// The file to count every call in.
    pub tally: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Config {
        Config { log: Level::Warn, disable: false, tally: None }
    }
}

/// A variable that could not be read, and what would have been.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Complaint {
    variable: &'static str,
    read: String,
    accepted: &'static str,
}

impl fmt::Display for Complaint {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}={:?} is ignored: it takes {}", self.variable, self.read, self.accepted)
    }
}

/// One variable: its name, what it accepts in words, and how it is read.
struct Option_ {
    variable: &'static str,
    accepted: &'static str,
    read: fn(&mut Config, &str) -> bool,
}

const OPTIONS: [Option_; 3] = [
    Option_ {
        variable: "CUOTA_LOG",
        accepted: "off, error, warn, info or debug",
        read: |config, text| match Level::ALL.into_iter().find(|level| level.name() == text) {
            Some(level) => {
                config.log = level;
                true
            }
            None => false,
        },
    },
    Option_ {
        variable: "CUOTA_DISABLE",
        accepted: "0 or 1",
        read: |config, text| {
            config.disable = text == "1";
            matches!(text, "0" | "1")
        },
    },
    Option_ {
        variable: "CUOTA_TALLY",
        accepted: "an absolute path",
        read: |config, text| {
            let path = PathBuf::from(text);
            let absolute = path.is_absolute();
            config.tally = absolute.then_some(path);
            absolute
        },
    },
];

impl Config {
    /// Reads the options through `variable`. What cannot be read keeps its default and is complained
    /// of; an empty variable is as good as none.
    pub fn parse(variable: &dyn Fn(&str) -> Option<OsString>) -> (Config, Vec<Complaint>) {
        let mut config = Config::default();
        let mut complaints = Vec::new();
        for option in &OPTIONS {
            let Some(value) = variable(option.variable).filter(|value| !value.is_empty()) else {
                continue;
            };
            let mut read = config.clone();
            if value.to_str().is_some_and(|text| (option.read)(&mut read, text)) {
                config = read;
            } else {
                complaints.push(Complaint {
                    variable: option.variable,
                    read: value.to_string_lossy().into_owned(),
                    accepted: option.accepted,
                });
            }
        }
        (config, complaints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(set: &[(&str, &str)]) -> (Config, Vec<String>) {
        let (config, complaints) = Config::parse(&|name| {
            set.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.into())
        });
        (config, complaints.iter().map(Complaint::to_string).collect())
    }

    #[test]
    fn nothing_set_is_the_default() {
        assert_eq!(parse(&[]), (Config::default(), vec![]));
        assert_eq!(parse(&[("CUOTA_LOG", "")]), (Config::default(), vec![]));
    }

    #[test]
    fn each_option_is_read() {
        let (config, complaints) =
            parse(&[("CUOTA_LOG", "debug"), ("CUOTA_DISABLE", "1"), ("CUOTA_TALLY", "/a/b")]);
        assert!(complaints.is_empty());
        assert_eq!(config, Config { log: Level::Debug, disable: true, tally: Some("/a/b".into()) });
    }

    #[test]
    fn what_cannot_be_read_is_named_and_changes_nothing() {
        let (config, complaints) =
            parse(&[("CUOTA_LOG", "loud"), ("CUOTA_DISABLE", "yes"), ("CUOTA_TALLY", "here")]);
        assert_eq!(config, Config::default());
        assert_eq!(
            complaints,
            [
                "CUOTA_LOG=\"loud\" is ignored: it takes off, error, warn, info or debug",
                "CUOTA_DISABLE=\"yes\" is ignored: it takes 0 or 1",
                "CUOTA_TALLY=\"here\" is ignored: it takes an absolute path",
            ]
        );
    }
}
