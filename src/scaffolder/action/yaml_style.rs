//! `options` of the actions that write YAML: those of npm `yaml`'s `stringify`.

use serde_json::{Value, json};

use super::{Outputs, text};
use crate::yaml::{Style, TextStyle};

/// The widest indentation; a wider one only makes files large.
const WIDEST: u64 = 16;

/// The JSON Schema of the options.
pub(super) fn schema() -> Value {
    let kinds = ["BLOCK_FOLDED", "BLOCK_LITERAL", "QUOTE_DOUBLE", "QUOTE_SINGLE", "PLAIN"];
    json!({"type": "object", "additionalProperties": false, "description": "How the YAML is written", "properties": {
        "blockQuote": {"anyOf": [{"type": "boolean"}, {"enum": ["folded", "literal"]}], "description": "(default: true) - use block quote styles for scalar values where applicable; blocks are always literal"},
        "collectionStyle": {"type": "string", "enum": ["any", "block", "flow"], "description": "(default: 'any') - enforce 'block' or 'flow' style on maps and sequences"},
        "defaultKeyType": {"anyOf": [{"type": "null"}, {"enum": kinds}]},
        "defaultStringType": {"type": "string", "enum": kinds, "description": "(default: 'PLAIN') - the default type of string literal used to stringify values"},
        "directives": {"anyOf": [{"type": "boolean"}, {"type": "null"}], "description": "(default: null) - if true, the document begins with ---"},
        "doubleQuotedAsJSON": {"type": "boolean", "description": "(default: false) - if true, restrict double-quoted strings to use JSON-compatible syntax"},
        "doubleQuotedMinMultiLineLength": {"type": "number", "description": "Accepted; double-quoted strings stay on one line"},
        "falseStr": {"type": "string", "description": "(default: 'false') - string representation for false boolean values"},
        "flowCollectionPadding": {"type": "boolean", "description": "(default: true) - if true, a single space of padding will be added inside the delimiters of non-empty single-line flow collections"},
        "indent": {"type": "number", "description": "(default: 2) - the number of spaces to use when indenting code"},
        "indentSeq": {"type": "boolean", "description": "(default: true) - if true, block sequences should be indented"},
        "lineWidth": {"type": "number", "description": "Accepted; lines are not folded"},
        "minContentWidth": {"type": "number", "description": "Accepted; lines are not folded"},
        "nullStr": {"type": "string", "description": "(default: 'null') - string representation for null values"},
        "simpleKeys": {"type": "boolean", "description": "Accepted; keys are always simple"},
        "singleQuote": {"anyOf": [{"type": "boolean"}, {"type": "null"}], "description": "(default: null) - use single quote rather than double quote where applicable. Set to false to disable single quotes completely"},
        "trueStr": {"type": "string", "description": "(default: 'true') - string representation for true boolean values"},
    }})
}

/// The style that the input's `options` ask for.
pub(super) fn of(input: &Outputs) -> Style {
    let nothing = Outputs::new();
    let options = input.get("options").and_then(Value::as_object).unwrap_or(&nothing);
    let default = Style::default();
    let is = |key: &str, otherwise: bool| options.get(key).and_then(Value::as_bool).unwrap_or(otherwise);
    let word = |key: &str, otherwise: String| text(options, key).map_or(otherwise, str::to_owned);
    let texts = text(options, "defaultStringType").map_or(default.texts, kind);
    Style {
        indent: usize::try_from(indent(options)).unwrap_or(default.indent),
        indents_lists: is("indentSeq", default.indents_lists),
        is_flow: text(options, "collectionStyle") == Some("flow"),
        pads_flow: is("flowCollectionPadding", default.pads_flow),
        has_blocks: is("blockQuote", default.has_blocks),
        texts,
        keys: text(options, "defaultKeyType").map_or(texts, kind),
        single_quotes: options.get("singleQuote").and_then(Value::as_bool),
        escapes_as_json: is("doubleQuotedAsJSON", default.escapes_as_json),
        null: word("nullStr", default.null),
        yes: word("trueStr", default.yes),
        no: word("falseStr", default.no),
        has_marker: is("directives", default.has_marker),
    }
}

fn indent(options: &Outputs) -> u64 {
    let asked = options.get("indent").and_then(Value::as_f64).filter(|indent| *indent >= 1.0);
    asked.and_then(|indent| format!("{indent:.0}").parse().ok()).unwrap_or(2).min(WIDEST)
}

fn kind(word: &str) -> TextStyle {
    match word {
        "BLOCK_FOLDED" | "BLOCK_LITERAL" => TextStyle::Block,
        "QUOTE_DOUBLE" => TextStyle::Double,
        "QUOTE_SINGLE" => TextStyle::Single,
        _ => TextStyle::Plain,
    }
}
