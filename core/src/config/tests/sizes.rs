use super::*;

fn bytes(text: &str) -> Option<u64> {
    match Size::parse(text)? {
        Size::Bytes(bytes) => Some(bytes),
        Size::Percent(_) => None,
    }
}

#[test]
fn every_way_to_say_eight() {
    for text in ["8GiB", "8Gi", "8GB", "8G", "8g", "8gib", "8gB", " 8G ", "8.0G", "08g"] {
        assert_eq!(bytes(text), Some(8 * G), "{text}");
    }
    assert_eq!(bytes("8589934592"), Some(8 * G));
    assert_eq!(bytes("8589934592B"), Some(8 * G));
}

#[test]
fn every_unit() {
    for (unit, power) in [("", 0), ("k", 1), ("m", 2), ("g", 3), ("t", 4)] {
        let wanted = Some(3 * 1024_u64.pow(power));
        for form in [format!("3{unit}"), format!("3{unit}b"), format!("3{unit}B")] {
            assert_eq!(bytes(&form), wanted, "{form}");
            assert_eq!(bytes(&form.to_uppercase()), wanted, "{form}");
        }
        if power > 0 {
            assert_eq!(bytes(&format!("3{unit}i")), wanted);
            assert_eq!(bytes(&format!("3{unit}iB")), wanted);
        }
    }
    assert_eq!(bytes("3000m"), Some(3000 << 20));
    assert_eq!(bytes("0.125P"), Some(1 << 47));
}

#[test]
fn fractions_are_exact_and_rounded_down() {
    assert_eq!(bytes("1.5GiB"), Some(3 << 29));
    assert_eq!(bytes("0.1k"), Some(102));
    assert_eq!(bytes("1.000000000000000001g"), Some(G));
    assert_eq!(bytes("1.999999999999999999k"), Some(2047));
    assert_eq!(bytes("0.3T"), Some(329_853_488_332));
}

#[test]
fn percentages() {
    for (text, part) in
        [("50%", 50_000), ("100%", 100_000), ("0.001%", 1), ("33.333%", 33_333), (" 1.5% ", 1500)]
    {
        assert_eq!(Size::parse(text), Some(Size::Percent(part)), "{text}");
    }
    assert_eq!(Size::Percent(50_000).of(24 * G), 12 * G);
    assert_eq!(Size::Percent(33_333).of(1000), 333);
    assert_eq!(Size::Percent(100_000).of(u64::MAX), u64::MAX);
    assert_eq!(Size::Percent(u64::MAX).of(u64::MAX), u64::MAX);
    assert_eq!(Size::Bytes(48 * G).of(24 * G), 48 * G);
}

#[test]
fn the_largest() {
    assert_eq!(bytes("281474976710655"), Some(LARGEST));
    assert_eq!(bytes("281474976710656"), None);
    assert_eq!(bytes("256T"), None);
    assert_eq!(bytes("255.999T"), Some(281_473_877_199_028));
}

#[test]
fn anything_else_is_not_a_size() {
    let others = [
        "",
        " ",
        "-1",
        "-1g",
        "+1g",
        "G",
        "GiB",
        "%",
        "4 x",
        "4x",
        "4 G",
        "4G i",
        "4Gib!",
        "0",
        "0G",
        "0%",
        "0.0",
        "0.0000001k",
        "NaN",
        "inf",
        "1e9",
        "1E",
        "0x10",
        "101%",
        "100.001%",
        "1.2345%",
        "1%%",
        "%1",
        "5 %",
        "1.5",
        "1.5B",
        ".5G",
        "1.G",
        "1..5G",
        "1.5.5G",
        "1,5G",
        "4ib",
        "4i",
        "4bb",
        "4gg",
        "4gbi",
        "1_000",
        "\u{664}G",
        "4\u{a0}G",
        "4G\u{a0}",
        "4G\n",
        "\t4G",
        "４G",
        "18446744073709551616",
        "18446744073709551615P",
        "1.0000000000000000001G",
        "unlimited",
        "4K\u{212a}",
        "50%G",
        "1/2",
    ];
    for text in others {
        assert_eq!(Size::parse(text), None, "{text:?}");
    }
}
