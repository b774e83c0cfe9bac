//! Samples as text, in the two formats Prometheus reads. Those of one family stand together, so each
//! has a place of its own until all are there.
#![forbid(unsafe_code)]

use std::fmt::{self, Display, Write};

use super::labels::Labels;
use super::metrics::{FAMILIES, Family, Kind, Metric};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    OpenMetrics,
    Plain,
}

impl Format {
    pub fn content_type(self) -> &'static str {
        match self {
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Plain => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// A moment or a product of bytes and nanoseconds, in whole units with all its digits.
#[derive(Clone, Copy)]
pub struct Nanos(pub u128);

impl Display for Nanos {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        const UNIT: u128 = 1_000_000_000;
        // The halves fit into words almost always, which are quicker to write.
        let (whole, rest) = (self.0 / UNIT, (self.0 % UNIT) as u64);
        match u64::try_from(whole) {
            Ok(whole) => write!(out, "{whole}.{rest:09}"),
            Err(_) => write!(out, "{whole}.{rest:09}"),
        }
    }
}

pub struct Text {
    format: Format,
    samples: Vec<String>,
}

impl Text {
    pub fn new(format: Format) -> Text {
        Text { format, samples: vec![String::new(); FAMILIES.len()] }
    }

    /// A sample; `by` tells it from others of the same labels. A counter says since when it counts.
    pub fn add(
        &mut self,
        metric: Metric,
        labels: &Labels,
        by: Option<(&str, &str)>,
        value: impl Display,
        since: Nanos,
    ) {
        let place = metric as usize;
        let (Some(family), Some(text)) = (FAMILIES.get(place), self.samples.get_mut(place)) else {
            return;
        };
        named(text, family, ending(family.kind), labels, by);
        let _ = writeln!(text, "{value}");
        if family.kind == Kind::Counter && self.format == Format::OpenMetrics {
            named(text, family, "_created", labels, by);
            let _ = writeln!(text, "{since}");
        }
    }

    pub fn bytes(&self) -> usize {
        self.samples.iter().map(String::len).sum()
    }

    /// The whole exposition. A family without samples is left out.
    pub fn finished(self) -> String {
        let mut all = String::with_capacity(self.bytes() + FAMILIES.len() * 256);
        for (family, samples) in FAMILIES.iter().zip(&self.samples) {
            if !samples.is_empty() {
                self.head(&mut all, family);
                all.push_str(samples);
            }
        }
        if self.format == Format::OpenMetrics {
            all.push_str("# EOF\n");
        }
        all
    }

    fn head(&self, out: &mut String, family: &Family) {
        let Family { name, kind, unit, help } = family;
        let (ending, kind) = match (self.format, kind) {
            (_, Kind::Gauge) => ("", "gauge"),
            (Format::OpenMetrics, Kind::Counter) => ("", "counter"),
            (Format::OpenMetrics, Kind::Info) => ("", "info"),
            (Format::Plain, Kind::Counter) => ("_total", "counter"),
            (Format::Plain, Kind::Info) => ("_info", "gauge"),
        };
        let _ = writeln!(out, "# HELP {name}{ending} {help}");
        let _ = writeln!(out, "# TYPE {name}{ending} {kind}");
        if self.format == Format::OpenMetrics && !unit.is_empty() {
            let _ = writeln!(out, "# UNIT {name} {unit}");
        }
    }
}

fn ending(kind: Kind) -> &'static str {
    match kind {
        Kind::Gauge => "",
        Kind::Counter => "_total",
        Kind::Info => "_info",
    }
}

fn named(
    out: &mut String,
    family: &Family,
    ending: &str,
    labels: &Labels,
    by: Option<(&str, &str)>,
) {
    let open = if labels.text().is_empty() && by.is_none() { "" } else { "{" };
    out.extend([family.name, ending, open, labels.text()]);
    if let Some((name, value)) = by {
        let comma = if labels.text().is_empty() { "" } else { "," };
        out.extend([comma, name, "=\"", value, "\""]);
    }
    out.push_str(if open.is_empty() { " " } else { "} " });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: Format) -> String {
        let mut text = Text::new(format);
        let (labels, since) = (Labels::of_client("a", ""), Nanos(1_500_000_000));
        text.add(Metric::Waited, &labels, None, Nanos(7), since);
        text.add(Metric::Launches, &labels, Some(("kind", "graph")), 3, since);
        text.add(Metric::Ledgers, &Labels::default(), Some(("state", "read")), 1, since);
        text.add(Metric::ScrapeDuration, &Labels::default(), None, 0.5, since);
        text.finished()
    }

    #[test]
    fn as_openmetrics_wants_it() {
        let text = text(Format::OpenMetrics);
        let part = "\
# TYPE cuota_launches counter
cuota_launches_total{client=\"a\",kind=\"graph\"} 3
cuota_launches_created{client=\"a\",kind=\"graph\"} 1.500000000
";
        assert!(text.contains(part), "{text}");
        let part = "\
# TYPE cuota_waited_seconds counter
# UNIT cuota_waited_seconds seconds
cuota_waited_seconds_total{client=\"a\"} 0.000000007
";
        assert!(text.contains(part), "{text}");
        assert!(text.contains("\ncuota_ledgers{state=\"read\"} 1\n"), "{text}");
        assert!(text.ends_with("\ncuota_scrape_duration_seconds 0.5\n# EOF\n"), "{text}");
    }

    #[test]
    fn as_plain_text_wants_it() {
        let text = text(Format::Plain);
        assert!(text.contains("# TYPE cuota_waited_seconds_total counter\n"), "{text}");
        for word in ["_created", "# UNIT", "# EOF", "cuota_memory"] {
            assert!(!text.contains(word), "{text}");
        }
    }

    #[test]
    fn all_digits() {
        assert_eq!(Nanos(u128::MAX).to_string(), "340282366920938463463374607431.768211455");
        assert_eq!(Nanos(1_000_000_001).to_string(), "1.000000001");
    }
}
