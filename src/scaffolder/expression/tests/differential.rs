//! The same templates through Nunjitsu, the engine of Backstage's scaffolder, and through ours.
//!
//! Runs when `GREENROOM_NODE_MODULES` names a folder with the npm package `nunjitsu`; `GREENROOM_EXPRESSION_CASES` and
//! `GREENROOM_EXPRESSION_SEED` make it search longer or elsewhere. Everything is generated from the seed.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::generator::{Generator, Request, context};
use crate::scaffolder::expression::{Engine, Syntax};

const CASES: u64 = 12_000;
const SEED: u64 = 20_261_122;

#[test]
fn generated_templates_render_as_nunjitsu_renders_them() {
    let Some(folder) = std::env::var_os("GREENROOM_NODE_MODULES") else {
        println!("skipped: GREENROOM_NODE_MODULES names no folder with the npm package nunjitsu");
        return;
    };
    let seed = number("GREENROOM_EXPRESSION_SEED").unwrap_or(SEED);
    let mut generator = Generator::new(seed);
    let requests: Vec<Request> =
        (0..number("GREENROOM_EXPRESSION_CASES").unwrap_or(CASES)).map(|_| generator.request()).collect();
    let answers = ask_oracle(&folder, &requests);
    let mut differences = Vec::new();
    let mut rendered = 0;
    for (request, answer) in requests.iter().zip(answers) {
        let expected = match answer.get("error") {
            Some(_) => Err(answer["error"].as_str().unwrap_or_default().to_owned()),
            None => Ok(answer.get("result").cloned()),
        };
        rendered += usize::from(expected.is_ok());
        let own = ours(request);
        let is_same = match (&expected, &own) {
            (Ok(expected), Ok(own)) => is_equal(expected.as_ref(), own.as_ref()),
            (Err(_), Err(_)) => true,
            _ => false,
        };
        if !is_same {
            differences.push(format!("{request:?}\n  nunjitsu {expected:?}\n  ours     {own:?}"));
        }
    }
    assert!(
        rendered * 3 > requests.len(),
        "only {rendered} of {} templates render: the test proves little",
        requests.len()
    );
    let shown = differences.iter().take(25).cloned().collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "seed {seed}: {} of {} differ:\n{shown}", differences.len(), requests.len());
}

fn number(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}

fn ours(request: &Request) -> Result<Option<Value>, String> {
    let syntax =
        Syntax { cookiecutter: request.cookiecutter, trim_blocks: request.trim, lstrip_blocks: request.lstrip };
    let engine = Engine::new(syntax);
    let result = if request.is_value {
        engine.evaluate(&request.source, context())
    } else {
        engine.render(&request.source, context()).map(|text| Some(Value::String(text)))
    };
    result.map_err(|error| error.to_string())
}

/// Numbers are compared as JavaScript has them; `serde_json` reads the last digit of an answer inexactly.
fn is_equal(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (Some(Value::Number(left)), Some(Value::Number(right))) => {
            let (left, right) = (left.as_f64().unwrap_or_default(), right.as_f64().unwrap_or_default());
            (left - right).abs() <= left.abs() * 1e-15
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_equal(Some(left), Some(right)))
        }
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            left.keys().eq(right.keys()) && left.iter().all(|(key, value)| is_equal(Some(value), right.get(key)))
        }
        _ => left == right,
    }
}

fn ask_oracle(folder: &OsString, requests: &[Request]) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/expression/oracle.mjs");
    let mut node = Command::new("node")
        .arg(script)
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs");
    let mut input = BufWriter::new(node.stdin.take().expect("node has an input"));
    let output = BufReader::new(node.stdout.take().expect("node has an output"));
    let answers = std::thread::scope(|scope| {
        scope.spawn(move || {
            for (id, request) in requests.iter().enumerate() {
                let mut line = json!({
                    "id": id,
                    "source": request.source,
                    "mode": if request.is_value { "value" } else { "render" },
                    "cookiecutter": request.cookiecutter,
                    "trim": request.trim,
                    "lstrip": request.lstrip,
                });
                if id == 0 {
                    line["context"] = Value::Object(context().clone());
                }
                writeln!(input, "{line}").expect("node reads");
            }
        });
        let parse = |line: std::io::Result<String>| serde_json::from_str(&line.expect("a line")).expect("JSON");
        output.lines().map(parse).collect::<Vec<Value>>()
    });
    assert!(node.wait().expect("node ends").success(), "node failed: is nunjitsu in {}?", folder.display());
    assert_eq!(answers.len(), requests.len());
    answers
}
