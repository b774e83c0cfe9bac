//! Bytes as people read them.
#![forbid(unsafe_code)]

const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// At most eight columns: three or four digits and a unit, exact where that is exact.
pub fn short(bytes: u64) -> String {
    let mut shown = bytes as f64;
    let mut unit = "B";
    for name in UNITS {
        if shown < 1024.0 {
            break;
        }
        shown /= 1024.0;
        unit = name;
    }
    let decimals = match shown {
        _ if shown.fract() == 0.0 => 0,
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{shown:.decimals$} {unit}")
}

/// A quota, or that there is none.
pub fn quota(limit: Option<u64>) -> String {
    limit.map_or("none".to_owned(), short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_people_read_them() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (512 << 20, "512 MiB"),
            ((3 << 30) + (1 << 29), "3.50 GiB"),
            ((12 << 30) + (1 << 28), "12.2 GiB"),
            ((1 << 30) - 1, "1024 MiB"),
            (141 << 30, "141 GiB"),
            (u64::MAX, "16 EiB"),
        ] {
            assert_eq!(short(bytes), expected);
        }
        assert_eq!(quota(None), "none");
    }
}
