//! Values of an input that several of these actions have.

use serde_json::Value;

use super::super::{ActionError, Outputs};

/// The names and values of an object; numbers and booleans as they are printed.
pub(in super::super) fn pairs(input: &Outputs, key: &str) -> Result<Vec<(String, String)>, ActionError> {
    let entries = input.get(key).and_then(Value::as_object).into_iter().flatten();
    let pair = |(name, value): (&String, &Value)| match value {
        Value::String(text) => Ok((name.clone(), text.clone())),
        Value::Number(_) | Value::Bool(_) => Ok((name.clone(), value.to_string())),
        _ => Err(ActionError::input(format!("`{key}.{name}` is not a text; give it one"))),
    };
    entries.map(pair).collect()
}

/// A number without fraction.
pub(in super::super) fn count(input: &Outputs, key: &str) -> Option<u64> {
    let value = input.get(key)?;
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The name in an entity reference or a name: `group:default/platform` is `platform`.
pub(in super::super) fn bare_name(reference: &str) -> &str {
    reference.rsplit([':', '/']).next().unwrap_or(reference)
}
