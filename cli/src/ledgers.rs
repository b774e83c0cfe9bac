//! The ledgers there are, read without believing them. One that cannot be read does not hide the
//! others.
#![forbid(unsafe_code)]

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cuota_core::book::{self, DeviceReport, Report, Trouble, What};
use cuota_core::config::Uuid;

use crate::command::Failure;
use crate::places::Places;

pub struct Client {
    /// By the file's name, which is what its members go by.
    pub name: String,
    pub file: PathBuf,
    pub report: Report,
}

pub struct Unreadable {
    pub file: PathBuf,
    pub why: String,
}

#[derive(Default)]
pub struct Ledgers {
    /// By name.
    pub clients: Vec<Client>,
    pub unreadable: Vec<Unreadable>,
}

/// Statuses of commands that found something, but not what was asked for.
pub const NOT_AS_ASKED: u8 = 1;

impl Ledgers {
    /// Those of all the places; of one client, if it is named.
    pub fn read(places: &Places, client: Option<&str>) -> Result<Ledgers, Failure> {
        let mut ledgers = Ledgers::default();
        for directory in &places.directories {
            match book::list(directory) {
                Ok(files) => {
                    let wanted = |file: &PathBuf| client.is_none_or(|name| is_of(file, name));
                    files.into_iter().filter(wanted).for_each(|file| ledgers.add(file));
                }
                Err(why) => {
                    let why = Trouble::new(directory, What::Directory(why)).to_string();
                    if places.named {
                        return Err(Failure::ours(why));
                    }
                    ledgers.unreadable.push(Unreadable { file: directory.clone(), why });
                }
            }
        }
        ledgers.clients.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(ledgers)
    }

    fn add(&mut self, file: PathBuf) {
        match read(&file) {
            Ok(client) => self.clients.push(client),
            Err(why) if is_gone(&why) => {}
            Err(why) => self.unreadable.push(Unreadable { why: why.to_string(), file }),
        }
    }
}

/// Whether the file was removed since it was listed.
pub fn is_gone(trouble: &Trouble) -> bool {
    matches!(&trouble.what, What::File(why) if why.kind() == ErrorKind::NotFound)
}

fn is_of(file: &Path, name: &str) -> bool {
    book::client_of(file) == Some(name)
}

/// The ledger of the client that its name says.
pub fn read(file: &Path) -> Result<Client, Trouble> {
    let not_a_ledger = |why| Trouble::new(file, What::Unreadable(why));
    let name = book::client_of(file).ok_or_else(|| not_a_ledger("no client has such a name"))?;
    let report = book::read(file, 0)?;
    if report.client != name {
        return Err(not_a_ledger("it says that it is another client's"));
    }
    Ok(Client { name: name.to_owned(), file: file.to_owned(), report })
}

/// A client that is not there, and those that are.
pub fn no_such_client(name: &str, places: &Places) -> Failure {
    let mut text = format!("there is no client {name:?} in {}", places.text());
    let others = Ledgers::read(places, None).map(|ledgers| ledgers.clients).unwrap_or_default();
    let names: Vec<&str> = others.iter().map(|client| client.name.as_str()).collect();
    if !names.is_empty() {
        text += &format!("\nClients there: {}", names.join(", "));
    }
    Failure { status: NOT_AS_ASKED, text }
}

/// A device as people name it: its place in the client's list, and the beginning of its UUID.
pub fn device_name(device: &DeviceReport) -> String {
    let uuid = Uuid(device.uuid).to_string();
    format!("{} {}", device.index, uuid.get(..SHORT_UUID).unwrap_or(&uuid))
}

/// `GPU-` and the first group of digits.
const SHORT_UUID: usize = 12;
