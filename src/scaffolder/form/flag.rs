//! Feature flags of a form: a page or a field with `backstage:featureFlag` is asked only where that flag is on.
//!
//! Newer templates write the same as `ui:backstage: {featureFlag: …}`; both are read, at any depth.

use std::collections::BTreeSet;

use serde_json::Value;

/// The key of a flag.
pub(crate) const FLAG: &str = "backstage:featureFlag";

/// The flag that a page or a field asks for.
pub(super) fn flag_of(schema: &Value) -> Option<&str> {
    let newer = || schema.get("ui:backstage").and_then(|look| look.get("featureFlag"));
    schema.get(FLAG).or_else(newer).and_then(Value::as_str).filter(|name| !name.is_empty())
}

/// Every flag that a schema names.
pub(crate) fn flags_in(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(keys) => {
            found.extend(flag_of(schema).map(str::to_owned));
            keys.values().for_each(|value| flags_in(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| flags_in(item, found)),
        _ => {}
    }
}
