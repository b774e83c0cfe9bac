//! Devices by name, and what each is given.
#![forbid(unsafe_code)]

use std::fmt::{self, Write};
use std::str::FromStr;

use super::size::{Size, digits};

pub(super) const A_LIST: &str = "a size above 0 and below 256TiB such as 8GiB, 512M or 50%, \
    GPU-<uuid>=SIZE or 0=SIZE for one device, or several of these after commas, none twice";

/// A GPU or MIG instance, as the driver names it. Displayed with the prefix of a GPU: the sixteen
/// bytes do not tell which of the two it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Uuid(pub [u8; 16]);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAUuid;

impl FromStr for Uuid {
    type Err = NotAUuid;

    fn from_str(text: &str) -> Result<Uuid, NotAUuid> {
        let groups = text.strip_prefix("GPU-").or_else(|| text.strip_prefix("MIG-"));
        let groups = groups.ok_or(NotAUuid)?;
        if !groups.split('-').map(str::len).eq([8, 4, 4, 4, 12]) {
            return Err(NotAUuid);
        }
        let mut digits = groups.bytes().filter(|byte| *byte != b'-');
        let mut digit = || {
            let digit = char::from(digits.next()?).to_digit(16)?;
            u8::try_from(digit).ok()
        };
        let mut bytes = [0; 16];
        for byte in &mut bytes {
            let (high, low) = (digit().ok_or(NotAUuid)?, digit().ok_or(NotAUuid)?);
            *byte = high << 4 | low;
        }
        Ok(Uuid(bytes))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("GPU-")?;
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                out.write_char('-')?;
            }
            write!(out, "{byte:02x}")?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DeviceName {
    Uuid(Uuid),
    /// As this process counts its visible devices.
    Ordinal(u32),
}

impl DeviceName {
    fn parse(text: &str) -> Option<DeviceName> {
        if let Ok(uuid) = text.parse() {
            return Some(DeviceName::Uuid(uuid));
        }
        digits(text).and_then(|ordinal| ordinal.try_into().ok()).map(DeviceName::Ordinal)
    }
}

/// What a client may have: the same of every device, and of named ones otherwise.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Limits {
    pub every: Option<Size>,
    /// Each name once.
    pub each: Vec<(DeviceName, Size)>,
}

impl Limits {
    /// A list of `NAME=SIZE`, and at most one size without a name.
    pub(super) fn parse(text: &str) -> Option<Limits> {
        let mut limits = Limits::default();
        for entry in text.split(',') {
            let new = match entry.split_once('=') {
                None => limits.every.replace(Size::parse(entry)?).is_none(),
                Some((name, size)) => {
                    let name = DeviceName::parse(name.trim_matches(' '))?;
                    let size = Size::parse(size)?;
                    let new = limits.named(name).is_none();
                    limits.each.push((name, size));
                    new
                }
            };
            if !new {
                return None;
            }
        }
        Some(limits)
    }

    /// A UUID says which device is meant, an ordinal only which one this process counts so.
    pub fn for_device(&self, uuid: &Uuid, ordinal: Option<u32>) -> Option<Size> {
        self.named(DeviceName::Uuid(*uuid))
            .or_else(|| ordinal.and_then(|ordinal| self.named(DeviceName::Ordinal(ordinal))))
            .or(self.every)
    }

    pub fn is_empty(&self) -> bool {
        self.every.is_none() && self.each.is_empty()
    }

    fn named(&self, name: DeviceName) -> Option<Size> {
        self.each.iter().find(|(known, _)| *known == name).map(|(_, size)| *size)
    }
}
