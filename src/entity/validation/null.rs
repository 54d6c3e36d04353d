//! The one character that Postgres cannot hold: U+0000. An entity that has it anywhere is refused as a whole, with the place.

use serde_json::Value;

use super::{ValidationError, pointer_step};

/// Refuses a field of an entity whose name or content holds U+0000.
pub(super) fn refuse_field(key: &str, value: &Value) -> Result<(), ValidationError> {
    if !is_in(key) && !holds(value) {
        return Ok(());
    }
    let pointer = format!("/{}", pointer_step(key));
    if is_in(key) { Err(refused(&pointer)) } else { refuse(value, &pointer) }
}

/// Refuses a value that holds U+0000; `pointer` is where it is.
pub(super) fn refuse(value: &Value, pointer: &str) -> Result<(), ValidationError> {
    let below = |step: &str| format!("{pointer}/{}", pointer_step(step));
    match value {
        _ if !holds(value) => Ok(()),
        Value::Array(items) => {
            items.iter().enumerate().try_for_each(|(at, item)| refuse(item, &below(&at.to_string())))
        }
        Value::Object(map) => map.iter().try_for_each(|(key, item)| {
            let pointer = below(key);
            if is_in(key) { Err(refused(&pointer)) } else { refuse(item, &pointer) }
        }),
        _ => Err(refused(pointer)),
    }
}

fn refused(pointer: &str) -> ValidationError {
    let message = format!("{pointer} holds the character U+0000, which cannot be stored; remove it");
    ValidationError::new("InputError", message).at(pointer)
}

fn holds(value: &Value) -> bool {
    match value {
        Value::String(text) => is_in(text),
        Value::Array(items) => items.iter().any(holds),
        Value::Object(map) => map.iter().any(|(key, item)| is_in(key) || holds(item)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is_in(text: &str) -> bool {
    memchr::memchr(0, text.as_bytes()).is_some()
}
