//! Cursors from outside: what is wrong with one is told in the words of Backstage's validator.

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Value, json};

use crate::catalog::Cursor;
use crate::web::error::Error;

/// As Node's decoder takes it: with or without padding.
const LOOSE: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Reads a cursor.
pub(super) fn read(text: &str) -> Result<Cursor, Error> {
    let malformed = |fault: String| Error::Input(format!("Malformed cursor: {fault}"));
    let decoded = LOOSE.decode(text).map_err(|error| malformed(error.to_string()))?;
    let json = String::from_utf8_lossy(&decoded);
    let value: Value = serde_json::from_str(&json).map_err(|_| malformed(no_json(&json)))?;
    if let Some(issues) = issues(&value) {
        let issues = serde_json::to_string_pretty(&issues).unwrap_or_default();
        return Err(malformed(format!("InputError: Malformed cursor: {issues}")));
    }
    Ok(Cursor::decode(text)?)
}

/// What JavaScript says of a text that does not begin like JSON.
fn no_json(text: &str) -> String {
    // Longer texts are shown in part.
    const SHOWN: usize = 40;
    let Some(first) = text.trim_start().chars().next() else {
        return "SyntaxError: Unexpected end of JSON input".to_owned();
    };
    let shown = match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("\"{}\"...", &text[..end]),
        None => format!("\"{text}\""),
    };
    format!("SyntaxError: Unexpected token '{first}', {shown} is not valid JSON")
}

/// What a cursor has at least.
const PARTS: [(&str, &str); 3] = [("orderFields", "array"), ("orderFieldValues", "array"), ("isPrevious", "boolean")];

/// What a cursor lacks.
fn issues(value: &Value) -> Option<Value> {
    let Value::Object(cursor) = value else {
        return Some(json!([issue("object", type_of(Some(value)), None)]));
    };
    let wrong = PARTS.iter().filter(|(part, expected)| type_of(cursor.get(*part)) != *expected);
    let issues: Vec<Value> =
        wrong.map(|(part, expected)| issue(expected, type_of(cursor.get(*part)), Some(part))).collect();
    (!issues.is_empty()).then(|| Value::Array(issues))
}

fn issue(expected: &str, received: &str, part: Option<&str>) -> Value {
    let message = if received == "undefined" {
        "Required".to_owned()
    } else {
        format!("Expected {expected}, received {received}")
    };
    let path: Vec<_> = part.into_iter().collect();
    json!({ "code": "invalid_type", "expected": expected, "received": received, "path": path, "message": message })
}

/// The type of a value, as JavaScript calls it.
pub(super) fn type_of(value: Option<&Value>) -> &'static str {
    match value {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    }
}
