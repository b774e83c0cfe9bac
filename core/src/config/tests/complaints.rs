use std::os::unix::ffi::OsStringExt;

use super::*;

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

#[test]
fn the_line_for_where_cu_init_fails() {
    let (_, complaints) = Config::parse(&|name| (name == "CUOTA_SM").then(|| "half".into()));
    assert_eq!(complaints[0].variable(), "CUOTA_SM");
    assert_eq!(
        complaints[0].refusal(),
        "CUOTA_SM=\"half\" makes cuInit fail: it takes 1% to 100%, or a number of SMs such as 40sm; with CUOTA_STRICT=0 it is ignored"
    );
    assert_eq!(
        complaints[0].objection(),
        "CUOTA_SM=\"half\" cannot be read: it takes 1% to 100%, or a number of SMs such as 40sm"
    );
}

#[test]
fn a_line_stays_a_line() {
    let values =
        ["\n".repeat(50), "\u{202e}\u{7f}\u{85}".repeat(99), "日".repeat(5000), "\"".repeat(90)];
    for Row { variable, .. } in &OPTIONS {
        for value in &values {
            let (_, complaints) = Config::parse(&|name| (name == *variable).then(|| value.into()));
            let complaint = &complaints[0];
            for line in [complaint.to_string(), complaint.refusal(), complaint.objection()] {
                assert!(line.len() < 400 && !line.contains(char::is_control), "{line}");
                assert!(line.contains("\"…"), "{line}");
            }
        }
    }
    let (_, complaints) = parse(&[("CUOTA_LOG", &"x".repeat(80)), ("CUOTA_VIEW", &"y".repeat(81))]);
    assert!(complaints[0].contains(&format!("\"{}\" is", "x".repeat(80))), "{complaints:?}");
    assert!(complaints[1].contains(&format!("\"{}\"… is", "y".repeat(80))), "{complaints:?}");
}

#[test]
fn what_is_not_text() {
    for Row { variable, .. } in &OPTIONS {
        let (config, complaints) = Config::parse(&|name| {
            (name == *variable).then(|| OsString::from_vec(vec![b'/', 0xff]))
        });
        assert_eq!(complaints.len(), 1, "{variable}");
        assert_eq!(Config { strict: false, ..config }, Config::default(), "{variable}");
    }
}
