//! What a scalar means: the core schema of YAML 1.2 as npm `yaml` implements it.
//!
//! Numbers are JavaScript's: every one is a 64-bit float first, so integers beyond 2^53 lose digits as they do there.

use granit_parser::{ScalarStyle, Tag};
use serde_json::{Number, Value};

/// The value of a scalar; an unknown tag is ignored.
pub(super) fn resolve(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let text_value = || Value::String(text.to_owned());
    match tag.map(|tag| tag.core_suffix().unwrap_or("str")) {
        Some("null") => null(text),
        Some("bool") => boolean(text),
        Some("int") => integer(text),
        Some("float") => float(text),
        None if style == ScalarStyle::Plain => plain(text),
        _ => None,
    }
    .unwrap_or_else(text_value)
}

/// A key: its name in JSON, and what it was, for only equal keys of one kind are the same key.
#[derive(Debug, Default)]
pub(super) struct Key {
    pub(super) name: String,
    /// One bit; none for what is never the same as another key.
    pub(super) kind: u8,
}

impl Key {
    pub(super) const TEXT: u8 = 1;
    const NULL: u8 = 2;
    const BOOLEAN: u8 = 4;
    const NUMBER: u8 = 8;

    /// A scalar as a key: `String(value)` of JavaScript, and nothing for null.
    pub(super) fn scalar(value: &Value, text: &str) -> Self {
        let kind = match value {
            Value::String(_) => Self::TEXT,
            Value::Null if null(text).is_some() => Self::NULL,
            Value::Null => return Self::unspeakable(text),
            Value::Bool(_) => Self::BOOLEAN,
            Value::Number(_) => Self::NUMBER,
            Value::Array(_) | Value::Object(_) => 0,
        };
        Self { name: name(value), kind }
    }

    /// A collection or an alias as a key.
    pub(super) fn of(value: &Value) -> Self {
        Self { name: name(value), kind: 0 }
    }

    /// The numbers that JSON does not have.
    fn unspeakable(text: &str) -> Self {
        let name = match text.as_bytes() {
            [.., b'n' | b'N'] => return Self { name: "NaN".to_owned(), kind: 0 },
            [b'-', ..] => "-Infinity",
            _ => "Infinity",
        };
        Self { name: name.to_owned(), kind: Self::NUMBER }
    }
}

fn name(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Array(_) | Value::Object(_) => flow(value),
    }
}

/// A collection used as a key, in flow style: `[ a, b ]`, `{ x }`.
fn flow(value: &Value) -> String {
    let list = |open: char, parts: Vec<String>, close: char| {
        if parts.is_empty() {
            return format!("{open}{close}");
        }

        format!("{open} {} {close}", parts.join(", "))
    };
    match value {
        Value::Array(items) => list('[', items.iter().map(flow).collect(), ']'),
        Value::Object(map) => {
            let pair = |(name, value): (&String, &Value)| match value {
                Value::Null => name.clone(),
                value => format!("{name}: {}", flow(value)),
            };
            list('{', map.iter().map(pair).collect(), '}')
        }
        Value::Null => "null".to_owned(),
        scalar => name(scalar),
    }
}

fn plain(text: &str) -> Option<Value> {
    // Most scalars are words: one look at the first byte spares them all the rest.
    match text.as_bytes().first() {
        None | Some(b'~' | b'n' | b'N') => null(text),
        Some(b't' | b'T' | b'f' | b'F') => boolean(text),
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => integer(text).or_else(|| float(text)),
        Some(_) => None,
    }
}

fn null(text: &str) -> Option<Value> {
    matches!(text, "" | "~" | "null" | "Null" | "NULL").then_some(Value::Null)
}

fn boolean(text: &str) -> Option<Value> {
    match text {
        "true" | "True" | "TRUE" => Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => Some(Value::Bool(false)),
        _ => None,
    }
}

fn integer(text: &str) -> Option<Value> {
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !is_digits(digits) {
        return None;
    }
    text.parse().ok().map(number)
}

fn radix(digits: &str, radix: u32) -> Option<Value> {
    let mut total = 0.0_f64;
    for digit in digits.chars() {
        total = total * f64::from(radix) + f64::from(digit.to_digit(radix)?);
    }
    (!digits.is_empty()).then(|| number(total))
}

/// `1.`, `.5`, `1.5`, each with or without an exponent; `1e3`; infinities and not-a-number.
fn float(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Value::Null);
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let is_mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => is_digits(fraction),
        Some((whole, fraction)) => is_digits(whole) && (fraction.is_empty() || is_digits(fraction)),
        None => exponent.is_some() && is_digits(mantissa),
    };
    if !is_mantissa || !exponent.is_none_or(is_digits) {
        return None;
    }
    text.parse().ok().map(number)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A whole number loses its point, as in JavaScript; what JSON cannot say is null.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "only whole numbers within the range are cast"
)]
fn number(value: f64) -> Value {
    const I64_END: f64 = 9_223_372_036_854_775_808.0;
    const U64_END: f64 = 18_446_744_073_709_551_616.0;
    let number = match value {
        whole if whole.fract() == 0.0 && (-I64_END..I64_END).contains(&whole) => Some(Number::from(whole as i64)),
        whole if whole.fract() == 0.0 && (0.0..U64_END).contains(&whole) => Some(Number::from(whole as u64)),
        other => Number::from_f64(other),
    };
    number.map_or(Value::Null, Value::Number)
}
