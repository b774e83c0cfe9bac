//! What an HTTP client asks for.
#![forbid(unsafe_code)]

use super::text::Format;

#[derive(PartialEq, Eq, Debug)]
pub struct Request {
    pub method: String,
    /// Without what follows a question mark.
    pub path: String,
    pub format: Format,
}

const OPENMETRICS: &str = "application/openmetrics-text";

impl Request {
    /// From its head, which ends in an empty line; nothing if that is no request.
    pub fn parse(head: &str) -> Option<Request> {
        let mut lines = head.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() || !version.starts_with("HTTP/1.") || method.is_empty() {
            return None;
        }
        let accepts = |line: &str| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("accept").then_some(value.split(',').any(wants_openmetrics))
        };
        let openmetrics = lines.filter_map(accepts).any(|accepts| accepts);
        Some(Request {
            method: method.to_owned(),
            path: target.split('?').next()?.to_owned(),
            format: if openmetrics { Format::OpenMetrics } else { Format::Plain },
        })
    }
}

/// Whether one entry of an Accept header asks for it in a version we write.
fn wants_openmetrics(entry: &str) -> bool {
    let entry = entry.to_ascii_lowercase();
    let mut parts = entry.split(';').map(str::trim);
    let refused = |part: &str| {
        part.strip_prefix("q=").is_some_and(|it| it.parse::<f32>().is_ok_and(|q| q <= 0.0))
            || part.strip_prefix("version=").is_some_and(|it| it.trim_matches('"') != "1.0.0")
    };
    parts.next() == Some(OPENMETRICS) && !parts.any(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prometheus_sends() {
        let head = "GET /metrics?x=y HTTP/1.1\r\nHost: a\r\naccept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n\r\n";
        let request = Request::parse(head).unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/metrics"));
        assert_eq!(request.format, Format::OpenMetrics);
    }

    #[test]
    fn only_who_asks_gets_openmetrics() {
        let format = |accept: &str| {
            let head = format!("GET / HTTP/1.0\r\nAccept: {accept}\r\n\r\n");
            Request::parse(&head).unwrap().format
        };
        assert_eq!(format("Application/OpenMetrics-Text"), Format::OpenMetrics);
        assert_eq!(format("text/plain, application/openmetrics-text; q=0.5"), Format::OpenMetrics);
        for accept in [
            "*/*",
            "",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text-not",
        ] {
            assert_eq!(format(accept), Format::Plain, "{accept}");
        }
    }

    #[test]
    fn what_is_no_request() {
        for head in ["", "\r\n", "GET /", "GET / x HTTP/1.1", "GET / HTTP/2", " / HTTP/1.1"] {
            assert_eq!(Request::parse(head), None, "{head:?}");
        }
    }
}
