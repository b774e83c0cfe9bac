//! What a new machine is made of: text from the environment → cards.

/// One card as it is written into a new machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardSpec {
    pub name: String,
    pub total: u64,
    pub sm_count: u32,
    /// By how many SMs MPS gives them.
    pub sm_step: u32,
    /// Ten times major plus minor.
    pub capability: u32,
    pub context_bytes: u64,
}

const DEFAULT_BYTES: &str = "141GiB";
const DEFAULT_ARCH: &str = "sm_90";

/// Cards as the environment asks for, or a sentence that says what it got wrong.
pub fn cards(var: impl Fn(&str) -> Option<String>) -> Result<Vec<CardSpec>, String> {
    let text = |name: &str, default: &str| var(name).unwrap_or_else(|| default.to_owned());
    let count: usize = text("CUOTA_SIM_CARDS", "1")
        .trim()
        .parse()
        .ok()
        .filter(|n| *n <= super::layout::MAX_CARDS)
        .ok_or("CUOTA_SIM_CARDS: a number of cards, at most 16")?;
    let sizes = list(&text("CUOTA_SIM_BYTES", DEFAULT_BYTES), bytes)
        .ok_or("CUOTA_SIM_BYTES: sizes like 141GiB or 1073741824, one or one per card")?;
    let kinds = list(&text("CUOTA_SIM_ARCH", DEFAULT_ARCH), arch)
        .ok_or("CUOTA_SIM_ARCH: kinds like sm_90, sm_90:132 (SMs) or sm_90:132:8 (given eight at a time), one or one per card")?;
    let context_bytes = bytes(&text("CUOTA_SIM_CONTEXT_BYTES", "0"))
        .ok_or("CUOTA_SIM_CONTEXT_BYTES: a size like 400MiB")?;
    Ok((0..count)
        .map(|k| {
            let Arch { capability, sm_count, sm_step } = kinds[k.min(kinds.len() - 1)];
            CardSpec {
                name: name(capability).to_owned(),
                total: sizes[k.min(sizes.len() - 1)],
                sm_count,
                sm_step,
                capability,
                context_bytes,
            }
        })
        .collect())
}

fn list<T>(text: &str, item: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    text.split(',').map(item).collect()
}

/// `141GiB`, `80GB`, `512MiB`, `1073741824`.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit: u64 = match text[end..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return None,
    };
    text[..end].parse::<u64>().ok()?.checked_mul(unit)
}

#[derive(Clone, Copy)]
struct Arch {
    capability: u32,
    sm_count: u32,
    sm_step: u32,
}

/// `sm_90`, `9.0`, `sm_90:66`, `sm_90:66:8`.
fn arch(text: &str) -> Option<Arch> {
    let mut parts = text.trim().split(':');
    let kind = parts.next()?;
    let counts = parts.map(|part| part.parse().ok().filter(|n| *n > 0));
    let counts: Vec<u32> = counts.collect::<Option<_>>().filter(|all: &Vec<_>| all.len() <= 2)?;
    let digits: String = kind.trim_start_matches("sm_").chars().filter(|c| *c != '.').collect();
    let capability: u32 = digits.parse().ok().filter(|c| (30..=200).contains(c))?;
    let sm_count = counts.first().copied().unwrap_or_else(|| usual_sms(capability));
    Some(Arch { capability, sm_count, sm_step: counts.get(1).copied().unwrap_or(USUAL_STEP) })
}

const USUAL_STEP: u32 = 2;

fn usual_sms(capability: u32) -> u32 {
    match capability {
        70 => 80,
        75 => 40,
        80 => 108,
        86 => 84,
        89 => 142,
        100 | 103 => 148,
        120 => 188,
        _ => 132,
    }
}

fn name(capability: u32) -> &'static str {
    match capability {
        70 => "Simulated Tesla V100",
        75 => "Simulated Tesla T4",
        80 => "Simulated NVIDIA A100",
        86 => "Simulated NVIDIA A40",
        89 => "Simulated NVIDIA L40S",
        90 => "Simulated NVIDIA H200",
        100 => "Simulated NVIDIA B200",
        _ => "Simulated NVIDIA GPU",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> Result<Vec<CardSpec>, String> {
        cards(|name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_default_is_one_large_card() {
        let cards = from(&[]).unwrap();
        assert_eq!(cards.len(), 1);
        assert_eq!((cards[0].total, cards[0].sm_count, cards[0].capability), (141 << 30, 132, 90));
    }

    #[test]
    fn the_last_of_a_list_serves_the_rest() {
        let cards = from(&[
            ("CUOTA_SIM_CARDS", "3"),
            ("CUOTA_SIM_BYTES", "1GiB, 2097152"),
            ("CUOTA_SIM_ARCH", "8.0,sm_90:66:8"),
        ])
        .unwrap();
        let shapes: Vec<_> = cards.iter().map(|c| (c.total, c.sm_count, c.sm_step)).collect();
        assert_eq!(shapes, [(1 << 30, 108, 2), (2 << 20, 66, 8), (2 << 20, 66, 8)]);
    }

    #[test]
    fn nonsense_is_named() {
        for (name, value) in [
            ("CUOTA_SIM_CARDS", "17"),
            ("CUOTA_SIM_BYTES", "lots"),
            ("CUOTA_SIM_BYTES", "99999999999TiB"),
            ("CUOTA_SIM_ARCH", "sm_90:0"),
            ("CUOTA_SIM_ARCH", "sm_90:66:0"),
            ("CUOTA_SIM_ARCH", "sm_90:66:2:2"),
        ] {
            assert!(from(&[(name, value)]).unwrap_err().starts_with(name));
        }
    }
}
