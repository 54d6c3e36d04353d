//! JSON as JavaScript writes it: `JSON.stringify(value, replacer, space)`.
//!
//! Whole numbers beyond 2^53 keep all their digits.

use std::io;

use serde::Serialize as _;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::super::expression;
use super::ActionError;

/// Letters of `space` that count.
const WIDEST: usize = 10;

/// Writes a value; each level is indented by `space`, and without one everything is on one line.
pub(super) fn stringify(value: &Value, space: &str) -> Result<String, ActionError> {
    let end = space.char_indices().nth(WIDEST).map_or(space.len(), |(at, _)| at);
    let mut bytes = Vec::new();
    let written = if space.is_empty() {
        value.serialize(&mut Serializer::with_formatter(&mut bytes, Script(CompactFormatter)))
    } else {
        let pretty = PrettyFormatter::with_indent(&space.as_bytes()[..end]);
        value.serialize(&mut Serializer::with_formatter(&mut bytes, Script(pretty)))
    };
    let failed = |error: &dyn std::fmt::Display| ActionError::failed(format!("the value cannot be written: {error}"));
    written.map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

/// Keeps only the named keys, on every level, in the order of the names.
pub(super) fn only(value: &Value, names: &[String]) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| only(item, names)).collect(),
        Value::Object(map) => {
            let kept = names.iter().filter_map(|name| Some((name.clone(), only(map.get(name)?, names))));
            Value::Object(kept.collect())
        }
        other => other.clone(),
    }
}

/// Another formatter, with JavaScript's numbers.
struct Script<F>(F);

impl<F: Formatter> Formatter for Script<F> {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(expression::print_number(value).as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_those_of_javascript() {
        // Each from `JSON.stringify(value, null, space)` of Node.js.
        let cases = [
            (json!({"b": [1, 2.5, {}], "a": []}), "", r#"{"b":[1,2.5,{}],"a":[]}"#),
            (json!({"b": [1], "a": []}), "\t", "{\n\t\"b\": [\n\t\t1\n\t],\n\t\"a\": []\n}"),
            (json!([1.0, 1e21, 1e-7, -0.5]), "", "[1,1e+21,1e-7,-0.5]"),
            (json!([1]), "0123456789ab", "[\n01234567891\n]"),
            (json!("a\u{1}\"\u{7f}é"), "", "\"a\\u0001\\\"\u{7f}é\""),
        ];
        for (value, space, expected) in cases {
            assert_eq!(stringify(&value, space).unwrap(), expected);
        }
    }

    #[test]
    fn a_list_of_names_picks_keys_on_every_level() {
        let value = json!({"a": 1, "b": [{"a": 2, "c": 3}], "c": {"b": 4}});
        let picked = only(&value, &["b".to_owned(), "a".to_owned()]);
        assert_eq!(picked.to_string(), r#"{"b":[{"a":2}],"a":1}"#);
    }
}
