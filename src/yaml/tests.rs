//! Documents, scalars, positions, limits.

mod differential;
mod generator;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Limits, Position, documents, documents_within};

fn one(source: &str) -> Value {
    let mut documents = documents(source);
    assert_eq!(documents.len(), 1, "{source}");
    documents.remove(0).unwrap_or_else(|error| panic!("{source}: {error}")).value
}

/// Inputs and values as recorded from npm `yaml` 2.9.1 with the options that Backstage uses.
#[test]
fn documents_mean_what_they_mean_to_backstage() {
    let cases: &[(&str, Value)] = &[
        ("on:\n  push: [main]\noff: 1\nyes: 2\n", json!({"on": {"push": ["main"]}, "off": 1, "yes": 2})),
        (
            "a: yes\nb: No\nc: on\nd: true\ne: True\nf: TRUE\ng: y\nh: ~\ni: null\nj: Null\nk:\nl: \"yes\"\n",
            json!({"a": "yes", "b": "No", "c": "on", "d": true, "e": true, "f": true, "g": "y", "h": null, "i": null,
                   "j": null, "k": null, "l": "yes"}),
        ),
        (
            "d: 2024-01-02\nt: 2024-01-02T03:04:05Z\ns: 2001-12-14 21:59:43.10 -5\n",
            json!({"d": "2024-01-02", "t": "2024-01-02T03:04:05Z", "s": "2001-12-14 21:59:43.10 -5"}),
        ),
        (
            "base: &base\n  x: 1\n  y: 2\nchild:\n  <<: *base\n  y: 3\nmulti:\n  <<: [*base, {z: 9}]\n",
            json!({"base": {"x": 1, "y": 2}, "child": {"<<": {"x": 1, "y": 2}, "y": 3},
                   "multi": {"<<": [{"x": 1, "y": 2}, {"z": 9}]}}),
        ),
        (
            "a: !!str 123\nb: !Ref MyThing\nd: !!int \"7\"\ne: !Sub {x: 1}\n",
            json!({"a": "123", "b": "MyThing", "d": 7, "e": {"x": 1}}),
        ),
        ("a: 1\r\nb: |\r\n  line1\r\n  line2\r\n", json!({"a": 1, "b": "line1\nline2\n"})),
        (
            "a: |\n  keep\n    indent\nb: >\n  folded\n  line\n\n  para\nc: |-\n  strip\nd: |+\n  keep\n\ne: \"esc \\u00e9 \\n x\"\nf: 'it''s'\ng: plain text with # hash\nh: a#b\n",
            json!({"a": "keep\n  indent\n", "b": "folded line\npara\n", "c": "strip", "d": "keep\n\n",
                   "e": "esc é \n x", "f": "it's", "g": "plain text with", "h": "a#b"}),
        ),
        (
            "name: ${{ parameters.name }}\nif: ${{ parameters.flag === true }}\nq: \"${{ parameters.x | dump }}\"\n",
            json!({"name": "${{ parameters.name }}", "if": "${{ parameters.flag === true }}",
                   "q": "${{ parameters.x | dump }}"}),
        ),
        ("name: {{ x }}\n", json!({"name": {"{ x }": null}})),
        (
            "1: one\ntrue: t\nnull: n\n1.5: f\n? [a, b]\n: complex\n",
            json!({"1": "one", "true": "t", "": "n", "1.5": "f", "[ a, b ]": "complex"}),
        ),
        ("\u{feff}a: 1\n", json!({"a": 1})),
        ("a: \"\\U0001F600\"\nb: 😀\nc: !!null ''\n", json!({"a": "😀", "b": "😀", "c": null})),
    ];
    for (source, expected) in cases {
        assert_eq!(&one(source), expected, "{source}");
    }
}

/// Plain scalars and their JSON, recorded from npm `yaml` 2.9.1; infinities and not-a-number are null in JSON.
#[test]
fn scalars_mean_what_they_mean_to_backstage() {
    let cases = [
        ("yes", "\"yes\""),
        ("No", "\"No\""),
        ("on", "\"on\""),
        ("y", "\"y\""),
        ("true", "true"),
        ("True", "true"),
        ("TRUE", "true"),
        ("tRue", "\"tRue\""),
        ("~", "null"),
        ("null", "null"),
        ("NULL", "null"),
        ("0755", "755"),
        ("0o755", "493"),
        ("0O17", "\"0O17\""),
        ("0xFF", "255"),
        ("-0x1F", "\"-0x1F\""),
        ("0b1010", "\"0b1010\""),
        ("1_000", "\"1_000\""),
        ("12:30:45", "\"12:30:45\""),
        ("1e3", "1000"),
        ("1.10", "1.1"),
        ("1.", "1"),
        (".5", "0.5"),
        ("+5", "5"),
        ("+.5", "0.5"),
        ("-0", "0"),
        (".inf", "null"),
        ("-.INF", "null"),
        (".nan", "null"),
        ("12345678901234567890123", "1.2345678901234568e22"),
        ("9007199254740993", "9007199254740992"),
        ("007", "7"),
        ("08", "8"),
        ("1E", "\"1E\""),
        ("123e456", "null"),
        ("2024-01-02", "\"2024-01-02\""),
        ("=", "\"=\""),
        ("<<", "\"<<\""),
        ("'yes'", "\"yes\""),
        ("!!str 123", "\"123\""),
        ("!!bool yes", "\"yes\""),
        ("!!int 0755", "755"),
        ("!!float 1", "\"1\""),
        ("!custom x", "\"x\""),
        ("1.0", "1"),
        ("0x", "\"0x\""),
        ("0o8", "\"0o8\""),
        ("+0o7", "\"+0o7\""),
        ("-", "[null]"),
        (".", "\".\""),
        ("+", "\"+\""),
        ("-12.5e-1", "-1.25"),
    ];
    for (source, expected) in cases {
        let source = format!("{source}\n");
        assert_eq!(one(&source), serde_json::from_str::<Value>(expected).unwrap(), "{source}");
    }
}

#[test]
fn an_error_has_a_place_and_does_not_stop_the_next_document() {
    // Source, then for each document its value or the line, column and part of the message.
    type Outcome<'a> = Result<Value, (u32, u32, &'a str)>;
    let cases: &[(&str, Vec<Outcome<'_>>)] = &[
        (
            "kind: A\n---\nkind: B\n bad: indent\n---\nkind: C\n",
            vec![Ok(json!({"kind": "A"})), Err((4, 5, "mapping")), Ok(json!({"kind": "C"}))],
        ),
        ("a: 1\nb: 2\na: 3\n---\nc: 1\n", vec![Err((3, 1, "\"a\" is there twice")), Ok(json!({"c": 1}))]),
        ("b: &b {x: 1}\nc:\n  <<: *b\n  <<: {y: 2}\n", vec![Err((4, 3, "\"<<\" is there twice"))]),
        ("a: &x [1]\nc: *unknown\n---\nd: 1", vec![Err((2, 4, "anchor")), Ok(json!({"d": 1}))]),
        ("a: &x [1, *x]\n", vec![Err((1, 11, "no end"))]),
        ("kind: [x\n---\nkind: C\n", vec![Err((1, 7, "unclosed bracket")), Ok(json!({"kind": "C"}))]),
        ("a: foo: bar\n", vec![Err((1, 7, "mapping"))]),
        ("a: \"unclosed\nb: 1\n", vec![Err((1, 4, ""))]),
        ("k: \"bad \\x escape\"\n", vec![Err((1, 4, "hexadecimal"))]),
        (
            "---\n# only comment\n---\na: 1\n---\n---\n...\n",
            vec![Ok(json!(null)), Ok(json!({"a": 1})), Ok(json!(null)), Ok(json!(null))],
        ),
        ("", vec![]),
        ("# nothing\n", vec![]),
    ];
    for (source, expected) in cases {
        let got = documents(source);
        assert_eq!(got.len(), expected.len(), "{source}: {got:?}");
        for (got, expected) in got.iter().zip(expected) {
            match (got, expected) {
                (Ok(document), Ok(value)) => assert_eq!(&document.value, value, "{source}"),
                (Err(error), Err((line, column, part))) => {
                    assert_eq!(error.position, Position { line: *line, column: *column }, "{source}: {error}");
                    assert!(error.message.contains(part), "{source}: {error}");
                }
                other => panic!("{source}: {other:?}"),
            }
        }
    }
}

#[test]
fn every_node_has_its_position() {
    let source = "a: 1\nlist:\n  - x\n  - k~/: &deep\n      z: 2\nother: *deep\n? [p]\n: v\nlast: {q: r}\n---\nb: 2\n";
    let read = documents(source);
    let positions = &read[0].as_ref().unwrap().positions;
    let cases = [
        ("", (1, 1), (1, 1)),
        ("/a", (1, 1), (1, 4)),
        ("/list", (2, 1), (3, 3)),
        ("/list/0", (3, 5), (3, 5)),
        ("/list/1/k~0~1", (4, 5), (5, 7)),
        ("/list/1/k~0~1/z", (5, 7), (5, 10)),
        ("/other", (6, 1), (6, 8)),
        ("/[ p ]", (7, 3), (8, 3)),
        ("/last/q", (9, 8), (9, 11)),
    ];
    for (pointer, key, value) in cases {
        let place = |at: Option<Position>| at.map(|at| (at.line, at.column));
        assert_eq!(place(positions.key(pointer)), Some(key), "key {pointer}");
        assert_eq!(place(positions.value(pointer)), Some(value), "value {pointer}");
    }
    assert_eq!(positions.nearest("/other/z").line, 6);
    assert_eq!(positions.nearest("/missing/thing"), Position::START);
    assert_eq!(read[1].as_ref().unwrap().positions.key("/b"), Some(Position { line: 11, column: 1 }));
    let stored = serde_json::to_value(positions).unwrap();
    assert_eq!(&serde_json::from_value::<super::Positions>(stored).unwrap(), positions);
}

#[test]
fn limits_refuse_bombs() {
    let bomb: String = (1..9).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        format!("{text}a{level}: &a{level} [{below}]\n")
    });
    let many = format!("a: &a x\nb: [{}]\n", "*a, ".repeat(10_001));
    let cases = [
        (bomb, "too many nodes"),
        (many, "too many aliases"),
        ("[".repeat(20_000), "nested too deeply"),
        (format!("a:\n  {}", "- ".repeat(200)), "nested too deeply"),
        ("x".repeat(1024 * 1024 + 1), "the file has 1048577 bytes"),
        (format!("a: [{}]", "1,".repeat(200_001)), "too many nodes"),
    ];
    for (source, part) in cases {
        let errors: Vec<String> =
            documents(&source).into_iter().filter_map(|read| read.err().map(|e| e.to_string())).collect();
        assert!(errors.iter().any(|error| error.contains(part)), "{part}: {errors:?}");
    }
}

#[test]
fn spent_limits_end_the_reading() {
    let limits = Limits { bytes: 100, depth: 3, nodes: 5, aliases: 5 };
    let read = documents_within("[1, 2, 3, 4, 5, 6]\n---\na\n", limits);
    assert_eq!(read.len(), 1);
    assert!(read[0].is_err());
}

/// Any text but with the line ends of YAML 1.1, which `serde_yaml` still writes as line ends.
fn hostile_text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace(['\u{85}', '\u{2028}', '\u{2029}'], " "))
}

/// Any JSON, but for what neither side can say.
pub(crate) fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-1_000_000_i64..1_000_000).prop_map(Value::from),
        // Whole numbers beyond 2^53 lose digits, as in JavaScript.
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has it", |number| number.is_finite() && number.fract() != 0.0)
            .prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::String),
        hostile_text().prop_map(Value::String),
        "[\\x00-\\x20\\x7f-\\x84\\x86-\\xa0'\":#&*!|>%@`,\\[\\]{}?~<=0-9.eE+-]{0,12}".prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_map(prop_oneof!["[ -~]{1,8}".boxed(), hostile_text().boxed()], inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

#[test]
fn control_characters_are_text() {
    let forbidden: String =
        ('\0'..='\u{9f}').filter(|character| character.is_control() && !"\t\n\r\u{85}".contains(*character)).collect();
    let text = format!("{forbidden}\u{fffe}\u{ffff}");
    let read = documents(&format!("# {text}\na: x{text}y\nb{text}c: 'x{text}'\nd: |\n  x{text}\ne: \"{text}\"\n"));
    let document = read[0].as_ref().unwrap();
    let expected = json!({"a": format!("x{text}y"), format!("b{text}c"): format!("x{text}"), "d": format!("x{text}\n"), "e": text});
    assert_eq!(document.value, expected);
    assert_eq!(document.positions.value("/e"), Some(Position { line: 6, column: 4 }));
    // Private characters stay what they are.
    assert_eq!(one("a: \u{1}\u{f0001}\u{10ffff}\n"), json!({"a": "\u{1}\u{f0001}\u{10ffff}"}));
    // A message shows what was written.
    let error = documents("a: *x\u{7}y\n").remove(0).unwrap_err();
    assert!(!error.message.contains(|character| character > '\u{f0000}'), "{error}");
}

/// No private block is free, or an escape could mean one: the parser tells of the first forbidden character.
#[test]
fn control_characters_that_cannot_be_told_apart_are_refused_with_their_place() {
    let all: String = (0..1024).filter_map(|block| char::from_u32(0xF_0000 + block * 128)).collect();
    for source in [format!("a: {all}\nb: \u{1}\n"), "a: \"\\U000F0001\"\nb: \u{1}\n".to_owned()] {
        let error = documents(&source).remove(0).unwrap_err();
        assert_eq!((error.position.line, error.position.column), (2, 4), "{error}");
        assert!(error.message.contains("unexpected character"), "{error}");
    }
}

/// Keys are the same when their values are; keys of one name and different kinds leave the last value.
#[test]
fn keys_of_one_name_may_differ() {
    assert_eq!(
        one("1: a\n'1': b\n'': c\n~: d\n.inf: e\n-.INF: f\n.nan: g\n.NaN: h\n"),
        json!({"1": "b", "": "d", "Infinity": "e", "-Infinity": "f", "NaN": "h"})
    );
    for source in ["1: a\n1.0: b\n", "~: a\nnull: b\n", "'1': a\n1: b\n\"1\": c\n", ".inf: a\n+.Inf: b\n"] {
        assert!(documents(source)[0].as_ref().unwrap_err().message.contains("there twice"), "{source}");
    }
}

/// Every pointer of a value.
fn pointers(value: &Value, at: String, into: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, format!("{at}/{index}"), into);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                let mut at = at.clone();
                super::pointer_push(&mut at, key);
                pointers(item, at, into);
            }
        }
        _ => {}
    }
    into.push(at);
}

proptest! {
    #[test]
    fn what_is_written_as_json_or_yaml_is_read_back(value in json_value()) {
        let as_json = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(&one(&as_json), &value);
        let as_yaml = serde_yaml::to_string(&value).unwrap();
        let mut read = documents(&as_yaml);
        prop_assert_eq!(read.len(), 1);
        let read = read.remove(0).unwrap();
        prop_assert_eq!(&read.value, &value);
        let mut all = Vec::new();
        pointers(&value, String::new(), &mut all);
        for pointer in all {
            prop_assert!(read.positions.value(&pointer).is_some(), "{}", pointer);
        }
    }

    #[test]
    fn no_text_makes_it_panic(source in "[ \\n\\t:,&*!|>\\[\\]{}#a-c0-9'\"%-]{0,80}") {
        let _ = documents(&source);
    }
}

/// Each recorded document of the corpus, but for those listed with a reason.
#[test]
fn the_recorded_corpus_reads_the_same() {
    const DIFFERENT: &[(&str, &str)] = &[
        ("11-tags", "`!!binary` is a Node buffer there, which no descriptor means; here it stays text"),
        ("20-yaml11dir", "a `%YAML 1.1` directive does not switch the schema"),
    ];
    let corpus: Value = serde_json::from_str(include_str!("../../tests/yaml/corpus.json")).unwrap();
    let recorded = corpus["documents"].as_array().unwrap();
    let mut different = Vec::new();
    for case in recorded {
        let name = case["name"].as_str().unwrap();
        let lines: Vec<&str> = case["npm_yaml"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let found = documents(case["yaml"].as_str().unwrap());
        let is_same = found.iter().enumerate().all(|(at, found)| {
            let own = format!("doc{at} ");
            let mut told = lines.iter().filter_map(|line| line.strip_prefix(&*own));
            let is_refused = told.clone().any(|line| line.starts_with("ERR") || line.starts_with("toJSON ERR"));
            let expected = told.find_map(|line| serde_json::from_str::<Value>(line).ok()).map(without_infinity);
            match found {
                Ok(document) => !is_refused && expected.as_ref() == Some(&document.value),
                Err(_) => is_refused,
            }
        });
        let count = lines.iter().filter_map(|line| line.split(' ').next()).collect::<std::collections::BTreeSet<_>>();
        if !is_same || count.len() != found.len() {
            different.push(name);
        }
    }
    let listed: Vec<&str> = DIFFERENT.iter().map(|(name, _)| *name).collect();
    assert_eq!(different, listed, "of {}", recorded.len());
}

/// Numbers that JSON does not have were recorded by their names; read, they are null.
fn without_infinity(value: Value) -> Value {
    match value {
        Value::String(text) if text == "Infinity" || text == "NaN" => Value::Null,
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, without_infinity(value))).collect(),
        other => other,
    }
}
