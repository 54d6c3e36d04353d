//! What values look like, and that they are the same when read again.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::yaml::{documents, tests::json_value};

/// Each with the style and what npm `yaml` writes with `lineWidth: 0`.
fn cases() -> Vec<(Value, Value, &'static str)> {
    vec![
        (json!({"a": [1, {"b": null, "c": []}], "d": {}}), json!({}), "a:\n  - 1\n  - b: null\n    c: []\nd: {}\n"),
        (json!([[1, [2]], {"a": {"b": 1}}]), json!({}), "- - 1\n  - - 2\n- a:\n    b: 1\n"),
        (json!({"a": [1], "b": {"c": [2]}}), json!({"indentSeq": false}), "a:\n- 1\nb:\n  c:\n  - 2\n"),
        (json!({"a": {"b": [1]}}), json!({"indent": 4}), "a:\n    b:\n        - 1\n"),
        (json!({"a": [1]}), json!({"indent": 4, "indentSeq": false}), "a:\n  - 1\n"),
        (json!("true"), json!({}), "\"true\"\n"),
        (
            json!(["0x1f", "1.", "~", "", "no", "2024-01-02"]),
            json!({}),
            "- \"0x1f\"\n- \"1.\"\n- \"~\"\n- \"\"\n- no\n- 2024-01-02\n",
        ),
        (
            json!(["- a", "-a", "a: b", "a:b", "a #b", "a#b", "@a", "a:"]),
            json!({}),
            "- \"- a\"\n- -a\n- \"a: b\"\n- a:b\n- \"a #b\"\n- a#b\n- \"@a\"\n- \"a:\"\n",
        ),
        (
            json!(["it's: x", "say: \"x\"", "both: '\""]),
            json!({}),
            "- \"it's: x\"\n- 'say: \"x\"'\n- \"both: '\\\"\"\n",
        ),
        (json!(["a: b"]), json!({"singleQuote": true}), "- 'a: b'\n"),
        (json!(["say: \"x\""]), json!({"singleQuote": false}), "- \"say: \\\"x\\\"\"\n"),
        (
            json!({"a": "x\ny\n", "b": "x\ny", "c": "x\n\n"}),
            json!({}),
            "a: |\n  x\n  y\nb: |-\n  x\n  y\nc: |+\n  x\n\n",
        ),
        (json!({"a": " x\ny"}), json!({}), "a: |2-\n   x\n  y\n"),
        (json!(["a\u{7}\u{1f}\u{1b}"]), json!({}), "- \"a\\a\\x1f\\e\"\n"),
        (json!({"a": [1, {"b": "c, d"}]}), json!({"collectionStyle": "flow"}), "{ a: [ 1, { b: \"c, d\" } ] }\n"),
        (json!({"a": [1]}), json!({"collectionStyle": "flow", "flowCollectionPadding": false}), "{a: [1]}\n"),
        (
            json!([null, true, false]),
            json!({"nullStr": "~", "trueStr": "True", "falseStr": "False"}),
            "- ~\n- True\n- False\n",
        ),
        (json!({"a": "b"}), json!({"defaultStringType": "QUOTE_DOUBLE"}), "\"a\": \"b\"\n"),
        (json!({"a": "b"}), json!({"defaultStringType": "QUOTE_SINGLE", "defaultKeyType": "PLAIN"}), "a: 'b'\n"),
        (json!({"a": "b"}), json!({"directives": true}), "---\na: b\n"),
        (json!({"1": 3, "a: b": 1, "": 2, "x\ny": 4}), json!({}), "\"1\": 3\n\"a: b\": 1\n\"\": 2\n\"x\\ny\": 4\n"),
    ]
}

/// The options as the tests of actions give them, by npm's names.
fn style(options: &Value) -> Style {
    let default = Style::default();
    let is = |key: &str, otherwise: bool| options[key].as_bool().unwrap_or(otherwise);
    let word = |key: &str, otherwise: String| options[key].as_str().map_or(otherwise, str::to_owned);
    let kind = |key: &str, otherwise: Text| match options[key].as_str() {
        Some("QUOTE_DOUBLE") => Text::Double,
        Some("QUOTE_SINGLE") => Text::Single,
        Some("PLAIN") => Text::Plain,
        _ => otherwise,
    };
    let texts = kind("defaultStringType", Text::Plain);
    Style {
        indent: options["indent"].as_u64().map_or(2, |indent| usize::try_from(indent).unwrap()),
        indents_lists: is("indentSeq", true),
        is_flow: options["collectionStyle"] == "flow",
        pads_flow: is("flowCollectionPadding", true),
        has_blocks: is("blockQuote", true),
        texts,
        keys: kind("defaultKeyType", texts),
        single_quotes: options["singleQuote"].as_bool(),
        escapes_as_json: false,
        null: word("nullStr", default.null),
        yes: word("trueStr", default.yes),
        no: word("falseStr", default.no),
        has_marker: is("directives", false),
    }
}

#[test]
fn what_readers_do_differently_is_quoted() {
    let blocks = Style { texts: Text::Block, ..Style::default() };
    for value in [json!({"\u{feff}": 1}), json!(" a"), json!(" a\nb"), json!("\n"), json!("a\n \n")] {
        for style in [&Style::default(), &blocks] {
            let text = write(&value, style, &Remarks::default());
            assert_eq!(documents(&text).pop().unwrap().unwrap().value, value, "{text}");
        }
    }
}

#[test]
fn values_look_as_npm_yaml_writes_them() {
    for (value, options, expected) in cases() {
        assert_eq!(write(&value, &style(&options), &Remarks::default()), expected, "{value} {options}");
    }
}

/// The table against the real library, where `GREENROOM_NODE_MODULES` has it; lines are not folded on either side.
#[test]
fn the_table_is_what_npm_yaml_writes() {
    let Some(modules) = std::env::var_os("GREENROOM_NODE_MODULES") else {
        return;
    };
    let table: Vec<Value> = cases().into_iter().map(|(value, options, _)| json!([value, options])).collect();
    let script = "const YAML = require('yaml'); const cases = JSON.parse(process.env.CASES); \
        console.log(JSON.stringify(cases.map(([value, options]) => YAML.stringify(value, {lineWidth: 0, ...options}))))";
    let mut path: OsString = modules;
    path.push("/");
    let output = Command::new("node")
        .args(["-e", script])
        .env("NODE_PATH", path)
        .env("CASES", Value::Array(table).to_string())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let theirs: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    for ((value, options, ours), theirs) in cases().into_iter().zip(theirs) {
        assert_eq!(ours, theirs, "{value} {options}");
    }
}

/// Values that are read the same whatever they look like.
fn same(value: &Value, style: &Style) -> Result<(), TestCaseError> {
    let text = write(value, style, &Remarks::default());
    let read = documents(&text);
    prop_assert_eq!(read.len(), 1, "{}", text);
    let document = read.into_iter().next().unwrap();
    let document = document.map_err(|error| TestCaseError::fail(format!("{error} in\n{text}")))?;
    prop_assert_eq!(&document.value, value, "{}", text);
    Ok(())
}

/// Texts with what YAML reads otherwise, in any order.
fn delicate() -> impl Strategy<Value = Value> {
    const PARTS: &[&str] = &[
        " ", "\n", "\t", "a", "b c", "-", "- ", "---", "...", ":", ": ", "#", " #", "'", "\"", "\\", "?", "|", ">",
        "[", "}", ",", "*", "&", "!", "%", "@", "`", "~", "null", "0x1", "1e3", "\u{7}", "\r", "é", "\u{85}",
        "\u{2028}", "\u{feff}", "=", "<<",
    ];
    let text = prop::collection::vec(prop::sample::select(PARTS), 0..6).prop_map(|parts| parts.concat());
    let place = prop::sample::select(vec!["root", "item", "key", "value", "deep"]);
    (text, place).prop_map(|(text, place)| match place {
        "root" => json!(text),
        "item" => json!([text, 1]),
        "key" => json!({text: 1}),
        "value" => json!({"a": text, "b": 1}),
        _ => json!({"a": [{"b": {"c": text}}]}),
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_the_same(value in json_value()) {
        same(&value, &Style::default())?;
        same(&value, &Style { is_flow: true, ..Style::default() })?;
    }

    #[test]
    fn delicate_texts_are_read_the_same(
        value in delicate(),
        is_flow: bool,
        indent in 2_usize..5,
        indents_lists: bool,
        single_quotes: Option<bool>,
        texts in prop::sample::select(vec![Text::Plain, Text::Single, Text::Double, Text::Block]),
    ) {
        same(&value, &Style { indent, indents_lists, is_flow, single_quotes, texts, keys: texts, ..Style::default() })?;
    }
}
