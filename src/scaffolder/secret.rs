//! Keeps secrets out of everything that is shown: a [`Mask`] knows the secret texts of one run and hides them.
//!
//! Hidden are the secret itself, its form inside a JSON text, percent and hexadecimal encoding, base64 (also as part of a
//! longer text: `user:secret`), each longer line of a secret of several lines, and every text that an action's input made
//! with a secret: Backstage shows such a text as `***` from end to end.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use url::form_urlencoded;

/// What is shown instead.
pub(crate) const HIDDEN: &str = "***";

/// A part of a secret that is shorter hides more than it protects.
const SHORTEST_PART: usize = 8;

/// The texts that must not be shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mask {
    /// The longest first, so that a text made with a secret goes before the secret in it.
    texts: Vec<String>,
}

impl Mask {
    /// Hides every text among a run's secrets.
    pub(crate) fn new(secrets: &Map<String, Value>) -> Self {
        let mut mask = Self::default();
        secrets.values().for_each(|value| mask.hide(value));
        mask
    }

    /// Hides every text of a value.
    pub(crate) fn hide(&mut self, value: &Value) {
        match value {
            // A single letter hides nothing but the rest of the text.
            Value::String(text) if text.len() > 1 => self.hide_text(text),
            Value::Array(items) => items.iter().for_each(|item| self.hide(item)),
            Value::Object(entries) => entries.values().for_each(|value| self.hide(value)),
            _ => {}
        }
    }

    fn hide_text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let json = Value::from(text).to_string();
        let encoded = form_urlencoded::byte_serialize(bytes).collect::<String>();
        // A key of many lines is seldom shown as a whole. Short lines are no secrets by themselves.
        let lines = text.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_PART && line.len() < text.len());
        let hex = hex::encode(bytes);
        let forms = [
            text.to_owned(),
            json.trim_matches('"').to_owned(),
            encoded.replace('+', "%20"),
            encoded,
            STANDARD.encode(bytes),
            STANDARD_NO_PAD.encode(bytes),
            URL_SAFE.encode(bytes),
            URL_SAFE_NO_PAD.encode(bytes),
            hex.to_uppercase(),
            hex,
        ];
        let inner =
            (0..3).flat_map(|before| [STANDARD_NO_PAD, URL_SAFE_NO_PAD].map(|engine| inside(&engine, before, bytes)));
        for form in forms.into_iter().chain(lines.map(str::to_owned)).chain(inner.flatten()) {
            if !self.texts.contains(&form) {
                self.texts.push(form);
            }
        }
        self.texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    }

    /// The text with everything secret replaced.
    pub(crate) fn text(&self, text: &str) -> String {
        self.texts.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.as_str()) { text.replace(secret.as_str(), HIDDEN) } else { text }
        })
    }

    /// The value with everything secret in its texts replaced.
    pub(crate) fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(entries) => {
                Value::Object(entries.iter().map(|(key, value)| (key.clone(), self.value(value))).collect())
            }
            other => other.clone(),
        }
    }
}

/// What any base64 has of a secret that stands in a longer text, with so many bytes (of three) before it: the letters that
/// come from nothing but the secret. None if that is too little to tell.
fn inside(engine: &impl base64::Engine, before: usize, secret: &[u8]) -> Option<String> {
    let text = [&vec![0; before], secret].concat();
    let (first, last) = ((before * 8).div_ceil(6), text.len() * 8 / 6);
    let part = engine.encode(&text).get(first..last)?.to_owned();
    (part.len() >= SHORTEST_PART).then_some(part)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "read better")]
    fn mask(secrets: Value) -> Mask {
        Mask::new(secrets.as_object().unwrap())
    }

    #[test]
    fn secrets_are_hidden_in_every_form() {
        let mask = mask(json!({"a": "p\"ss wörd", "list": ["other"], "n": 5, "empty": ""}));
        let cases = [
            ("before p\"ss wörd after", "before *** after"),
            (r#"{"x":"p\"ss wörd"}"#, r#"{"x":"***"}"#),
            ("cCJzcyB3w7ZyZA==", "***"),
            ("?q=p%22ss+w%C3%B6rd&r=p%22ss%20w%C3%B6rd", "?q=***&r=***"),
            ("an other thing, 5", "an *** thing, 5"),
            ("nothing", "nothing"),
        ];
        for (text, expected) in cases {
            assert_eq!(mask.text(text), expected);
        }
    }

    #[test]
    fn what_was_made_with_a_secret_is_hidden_whole() {
        let mut mask = mask(json!({"hush": "very-secret"}));
        mask.hide(&json!({"message": "secret is very-secret"}));
        assert_eq!(mask.text("info: secret is very-secret"), "info: ***");
        assert_eq!(mask.value(&json!({"a": ["very-secret"]})), json!({"a": ["***"]}));
    }

    #[test]
    fn a_secret_inside_of_something_encoded_is_hidden() {
        let mask = mask(json!({"token": "x-Secret/42?~"}));
        for before in ["", "u", "us", "user:", "Basic user:", "äöü"] {
            for after in ["", "!", "!!", "!!!"] {
                let text = format!("{before}x-Secret/42?~{after}");
                for encoded in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text), hex::encode(&text)] {
                    let shown = mask.text(&format!("sent {encoded}."));
                    assert!(shown.contains(HIDDEN), "{text}: {shown}");
                }
            }
        }
        assert_eq!(mask.text(&STANDARD.encode("nothing of it")), STANDARD.encode("nothing of it"));
    }

    #[test]
    fn the_lines_of_a_secret_are_hidden_one_by_one() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQ\nab\n-----END KEY-----\n";
        let mask = mask(json!({ "key": key }));
        assert_eq!(mask.text("read MIIEvQIBADANBg, kqhkiG9w0BAQ and ab"), "read ***, *** and ab");
        assert_eq!(mask.text(key), HIDDEN);
    }
}
