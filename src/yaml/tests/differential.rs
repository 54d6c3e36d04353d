//! The same texts through npm `yaml`, the parser of Backstage's catalog, and through ours.
//!
//! Runs when `GREENROOM_NODE_MODULES` names a folder with the npm package `yaml`, as `make test` does;
//! `GREENROOM_YAML_CASES` and `GREENROOM_YAML_SEED` make it search longer or elsewhere. Everything is generated from the
//! seed. Documents that are null count as none: neither side makes anything of them.

use std::ffi::OsString;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::documents;
use super::generator::Generator;

const CASES: usize = 10_000;
const SEED: u64 = 20_261_126;

/// Texts that are read differently, each with its reason. None is one that a person would write and mean.
const DIFFERENT: &[(&str, &str)] = &[
    ("a: [\n1,\n]\nb: 2\n", "lines of a flow collection may be indented less here"),
    ("x:\n  \ta: 1\n", "a tab after the indentation of a block is told there"),
    ("a: [?]\n", "a lone question mark in a flow list is text here, a key without its value there"),
    (": - a\n", "a collection on the line of an empty key is told there"),
    ("\u{feff}- a\n- b\n", "the byte order mark counts as a column there, so that the list ends with its first item"),
    ("\"x\\\n\n\n  y\"\n", "empty lines after an escaped line end are all kept here, as the specification says"),
    ("a: \"\\ud83d\"\n", "half of a surrogate pair is no text: refused here"),
    ("a: !<tag:a|b> x\n", "a tag with characters that no address has is refused here"),
    ("? {x: \"1\"}\n: v\n", "a collection as a key is named by its values here, by its source there"),
    ("? [a]\n b\n: v\n", "text after a key that is whole is told here, dropped there"),
    ("%YAML 1.1\n---\na: yes\n", "the version of a document does not switch the schema"),
    ("%\n---\na: 1\n", "a directive without a name is told here"),
    ("a: 'x\n---\nb: 1\n", "an unclosed quote ends with its document here, with the file there"),
    ("a: !!binary aGk=\n", "bytes have no JSON; the text stays here, and becomes a list of numbers there"),
    ("a: !!timestamp 2024-01-02\n", "a moment has no JSON; the text stays here, and is written out in full there"),
    ("a: !!set {b}\n", "a set has no JSON; its members are keys here, and lost there"),
    ("a: !!omap [b: 1]\n", "a map in order has no JSON; it is a list of maps here, and lost there"),
    ("\ta: 1\n", "a tab before a block is told there"),
    ("null: &a [*a]\n'': 1\n", "an alias inside its own node is told here, even where another key replaces it"),
];

/// What generated texts have too seldom, each read alike.
const ALIKE: &[&str] = &[
    "",
    "\n",
    "# only\n",
    "---\n",
    "---\n---\n",
    "...\n",
    "...\n...\na: 1\n",
    "a: 1\n...\nb: 2\n",
    "[]b\n",
    "{a: 1} {b: 2}\n---\nc: 3\n",
    "a: &x [1, *x]\n",
    "a: *nope\n",
    "a: &x 1\n---\nb: *x\n",
    "a: &x 1\nb: &x 2\nc: *x\n",
    "<<: &x {a: 1}\nb: {<<: *x, a: 2}\n",
    "<<: 1\n<<: 2\n",
    "1: a\n'1': b\n",
    "1: a\n1.0: b\n",
    "null: a\n'': b\n",
    "true: a\n'true': b\n",
    ".inf: a\n.Inf: b\n",
    ".nan: a\n.NaN: b\n",
    "~: a\nnull: b\n",
    "a: \u{0}\n",
    "a\u{1}b: \"x\u{7f}\"\n",
    "# \u{8}\n\u{9f}: \u{fffe}\u{ffff}\n",
    "a: x\ry\n",
    "a\r\nb\r\n",
    "a: \"x\ry\"\n",
    "a: \u{85}\u{2028}\u{2029}\n",
    "tags: [\n  a\n]\n",
    "a:\n  - {\n    b: 1\n  }\n",
    "a:\t1\n",
    "a: 1\t# x\n",
    "a: b: c\n",
    "a: - b\n",
    "- a\nb: 1\n",
    "a: 1\n- b\n",
    " a: 1\nb: 2\n",
    "a: |\n x\n  y\n z\n",
    "a: |2\n   x\n",
    "a: |1\nb: 1\n",
    "a: |0\n x\n",
    "a: >\n x\n\n y\n",
    "a: |x\n y\n",
    "a: | y\n",
    "a: \"\\q\"\n",
    "a: \"\\x4\"\n",
    "a: \"\\u12\"\n",
    "a: @b\n",
    "a: `b\n",
    "a: %b\n",
    "%TAG !e! tag:acme.example,2024:\n---\na: !e!x 1\n",
    "a: !e!x 1\n",
    "a: !!int 0x1F\n",
    "a: !!int x\n",
    "a: !!float .5\n",
    "a: !!null x\n",
    "a: !!str\n",
    "a: ! 5\n",
    "a: !!bool True\n",
];

#[test]
fn generated_texts_are_read_as_npm_yaml_reads_them() {
    let Some(oracle) = Oracle::find() else { return };
    let mut generator = Generator::new(seed());
    let texts: Vec<String> = (0..cases()).map(|_| generator.stream()).collect();
    let (differences, refused) = compare(&oracle, &texts);
    assert!(refused * 3 < texts.len(), "{refused} of {} texts are refused: the test proves little", texts.len());
    let shown = differences.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "seed {}: {} of {} differ:\n{shown}", seed(), differences.len(), texts.len());
}

/// The parsers notice damage at different places and recover from it differently; what is read, is read alike.
#[test]
fn damaged_texts_are_mostly_refused_alike() {
    let Some(oracle) = Oracle::find() else { return };
    let mut generator = Generator::new(seed());
    let texts: Vec<String> = (0..cases()).map(|_| generator.damaged()).collect();
    let (differences, refused) = compare(&oracle, &texts);
    assert!(refused * 4 > texts.len(), "only {refused} of {} texts are refused: little damage", texts.len());
    let shown = differences.iter().take(25).cloned().collect::<Vec<_>>().join("\n");
    assert!(
        differences.len() * 30 < texts.len(),
        "seed {}: {} of {} differ:\n{shown}",
        seed(),
        differences.len(),
        texts.len()
    );
}

#[test]
fn known_texts_differ_only_where_there_is_a_reason() {
    let Some(oracle) = Oracle::find() else { return };
    let alike: Vec<String> = ALIKE.iter().map(ToString::to_string).collect();
    let (differences, _) = compare(&oracle, &alike);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    let different: Vec<String> = DIFFERENT.iter().map(|(text, _)| (*text).to_owned()).collect();
    let (differences, _) = compare(&oracle, &different);
    assert_eq!(
        differences.len(),
        DIFFERENT.len(),
        "no longer different is what is not here:\n{}",
        differences.join("\n")
    );
}

fn seed() -> u64 {
    number("GREENROOM_YAML_SEED").unwrap_or(SEED)
}

fn cases() -> usize {
    number("GREENROOM_YAML_CASES").and_then(|cases| usize::try_from(cases).ok()).unwrap_or(CASES)
}

fn number(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}

/// What is read differently, shown, and how many texts npm `yaml` refuses at least in part.
fn compare(oracle: &Oracle, texts: &[String]) -> (Vec<String>, usize) {
    let mut differences = Vec::new();
    let mut refused = 0;
    for (text, theirs) in texts.iter().zip(oracle.answers(texts)) {
        let own: Vec<Option<Value>> =
            documents(text).into_iter().map(|read| read.ok().map(|read| read.value)).collect();
        let (own, theirs) = (without_nulls(own), without_nulls(theirs));
        refused += usize::from(theirs.contains(&None));
        let is_same = own.len() == theirs.len()
            && own.iter().zip(&theirs).all(|(own, theirs)| is_equal(own.as_ref(), theirs.as_ref()));
        if !is_same {
            differences.push(format!("{text:?}\n  npm  {theirs:?}\n  ours {own:?}"));
        }
    }
    (differences, refused)
}

fn without_nulls(documents: Vec<Option<Value>>) -> Vec<Option<Value>> {
    documents.into_iter().filter(|document| *document != Some(Value::Null)).collect()
}

fn is_equal(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => is_equal_value(left, right),
        (None, None) => true,
        _ => false,
    }
}

/// Numbers are compared as JavaScript has them.
fn is_equal_value(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_equal_value(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let is_there =
                |(key, value): (&String, &Value)| right.get(key).is_some_and(|right| is_equal_value(value, right));
            left.len() == right.len() && left.iter().all(is_there)
        }
        _ => left == right,
    }
}

/// npm `yaml`, run by node.
struct Oracle {
    modules: OsString,
}

impl Oracle {
    fn find() -> Option<Self> {
        let modules = std::env::var_os("GREENROOM_NODE_MODULES");
        if modules.is_none() {
            println!("skipped: GREENROOM_NODE_MODULES names no folder with the npm package yaml");
        }
        Some(Self { modules: modules? })
    }

    /// For each text its documents: a value, or none for an error.
    fn answers(&self, texts: &[String]) -> Vec<Vec<Option<Value>>> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yaml/oracle.mjs");
        let mut node = Command::new("node")
            .arg(script)
            .arg(&self.modules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let mut input = node.stdin.take().expect("node has an input");
        let lines: String =
            texts.iter().enumerate().map(|(id, text)| json!({"id": id, "source": text}).to_string() + "\n").collect();
        let output = std::thread::scope(|scope| {
            scope.spawn(move || input.write_all(lines.as_bytes()).expect("node reads"));
            node.wait_with_output().expect("node ends")
        });
        assert!(output.status.success(), "node failed: is yaml in {}?", self.modules.display());
        let answers: Vec<Value> = String::from_utf8(output.stdout)
            .expect("UTF-8")
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(answers.len(), texts.len());
        let documents = |answer: &Value| {
            answer["documents"]
                .as_array()
                .expect("documents")
                .iter()
                .map(|document| document.get("value").cloned())
                .collect()
        };
        answers.iter().map(documents).collect()
    }
}
