//! Who this is, from texts of `/proc`. The input is the session, the cgroup file and the mounts, after
//! NUL bytes.
#![no_main]

use cuota_core::config::is_client_name;
use cuota_core::identity::{Origin, Process, Sources, client_name};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (numbers, texts) = input.split_at(input.len().min(8));
    let number = |at: usize| numbers.get(at).map_or(u32::MAX, |byte| u32::from(*byte) << (at * 3));
    let texts = String::from_utf8_lossy(texts);
    let mut texts = texts.split('\0');
    let mut text = || texts.next().unwrap_or_default();
    let sources = Sources {
        session: text(),
        cgroup: text(),
        mountinfo: text(),
        uid: number(0),
        leader: (number(1) % 2 == 0)
            .then(|| Process { pid: number(2), start: u64::from(number(3)) << number(4) % 32 }),
        own: Process { pid: number(5), start: u64::MAX - u64::from(number(6)) },
    };
    let name = client_name(&sources);
    assert!(is_client_name(&name.text), "{name:?}");
    let start = match name.from {
        Origin::Pod => "pod-".to_owned(),
        Origin::Container => "ctr-".to_owned(),
        Origin::Session | Origin::Process => format!("{}-", sources.uid),
    };
    assert!(name.text.len() > start.len() && name.text.starts_with(&start), "{name:?}");
    assert_eq!(client_name(&sources), name);
});
