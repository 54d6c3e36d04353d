//! Reading and merging configuration files.
//!
//! Backstage's rules (`@backstage/config-loader`): objects merge key by key, lists and scalars of the later
//! file replace those of the earlier one; `APP_CONFIG_a_b=…` sets `a.b`, its value read as JSON where it is JSON.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::{ConfigError, substitute};
use crate::yaml;

/// One file, with its substitutions done. An empty file is an empty object.
pub(super) fn file(
    path: &Path,
    environment: &BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) -> Result<Value, ConfigError> {
    let value = parse(path)?;
    match value {
        Value::Null => Ok(Value::Object(Map::new())),
        Value::Object(_) => {
            let mut context = substitute::Context { file: path, environment, warnings, depth: 0 };
            Ok(context.resolve(value, "")?.unwrap_or_else(|| Value::Object(Map::new())))
        }
        _ => Err(ConfigError::Syntax {
            path: path.to_path_buf(),
            line: 1,
            column: 1,
            message: "a configuration file must be a map of keys".to_owned(),
        }),
    }
}

/// The only YAML document of a file.
pub(super) fn parse(path: &Path) -> Result<Value, ConfigError> {
    let unreadable = |reason| ConfigError::Unreadable { path: path.to_path_buf(), reason };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let syntax = |line, column, message| ConfigError::Syntax { path: path.to_path_buf(), line, column, message };
    let mut documents = yaml::documents(&text).into_iter();
    let value = match documents.next() {
        None => Value::Null,
        Some(Ok(document)) => document.value,
        Some(Err(error)) => return Err(syntax(error.position.line, error.position.column, error.message)),
    };
    match documents.next() {
        None => Ok(value),
        Some(_) => Err(syntax(1, 1, "a configuration file holds one YAML document, this one has several".to_owned())),
    }
}

/// Puts `later` over `base`.
pub(super) fn merge(base: &mut Value, later: Value) {
    match (base, later) {
        (Value::Object(base), Value::Object(later)) => {
            for (key, value) in later {
                match base.get_mut(&key) {
                    Some(existing) => merge(existing, value),
                    None => {
                        base.insert(key, value);
                    }
                }
            }
        }
        (base, later) => *base = later,
    }
}

/// `APP_CONFIG_backend_listen_port=7008` as `{"backend": {"listen": {"port": 7008}}}`.
pub(super) fn from_variables(environment: &BTreeMap<String, String>) -> Result<Value, ConfigError> {
    let mut document = Value::Object(Map::new());
    for (name, text) in environment {
        let Some(path) = name.strip_prefix("APP_CONFIG_") else { continue };
        if path.is_empty() || path.split('_').any(str::is_empty) {
            return Err(ConfigError::Value {
                key: name.clone(),
                message: "the variable's name must be APP_CONFIG_ and key names joined by single underscores"
                    .to_owned(),
            });
        }
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
        let nested =
            path.rsplit('_').fold(value, |inner, key| Value::Object(Map::from_iter([(key.to_owned(), inner)])));
        merge(&mut document, nested);
    }
    Ok(document)
}
