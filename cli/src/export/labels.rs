//! What a series is named by. A client chooses labels of its own, and is not trusted with them.
#![forbid(unsafe_code)]

use cuota_core::config::Uuid;

use super::gpus::Place;

/// Those that we give series a meaning by.
const OURS: [&str; 6] = ["client", "UUID", "gpu", "parent", "kind", "direction"];
/// As many of its own as a client may have.
const MOST: usize = 16;

/// `name="value"` and so on, as stands between braces.
#[derive(Clone, Default)]
pub struct Labels(String);

impl Labels {
    /// Of a client, with what it says of itself: `name=value,…`
    pub fn of_client(name: &str, own: &str) -> Labels {
        let mut labels = Labels::default();
        labels.push("client", name);
        let mut taken: Vec<&str> = Vec::new();
        for (name, value) in own.split(',').filter_map(|entry| entry.split_once('=')) {
            let free = is_name(name) && !OURS.contains(&name) && !taken.contains(&name);
            if free && !value.is_empty() && taken.len() < MOST {
                taken.push(name);
                labels.push(name, value);
            }
        }
        labels
    }

    /// Of one of its devices. The ledger does not tell a card from a MIG instance; NVML does.
    pub fn of_device(&self, uuid: Uuid, place: Option<&Place>) -> Labels {
        let mut labels = self.clone();
        let text = uuid.to_string();
        match place {
            None => labels.push("UUID", &text),
            Some(Place { index, parent }) => {
                if let Some(parent) = parent {
                    labels.push("UUID", &text.replacen("GPU-", "MIG-", 1));
                    labels.push("parent", &parent.to_string());
                } else {
                    labels.push("UUID", &text);
                }
                labels.push("gpu", &index.to_string());
            }
        }
        labels
    }

    /// `value` is what others wrote; `name` is not.
    pub fn push(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.extend([name, "=\""]);
        for letter in value.chars() {
            match letter {
                '\\' => self.0.push_str("\\\\"),
                '"' => self.0.push_str("\\\""),
                '\n' => self.0.push_str("\\n"),
                _ => self.0.push(letter),
            }
        }
        self.0.push('"');
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

/// What Prometheus takes for a label's name and does not keep for itself.
fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(letter)
        && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
        && !name.starts_with("__")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(text: &str) -> String {
        let labels = Labels::of_client("a", text);
        labels.text().strip_prefix("client=\"a\"").unwrap().to_owned()
    }

    #[test]
    fn a_clients_own_are_checked_and_escaped() {
        assert_eq!(own("namespace=b,pod=c=d"), ",namespace=\"b\",pod=\"c=d\"");
        assert_eq!(own("x=\\ \" \n é"), ",x=\"\\\\ \\\" \\n é\"");
        for odd in ["", "x", "x=", "1x=a", "x-y=a", "=a", "__x=a", "é=a", "a b=c"] {
            assert_eq!(own(odd), "", "{odd}");
        }
        assert_eq!(own("_x=a,x=1,x=2"), ",_x=\"a\",x=\"1\"", "each once");
    }

    #[test]
    fn ours_are_ours_and_there_are_not_too_many() {
        for name in OURS {
            assert_eq!(own(&format!("{name}=x")), "", "{name}");
        }
        let many: Vec<String> = (0..20).map(|number| format!("l{number}=v")).collect();
        assert_eq!(own(&many.join(",")).matches('=').count(), MOST);
    }

    #[test]
    fn a_device_is_named_as_far_as_it_is_known() {
        let client = Labels::of_client("a", "");
        let name = |place: Option<Place>| client.of_device(Uuid([0xab; 16]), place.as_ref()).0;
        let digits = "abababab-abab-abab-abab-abababababab";
        assert_eq!(name(None), format!("client=\"a\",UUID=\"GPU-{digits}\""));
        let card = Place { index: 3, parent: None };
        assert_eq!(name(Some(card)), format!("client=\"a\",UUID=\"GPU-{digits}\",gpu=\"3\""));
        let part = Place { index: 3, parent: Some(Uuid([0; 16])) };
        let parent = Uuid([0; 16]);
        let named = format!("UUID=\"MIG-{digits}\",parent=\"{parent}\",gpu=\"3\"");
        assert_eq!(name(Some(part)), format!("client=\"a\",{named}"));
    }
}
