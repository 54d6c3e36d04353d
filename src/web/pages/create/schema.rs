//! A JSON Schema as rows that people read: what an action takes and gives, what a template asks.
//!
//! Nested objects and lists follow their key, one level deeper. Alternatives (`anyOf`, `oneOf`, `allOf`) show their
//! keys together; local `$ref`s are followed. Depth and the number of rows are bounded, so a schema that refers to
//! itself ends.

use std::fmt::Write as _;

use askama::Template;
use serde_json::{Map, Value};

use crate::web::pages::markdown;

/// Objects inside each other that are shown.
const DEPTH: usize = 5;
/// Rows of one schema.
const ROWS: usize = 400;

/// The rows of one schema as a table.
#[derive(Template, Default)]
#[template(path = "create/schema.html")]
pub(crate) struct SchemaTable {
    /// What the table tells, for those who hear it.
    pub(crate) caption: String,
    pub(crate) rows: Vec<SchemaRow>,
}

impl askama::filters::HtmlSafe for SchemaTable {}

/// One key.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct SchemaRow {
    /// How many keys it is inside of.
    pub(crate) depth: usize,
    pub(crate) name: String,
    /// `string`, `string[]`, `boolean | "with-contents"`
    pub(crate) kind: String,
    pub(crate) required: bool,
    /// Sanitised.
    pub(crate) about: Option<String>,
    /// As JSON.
    pub(crate) default: Option<String>,
    /// The values there are.
    pub(crate) choices: Vec<String>,
    /// Further rules: `at least 1`, `pattern ^a`.
    pub(crate) rules: Vec<String>,
}

impl SchemaTable {
    /// The keys of an object's schema.
    pub(crate) fn new(caption: impl Into<String>, schema: &Value) -> Self {
        let mut walk = Walk { root: schema, rows: Vec::new() };
        walk.keys(schema, 0);
        Self { caption: caption.into(), rows: walk.rows }
    }
}

struct Walk<'a> {
    root: &'a Value,
    rows: Vec<SchemaRow>,
}

impl<'a> Walk<'a> {
    /// The keys of one object, those of its alternatives among them.
    fn keys(&mut self, schema: &'a Value, depth: usize) {
        let schema = self.target(schema);
        if depth > DEPTH {
            return;
        }
        let required = texts(schema.get("required"));
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            self.row(name, property, required.contains(&name.as_str()), depth);
        }
        if let Some(rest) = schema.get("additionalProperties").filter(|rest| rest.is_object()) {
            self.row("(any other key)", rest, false, depth);
        }
        let here = self.rows.len();
        for alternative in alternatives(schema) {
            let inner = self.target(alternative);
            // A key that several alternatives have is told once.
            let known: Vec<String> =
                self.rows[..here].iter().filter(|row| row.depth == depth).map(|row| row.name.clone()).collect();
            let since = self.rows.len();
            self.keys(inner, depth);
            let mut seen = known;
            let fresh: Vec<SchemaRow> = self.rows.drain(since..).collect();
            let mut keep = true;
            for row in fresh {
                if row.depth == depth {
                    keep = !seen.contains(&row.name)
                        && !self.rows[here..].iter().any(|told| told.depth == depth && told.name == row.name);
                    seen.push(row.name.clone());
                }
                if keep {
                    self.rows.push(row);
                }
            }
        }
    }

    fn row(&mut self, name: &str, written: &'a Value, required: bool, depth: usize) {
        if self.rows.len() >= ROWS {
            return;
        }
        let schema = self.target(written);
        let text = |key: &str| written.get(key).or_else(|| schema.get(key)).and_then(Value::as_str);
        let title = text("title").filter(|title| !title.eq_ignore_ascii_case(name));
        let about = match (title, text("description")) {
            (Some(title), Some(about)) if !about.starts_with(title) => Some(format!("{title}: {about}")),
            (title, about) => about.or(title).map(str::to_owned),
        };
        let items = schema.get("items").map(|items| self.target(items));
        let choices = schema.get("enum").or_else(|| items.and_then(|items| items.get("enum")));
        self.rows.push(SchemaRow {
            depth,
            name: name.to_owned(),
            kind: self.kind(schema, 0),
            required,
            about: about.map(|about| markdown::note(&about)),
            default: schema.get("default").map(Value::to_string),
            choices: choices.and_then(Value::as_array).into_iter().flatten().map(Value::to_string).collect(),
            rules: rules(schema),
        });
        match items {
            Some(items) => self.keys(items, depth + 1),
            None => self.keys(schema, depth + 1),
        }
    }

    /// What a `$ref` means.
    fn target(&self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        for _ in 0..DEPTH {
            let pointer = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
            match pointer.and_then(|pointer| self.root.pointer(pointer)) {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }

    fn kind(&self, schema: &'a Value, depth: usize) -> String {
        if depth > DEPTH {
            return "…".to_owned();
        }
        if let Some(constant) = schema.get("const") {
            return constant.to_string();
        }
        let named = |name: &str| match (name, schema.get("items")) {
            ("array", Some(items)) => {
                let inner = self.kind(self.target(items), depth + 1);
                if inner.contains(" | ") { format!("({inner})[]") } else { format!("{inner}[]") }
            }
            ("array", None) => "any[]".to_owned(),
            _ => name.to_owned(),
        };
        let mut kinds: Vec<String> = match schema.get("type") {
            Some(Value::String(name)) => vec![named(name)],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(named).collect(),
            _ if schema.get("properties").is_some() => vec!["object".to_owned()],
            _ if schema.get("items").is_some() => vec![named("array")],
            _ => Vec::new(),
        };
        if kinds.is_empty() {
            for alternative in alternatives(schema) {
                let kind = self.kind(self.target(alternative), depth + 1);
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
        }
        if kinds.is_empty() && schema.get("enum").is_some() {
            return "one of".to_owned();
        }
        if kinds.is_empty() { "any".to_owned() } else { kinds.join(" | ") }
    }
}

/// The schemas of which one or all count.
fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|key| schema.get(key).and_then(Value::as_array));
    let branches = ["then", "else"].into_iter().filter_map(|key| schema.get(key));
    let dependencies = schema.get("dependencies").and_then(Value::as_object).into_iter().flat_map(Map::values);
    lists.flatten().chain(branches).chain(dependencies.filter(|dependency| dependency.is_object()))
}

fn texts(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn rules(schema: &Value) -> Vec<String> {
    let words = [
        ("format", "format"),
        ("pattern", "pattern"),
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("exclusiveMinimum", "more than"),
        ("exclusiveMaximum", "less than"),
        ("multipleOf", "a multiple of"),
        ("minLength", "characters: at least"),
        ("maxLength", "characters: at most"),
        ("minItems", "items: at least"),
        ("maxItems", "items: at most"),
        ("ui:field", "picker"),
    ];
    let rule = |(key, word): &(&str, &str)| {
        let mut rule = (*word).to_owned();
        let written = match schema.get(*key)? {
            Value::String(text) => write!(rule, " {text}"),
            Value::Number(number) => write!(rule, " {number}"),
            _ => return None,
        };
        debug_assert!(written.is_ok(), "writing to a String never fails");
        Some(rule)
    };
    words.iter().filter_map(rule).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `depth name kind required` of every row.
    fn told(schema: &Value) -> Vec<String> {
        let line = |row: &SchemaRow| {
            format!("{}{}: {}{}", "  ".repeat(row.depth), row.name, row.kind, if row.required { " !" } else { "" })
        };
        SchemaTable::new("", schema).rows.iter().map(line).collect()
    }

    #[test]
    fn keys_follow_what_they_are_in() {
        let schema = json!({
            "type": "object", "required": ["url"],
            "properties": {
                "url": {"type": "string"},
                "tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
                "ports": {"type": "array", "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}},
                "mode": {"anyOf": [{"type": "boolean"}, {"type": "string", "enum": ["x"]}]},
                "labels": {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
                "author": {"$ref": "#/definitions/author"},
                "free": {},
            },
            "definitions": {"author": {"type": "object", "properties": {"email": {"type": "string", "format": "email"}}}},
        });
        let expected = [
            "url: string !",
            "tags: string[]",
            "ports: object[]",
            "  name: string !",
            "mode: boolean | string",
            "labels: object",
            "  (any other key): string | number",
            "author: object",
            "  email: string",
            "free: any",
        ];
        assert_eq!(told(&schema), expected);
    }

    #[test]
    fn alternatives_tell_each_key_once() {
        let schema = json!({
            "properties": {"kind": {"type": "string"}},
            "oneOf": [
                {"properties": {"kind": {"const": "a"}, "one": {"type": "object", "properties": {"x": {"type": "number"}}}}},
                {"properties": {"one": {"type": "string"}, "two": {"type": "integer"}}},
            ],
        });
        assert_eq!(told(&schema), ["kind: string", "one: object", "  x: number", "two: integer"]);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"properties": {"next": {"$ref": "#"}, "list": {"type": "array", "items": {"$ref": "#"}}}});
        let told = told(&schema);
        assert!(told.len() > 4 && told.len() <= ROWS, "{}", told.len());
        assert!(SchemaTable::new("", &json!({"$ref": "#"})).rows.is_empty());
    }

    #[test]
    fn rules_defaults_and_choices_are_told() {
        let schema = json!({"properties": {"cpu": {
            "title": "CPU", "description": "In `cores`.", "type": "number", "minimum": 1, "default": 2, "enum": [1, 2],
        }}});
        let table = SchemaTable::new("Input", &schema);
        let row = &table.rows[0];
        assert_eq!(row.default.as_deref(), Some("2"));
        assert_eq!((row.choices.join(","), row.rules.join(",")), ("1,2".to_owned(), "at least 1".to_owned()));
        let html = table.to_string();
        assert!(html.contains("<code>cores</code>") && html.contains("<caption"), "{html}");
    }
}
