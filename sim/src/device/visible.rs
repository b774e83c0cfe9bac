//! `CUDA_VISIBLE_DEVICES`: which cards a process sees, in which order.

/// Card numbers for a mask (none: all), as the driver reads it: entries up to the first that
/// names no card count; a card named twice leaves nothing.
pub fn chosen(mask: Option<&str>, uuids: &[String]) -> Vec<usize> {
    let Some(mask) = mask else {
        return (0..uuids.len()).collect();
    };
    let by_uuid = mask.trim_start().starts_with("GPU-");
    let mut chosen = Vec::new();
    for entry in mask.split(',') {
        let entry = entry.trim();
        let named = if by_uuid { with_prefix(entry, uuids) } else { leading_number(entry) };
        let Some(number) = named.filter(|number| *number < uuids.len()) else {
            break;
        };
        if chosen.contains(&number) {
            return Vec::new();
        }
        chosen.push(number);
    }
    chosen
}

/// The one card whose UUID begins so.
fn with_prefix(entry: &str, uuids: &[String]) -> Option<usize> {
    let entry = entry.to_ascii_lowercase().replacen("gpu-", "GPU-", 1);
    let mut matching = uuids
        .iter()
        .enumerate()
        .filter(|(_, uuid)| entry.len() > "GPU-".len() && uuid.starts_with(&entry));
    let (number, _) = matching.next()?;
    matching.next().is_none().then_some(number)
}

/// Digits at the start; what follows them is not looked at.
fn leading_number(entry: &str) -> Option<usize> {
    let end = entry.find(|c: char| !c.is_ascii_digit()).unwrap_or(entry.len());
    entry[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mask: &str) -> Vec<usize> {
        let uuids = ["GPU-aa11", "GPU-aa22", "GPU-bb33"].map(String::from);
        chosen(Some(mask), &uuids)
    }

    #[test]
    fn no_mask_shows_all() {
        assert_eq!(chosen(None, &["GPU-a".into(), "GPU-b".into()]), [0, 1]);
    }

    #[test]
    fn ordinals_until_the_first_unknown() {
        assert_eq!(of("2,0"), [2, 0]);
        assert_eq!(of("1,7,0"), [1]);
        assert_eq!(of("1,-1,0"), [1]);
        assert_eq!(of("1abc"), [1]);
        assert_eq!(of(""), [0; 0]);
        assert_eq!(of("NoDevFiles"), [0; 0]);
        assert_eq!(of("0,GPU-bb33"), [0]);
    }

    #[test]
    fn uuids_by_unique_prefix() {
        assert_eq!(of("GPU-bb,GPU-aa1"), [2, 0]);
        assert_eq!(of("GPU-aa"), [0; 0]);
        assert_eq!(of("GPU-BB33,0"), [2]);
        assert_eq!(of("GPU-"), [0; 0]);
    }

    #[test]
    fn a_repeated_card_leaves_nothing() {
        assert_eq!(of("0,1,0"), [0; 0]);
        assert_eq!(of("GPU-aa1,GPU-aa11"), [0; 0]);
    }
}
