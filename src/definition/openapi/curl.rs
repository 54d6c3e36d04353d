//! A command that calls an operation.

use serde_json::Value;

use super::{list, security, servers, text};
use crate::definition::model::Direction;
use crate::definition::sample::sample;
use crate::definition::schema::{followed, shown};

/// A larger body is left to whoever calls.
const LONGEST: usize = 4000;

/// What goes into a call.
pub(super) struct Call<'a> {
    pub(super) root: &'a Value,
    pub(super) path: &'a str,
    pub(super) method: &'a str,
    pub(super) operation: &'a Value,
    /// Those of the path too, without references.
    pub(super) parameters: &'a [&'a Value],
    /// Media type and an example.
    pub(super) body: Option<(&'a str, String)>,
}

impl Call<'_> {
    /// The call as `curl` takes it.
    pub(super) fn command(&self) -> String {
        let mut lines = vec![format!("curl{} {}", self.method_option(), quoted(&self.url()))];
        if let Some((name, value)) = security::header(self.root, self.operation) {
            lines.push(format!("-H \"{}: {value}\"", name.replace(['"', '\\', '$', '`'], "")));
        }
        for parameter in self.asked("header") {
            lines.push(format!("-H {}", quoted(&format!("{}: {}", text(parameter, "name"), self.value(parameter)))));
        }
        if let Some((kind, example)) = &self.body {
            lines.push(format!("-H {}", quoted(&format!("Content-Type: {kind}"))));
            let body = if example.is_empty() || example.len() > LONGEST { "@body".to_owned() } else { quoted(example) };
            lines.push(format!("--data {body}"));
        }
        lines.join(" \\\n  ")
    }

    fn method_option(&self) -> String {
        match (self.method, &self.body) {
            ("get", None) | ("post", Some(_)) => String::new(),
            ("head", None) => " --head".to_owned(),
            (method, _) => format!(" -X {}", method.to_uppercase()),
        }
    }

    fn url(&self) -> String {
        let server = [self.operation, self.root].into_iter().find_map(|place| servers(place).into_iter().next());
        let base = server.map(|server| server.url).filter(|url| url.contains("://"));
        let base = base.unwrap_or_else(|| {
            format!("https://HOST{}", servers(self.root).first().map_or("", |own| own.url.as_str()))
        });
        let mut path = self.path.to_owned();
        for parameter in self.asked("path") {
            let name = text(parameter, "name");
            let value = self.value(parameter);
            let value = if value == "string" { format!("{{{name}}}") } else { encoded(&value) };
            path = path.replace(&format!("{{{name}}}"), &value);
        }
        let asked: Vec<String> = self
            .asked("query")
            .map(|parameter| format!("{}={}", encoded(text(parameter, "name")), encoded(&self.value(parameter))))
            .collect();
        let mark = if asked.is_empty() { "" } else { "?" };
        format!("{}{path}{mark}{}", base.trim_end_matches('/'), asked.join("&"))
    }

    /// The parameters of a place that must be given.
    fn asked(&self, place: &str) -> impl Iterator<Item = &Value> {
        self.parameters.iter().copied().filter(move |parameter| {
            text(parameter, "in") == place && parameter.get("required").and_then(Value::as_bool) == Some(true)
        })
    }

    fn value(&self, parameter: &Value) -> String {
        let given = parameter.get("example").or_else(|| {
            let examples = parameter.get("examples")?.as_object()?;
            followed(self.root, examples.values().next()?).get("value")
        });
        let value = given.cloned().unwrap_or_else(|| {
            let schema = parameter.get("schema").unwrap_or(parameter);
            sample(self.root, schema, Direction::In)
        });
        match &value {
            Value::Array(many) => many.first().map(shown).unwrap_or_default(),
            other => shown(other),
        }
    }
}

/// The media type that is shown of several: JSON where there is some.
pub(super) fn preferred(content: &Value) -> Option<(&String, &Value)> {
    let content = content.as_object()?;
    content.iter().find(|(kind, _)| kind.contains("json")).or_else(|| content.iter().next())
}

/// The example of a media type, given or made up.
pub(super) fn example(root: &Value, media: &Value, direction: Direction) -> Option<String> {
    given(root, media).or_else(|| {
        let schema = media.get("schema")?;
        let made = sample(root, schema, direction);
        (!made.is_null()).then(|| pretty(&made))
    })
}

/// The example that a media type gives.
pub(super) fn given(root: &Value, media: &Value) -> Option<String> {
    if let Some(example) = media.get("example") {
        return Some(pretty(example));
    }
    let examples = media.get("examples")?;
    let first = examples.as_object().and_then(|all| all.values().next()).or_else(|| list(media, "examples").next())?;
    let first = followed(root, first);
    Some(pretty(first.get("value").unwrap_or(first)))
}

/// A value as it would be sent.
pub(in crate::definition) fn pretty(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn encoded(text: &str) -> String {
    let plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b',' | b'@');
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
