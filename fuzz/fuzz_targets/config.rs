//! The environment. The input is one value for each variable, after NUL bytes: what no variable can
//! contain.
#![no_main]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use cuota_core::config::{
    Adopted, Config, DeviceName, LARGEST, Limits, Reported, Size, Sm, Uuid, is_client_name,
};
use libfuzzer_sys::fuzz_target;

const VARIABLES: [&str; 22] = [
    "CUOTA_VRAM",
    "CUOTA_LABELS",
    "CUOTA_CLIENT",
    "CUOTA_SM",
    "CUOTA_DRAIN",
    "CUOTA_RING",
    "CUOTA_STRICT",
    "CUDA_DEVICE_MEMORY_LIMIT",
    "CUDA_DEVICE_MEMORY_LIMIT_0",
    "CUDA_DEVICE_MEMORY_LIMIT_31",
    "CUDA_DEVICE_SM_LIMIT",
    "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT",
    "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE",
    "CUOTA_DIR",
    "CUOTA_TALLY",
    "CUOTA_LOG",
    "CUOTA_DISABLE",
    "CUOTA_SHARE",
    "CUOTA_PRIORITY",
    "CUOTA_MPS",
    "CUOTA_ON_FAULT",
    "CUOTA_VIEW",
];

fuzz_target!(|input: &[u8]| {
    let values: Vec<&[u8]> = input.split(|byte| *byte == 0).collect();
    let variable = |name: &str| {
        let place = VARIABLES.iter().position(|variable| *variable == name)?;
        values.get(place).map(|value| OsString::from(OsStr::from_bytes(value)))
    };
    let (config, complaints) = Config::parse(&variable);
    assert_eq!(Config::parse(&variable), (config.clone(), complaints.clone()));

    let mut variables: Vec<&str> =
        complaints.iter().map(|complaint| complaint.variable()).collect();
    variables.sort_unstable();
    variables.dedup();
    assert_eq!(variables.len(), complaints.len(), "two complaints of one variable");
    for complaint in &complaints {
        line(&complaint.to_string());
        line(&complaint.refusal());
    }
    for text in config.adopted.iter().map(Adopted::to_string) {
        line(&text);
    }
    for text in config.reported.iter().map(Reported::to_string) {
        line(&text);
    }

    limits(&config.vram);
    match config.sm {
        Some(Sm::Percent(part)) => assert!((1..=100_000).contains(&part)),
        Some(Sm::Count(count)) => assert!(count > 0),
        None => {}
    }
    assert!(config.client.as_deref().is_none_or(is_client_name));
    assert!(config.labels.len() <= 16 && (64..=1 << 20).contains(&config.ring));
    assert!(config.dir.is_none_or(|path| path.is_absolute()));
    // A limit that was asked for never goes without a word.
    let asked = |name| variable(name).is_some_and(|value| !value.is_empty());
    if asked("CUOTA_VRAM") && !asked("CUOTA_STRICT") {
        assert!(config.strict);
        let complained = variables.contains(&"CUOTA_VRAM");
        assert!(complained == config.vram.is_empty());
    }
});

fn line(text: &str) {
    assert!(text.len() < 400 && !text.contains(char::is_control), "{text:?}");
}

fn limits(limits: &Limits) {
    let sizes = limits.each.iter().map(|(_, size)| *size).chain(limits.every);
    for size in sizes {
        let full = match size {
            Size::Bytes(bytes) => {
                assert_eq!(Size::parse(&bytes.to_string()), Some(size));
                bytes
            }
            // As good as this on the largest device there can be.
            Size::Percent(_) => size.of(LARGEST),
        };
        assert!((1..=LARGEST).contains(&full), "{size:?}");
    }
    let named = |uuid: &Uuid| limits.each.iter().any(|(name, _)| *name == DeviceName::Uuid(*uuid));
    let stranger = (0..=u8::MAX).map(|byte| Uuid([byte; 16])).find(|uuid| !named(uuid)).unwrap();
    for (name, size) in &limits.each {
        let (uuid, ordinal) = match name {
            DeviceName::Uuid(uuid) => (*uuid, None),
            DeviceName::Ordinal(ordinal) => (stranger, Some(*ordinal)),
        };
        assert_eq!(uuid.to_string().parse(), Ok(uuid));
        assert_eq!(limits.for_device(&uuid, ordinal), Some(*size), "{name:?}");
    }
}
