use super::*;

#[test]
fn nothing_set_is_the_default() {
    assert_eq!(read(&[]), Config::default());
    for Row { variable, .. } in &OPTIONS {
        assert_eq!(read(&[(variable, "")]), Config::default(), "{variable}");
    }
}

#[test]
fn the_first_options() {
    let config = read(&[("CUOTA_LOG", "debug"), ("CUOTA_DISABLE", "1"), ("CUOTA_TALLY", "/a/b")]);
    let wanted = Config {
        log: Level::Debug,
        disable: true,
        tally: Some("/a/b".into()),
        ..Config::default()
    };
    assert_eq!(config, wanted);
    misread("CUOTA_LOG", &["loud", "DEBUG", "debug ", "1"]);
    misread("CUOTA_DISABLE", &["yes", "true", "2", "01", " 1"]);
    misread("CUOTA_TALLY", &["here", "./here", "~"]);
}

#[test]
fn choices() {
    let words = ["off", "error", "warn", "info", "debug"];
    for (word, level) in
        words.into_iter().zip([Level::Off, Level::Error, Level::Warn, Level::Info, Level::Debug])
    {
        assert_eq!((read(&[("CUOTA_LOG", word)]).log, level.name()), (level, word));
    }
    let shares = [Share::Auto, Share::Mps, Share::Pace, Share::Off];
    for (word, share) in ["auto", "mps", "pace", "off"].into_iter().zip(shares) {
        assert_eq!((read(&[("CUOTA_SHARE", word)]).share, share.name()), (share, word));
    }
    for (word, priority) in [("normal", Priority::Normal), ("low", Priority::Low)] {
        assert_eq!(read(&[("CUOTA_PRIORITY", word)]).priority, priority);
    }
    let stances = [("require", Mps::Require), ("prefer", Mps::Prefer), ("ignore", Mps::Ignore)];
    for (word, mps) in stances {
        assert_eq!(read(&[("CUOTA_MPS", word)]).mps, mps);
    }
    for (word, on_fault) in [("keep", OnFault::Keep), ("exit", OnFault::Exit)] {
        assert_eq!(read(&[("CUOTA_ON_FAULT", word)]).on_fault, on_fault);
    }
    for (word, view) in [("slice", View::Slice), ("device", View::Device)] {
        assert_eq!(read(&[("CUOTA_VIEW", word)]).view, view);
    }
    for variable in ["SHARE", "PRIORITY", "MPS", "ON_FAULT", "VIEW"] {
        misread(&format!("CUOTA_{variable}"), &["both", "0", "Off", " ", "high"]);
    }
}

#[test]
fn clients() {
    let longest = "x".repeat(63);
    for name in ["a", "A-b_c.1", "-", "_", "1..2", &longest] {
        assert_eq!(read(&[("CUOTA_CLIENT", name)]).client.as_deref(), Some(name));
    }
    let longer = "x".repeat(64);
    misread("CUOTA_CLIENT", &[".", "..", ".a", "a/b", "a b", "a\n", "é", "a\0", " a", &longer]);
}

#[test]
fn labels() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let config = read(&[("CUOTA_LABELS", "pod=a-1,_n0=,team=R&D =é 日本,Client=x")]);
    let wanted =
        [pair("pod", "a-1"), pair("_n0", ""), pair("team", "R&D =é 日本"), pair("Client", "x")];
    assert_eq!(config.labels, wanted);

    let list = |count: usize| (0..count).map(|n| format!("a{n}=x")).collect::<Vec<_>>().join(",");
    assert_eq!(read(&[("CUOTA_LABELS", &list(16))]).labels.len(), 16);
    let value = |len: usize| format!("a={}", "x".repeat(len));
    assert_eq!(read(&[("CUOTA_LABELS", &value(128))]).labels.len(), 1);
    // Each within its own bounds, and too many bytes together.
    let heavy = (0..8).map(|n| format!("a{n}={}", "x".repeat(128))).collect::<Vec<_>>().join(",");

    misread("CUOTA_LABELS", &["a", "=x", "a=x,", ",a=x", "a=x,a=y", "1a=x", "a-b=x", "a=x, b=y"]);
    misread("CUOTA_LABELS", &["é=x", "a=x\ny", "a=\u{7f}", "a=\u{85}", "a =x"]);
    misread("CUOTA_LABELS", &["client=x", "UUID=x", "gpu=x", "uuid=x", "a=x,device=x"]);
    misread("CUOTA_LABELS", &[&list(17), &value(129), &heavy, &"x".repeat(5000)]);
}

#[test]
fn parts_of_the_sms() {
    let parts = [
        ("30%", Sm::Percent(30_000)),
        ("1%", Sm::Percent(1000)),
        ("33.3%", Sm::Percent(33_300)),
        ("100%", Sm::Percent(100_000)),
        ("40sm", Sm::Count(40)),
        ("1sm", Sm::Count(1)),
    ];
    for (text, sm) in parts {
        assert_eq!(read(&[("CUOTA_SM", text)]).sm, Some(sm), "{text}");
    }
    misread("CUOTA_SM", &["0%", "0.999%", "100.1%", "101%", "-1%", "30", "30 %", "%", "sm", "0sm"]);
    misread("CUOTA_SM", &["40SM", "40 sm", "-1sm", "4294967296sm", "1.5sm", "1e1%", "0=30%"]);
}

#[test]
fn drains() {
    let spans = [("5s", 5000), ("500ms", 500), ("0", 0), ("0s", 0), ("2m", 120_000)];
    for (text, millis) in spans.into_iter().chain([("60m", 3_600_000)]) {
        let drain = read(&[("CUOTA_DRAIN", text)]).drain;
        assert_eq!(drain, Some(Duration::from_millis(millis)), "{text}");
    }
    misread("CUOTA_DRAIN", &["5", "s", "-1s", "1.5s", "5 s", "5S", "1h", "5us", "off", "61m", " "]);
    misread("CUOTA_DRAIN", &["3601s", "18446744073709551615m", "99999999999999999999s"]);
}

#[test]
fn directories_and_rings() {
    assert_eq!(read(&[("CUOTA_DIR", "/x/y")]).dir, Some("/x/y".into()));
    misread("CUOTA_DIR", &["x", "./x", " /x"]);
    for (text, ring) in [("64", 64), ("100", 100), ("1048576", 1_048_576)] {
        assert_eq!(read(&[("CUOTA_RING", text)]).ring, ring);
    }
    misread("CUOTA_RING", &["0", "63", "1048577", "-1", "+64", "64k", "8192.0", "4294967360"]);
}

#[test]
fn strict_where_a_limit_was_asked_for() {
    let strict = |set: &[(&str, &str)]| parse(set).0.strict;
    assert!(!strict(&[]));
    assert!(!strict(&[("CUOTA_RING", "1"), ("CUOTA_CLIENT", "a")]));
    for (variable, value) in [
        ("CUOTA_VRAM", "1G"),
        ("CUOTA_VRAM", "0=1G"),
        ("CUOTA_VRAM", "lots"),
        ("CUOTA_SM", "10%"),
        ("CUOTA_SM", "half"),
        ("CUDA_DEVICE_MEMORY_LIMIT", "1g"),
        ("CUDA_DEVICE_MEMORY_LIMIT_31", "1g"),
        ("CUDA_DEVICE_MEMORY_LIMIT", "lots"),
        ("CUDA_DEVICE_SM_LIMIT", "half"),
    ] {
        assert!(strict(&[(variable, value)]), "{variable}={value}");
        assert!(!strict(&[(variable, value), ("CUOTA_STRICT", "0")]), "{variable}={value}");
        // What is said of strictness cannot be read either.
        assert!(strict(&[(variable, value), ("CUOTA_STRICT", "no")]), "{variable}={value}");
    }
    assert!(strict(&[("CUOTA_STRICT", "1")]));
    misread("CUOTA_STRICT", &["yes", "no", "2"]);
}
