//! Masks what must not be printed.
//!
//! A value is secret by the name of its key (Backstage marks the same ones `@visibility secret`) or by its form:
//! the password inside a URL, a PEM private key.

use serde_json::Value;
use url::Url;

/// What stands in for a secret.
pub(crate) const MASK: &str = "<secret>";

/// Parts of key names that make their value a secret.
const SECRET_NAMES: [&str; 8] =
    ["password", "secret", "token", "privatekey", "apikey", "accesskey", "credentials", "passphrase"];

/// The document with every secret masked.
pub(crate) fn redacted(document: &Value) -> Value {
    match document {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| (key.clone(), if is_secret_name(key) { masked(value) } else { redacted(value) }))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(redacted).collect()),
        Value::String(text) => Value::String(text_without_secrets(text)),
        scalar => scalar.clone(),
    }
}

/// A text with the password of a URL, or a whole private key, masked.
pub(crate) fn text_without_secrets(text: &str) -> String {
    if text.contains("PRIVATE KEY-----") {
        return MASK.to_owned();
    }
    match Url::parse(text) {
        Ok(url) if url.password().is_some() => {
            let password = url.password().unwrap_or_default().to_owned();
            text.replacen(&format!(":{password}@"), ":<secret>@", 1)
        }
        _ => text.to_owned(),
    }
}

fn is_secret_name(key: &str) -> bool {
    let folded: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    SECRET_NAMES.iter().any(|name| folded.ends_with(name))
}

fn masked(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Object(map) => Value::Object(map.iter().map(|(key, value)| (key.clone(), masked(value))).collect()),
        Value::Array(items) => Value::Array(items.iter().map(masked).collect()),
        Value::Number(_) | Value::String(_) => Value::String(MASK.to_owned()),
    }
}
