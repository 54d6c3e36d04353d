//! `${VAR}`, `$env`, `$file`, `$include` in configuration values.
//!
//! Rules of `@backstage/config-loader` 1.11: `${VAR}` and `${VAR:-default}` anywhere in a string (the default also
//! stands in for an empty variable), `$${…}` stays as the literal `${…}`; one undefined variable makes the whole
//! value undefined (the key is dropped, with a warning here). `$env: NAME`, `$file: path`, `$include: path#dotted.key`
//! stand alone in a map. Paths are relative to the file that names them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::{ConfigError, load};

/// How deep `$include` may nest.
const MAX_INCLUDES: usize = 10;

/// Where a value stands while it is resolved.
pub(super) struct Context<'a> {
    /// The file being read.
    pub(super) file: &'a Path,
    /// Variables.
    pub(super) environment: &'a BTreeMap<String, String>,
    /// Undefined variables are noted here.
    pub(super) warnings: &'a mut Vec<String>,
    /// `$include`s above this file.
    pub(super) depth: usize,
}

impl Context<'_> {
    /// The value with everything in it resolved; `None` is undefined.
    pub(super) fn resolve(&mut self, value: Value, key: &str) -> Result<Option<Value>, ConfigError> {
        match value {
            Value::String(text) => Ok(self.string(&text, key)),
            Value::Array(items) => self.list(items, key).map(Some),
            Value::Object(map) => self.map(map, key),
            scalar => Ok(Some(scalar)),
        }
    }

    fn list(&mut self, items: Vec<Value>, key: &str) -> Result<Value, ConfigError> {
        let mut resolved = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            resolved.extend(self.resolve(item, &format!("{key}[{index}]"))?);
        }
        Ok(Value::Array(resolved))
    }

    fn map(&mut self, map: Map<String, Value>, key: &str) -> Result<Option<Value>, ConfigError> {
        if let Some(directive) = map.keys().find(|name| name.starts_with('$')).cloned() {
            let argument = map.get(&directive).and_then(Value::as_str).unwrap_or_default().to_owned();
            if map.len() != 1 || argument.is_empty() {
                return Err(
                    self.error(key, format!("`{directive}` must be the only key of its map and have a text value"))
                );
            }
            return self.directive(&directive, &argument, key);
        }
        let mut resolved = Map::with_capacity(map.len());
        for (name, value) in map {
            let path = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            if let Some(value) = self.resolve(value, &path)? {
                resolved.insert(name, value);
            }
        }
        Ok(Some(Value::Object(resolved)))
    }

    fn directive(&mut self, directive: &str, argument: &str, key: &str) -> Result<Option<Value>, ConfigError> {
        let Some(Value::String(argument)) = self.resolve(Value::String(argument.to_owned()), key)? else {
            return Ok(None);
        };
        match directive {
            "$env" => Ok(self.environment.get(&argument).cloned().map(Value::String)),
            "$file" => {
                let path = self.beside(&argument);
                let text = std::fs::read_to_string(&path).map_err(|reason| ConfigError::Unreadable { path, reason })?;
                Ok(Some(Value::String(text.trim().to_owned())))
            }
            "$include" => self.include(&argument, key),
            other => Err(self.error(key, format!("`{other}` is not known; use $env, $file or $include"))),
        }
    }

    fn include(&mut self, argument: &str, key: &str) -> Result<Option<Value>, ConfigError> {
        if self.depth >= MAX_INCLUDES {
            return Err(self.error(key, format!("more than {MAX_INCLUDES} nested $include; is there a circle?")));
        }
        let (file, inner) = argument.split_once('#').map_or((argument, None), |(file, inner)| (file, Some(inner)));
        let path = self.beside(file);
        let value = load::parse(&path)?;
        let selected =
            inner.map_or(Some(&value), |inner| inner.split('.').try_fold(&value, |value, name| value.get(name)));
        let Some(selected) = selected.cloned() else {
            return Err(self.error(key, format!("{} has no key `{}`", path.display(), inner.unwrap_or_default())));
        };
        let mut context =
            Context { file: &path, environment: self.environment, warnings: self.warnings, depth: self.depth + 1 };
        context.resolve(selected, key)
    }

    fn string(&mut self, text: &str, key: &str) -> Option<Value> {
        let mut resolved = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start..].find('}') else { break };
            let inner = &rest[start + 2..start + length];
            let escaped = rest[..start].ends_with('$');
            resolved.push_str(&rest[..start]);
            if escaped || inner.is_empty() || inner.contains(['{', '$']) {
                resolved.push_str(if escaped { "{" } else { "${" });
                rest = &rest[start + 2..];
                continue;
            }
            resolved.push_str(&self.variable(inner, key)?);
            rest = &rest[start + length + 1..];
        }
        resolved.push_str(rest);
        Some(Value::String(resolved))
    }

    fn variable(&mut self, inner: &str, key: &str) -> Option<String> {
        let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
        let set = self.environment.get(name.trim()).filter(|value| default.is_none() || !value.is_empty());
        let value = set.cloned().or_else(|| default.map(str::to_owned));
        if value.is_none() {
            let file = self.file.display();
            self.warnings.push(format!("{file}: `{key}` is left out because the variable {} is not set", name.trim()));
        }
        value
    }

    fn beside(&self, relative: &str) -> std::path::PathBuf {
        self.file.parent().unwrap_or(Path::new(".")).join(relative)
    }

    fn error(&self, key: &str, message: String) -> ConfigError {
        ConfigError::Substitution { path: self.file.to_path_buf(), key: key.to_owned(), message }
    }
}
