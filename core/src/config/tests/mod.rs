mod aliases;
mod complaints;
mod limits;
mod rows;
mod sizes;

use super::*;

fn parse(set: &[(&str, &str)]) -> (Config, Vec<String>) {
    let (config, complaints) = Config::parse(&|name| {
        set.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.into())
    });
    (config, complaints.iter().map(Complaint::to_string).collect())
}

/// What the variables give, where nothing is wrong with them.
fn read(set: &[(&str, &str)]) -> Config {
    let (config, complaints) = parse(set);
    assert_eq!(complaints, [""; 0], "{set:?}");
    config
}

/// Each value gives one complaint, and otherwise what would be there without it.
fn misread(variable: &str, values: &[&str]) {
    for value in values {
        let (mut config, complaints) = parse(&[(variable, value)]);
        assert_eq!(complaints.len(), 1, "{variable}={value:?}: {complaints:?}");
        config.strict = false;
        assert_eq!(config, Config::default(), "{variable}={value:?}");
    }
}

const G: u64 = 1 << 30;
