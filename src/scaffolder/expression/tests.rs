//! Proof that templates render as Backstage renders them.

mod differential;
mod engine;
mod generator;
mod limits;

use serde_json::{Map, Value, json};

use super::{Engine, Syntax, is_truthy_condition};

fn context() -> Map<String, Value> {
    cases()["context"].as_object().expect("the cases have a context").clone()
}

fn cases() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/expression/cases.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the cases are there")).expect("the cases are JSON")
}

#[test]
fn the_table_of_cases_renders_as_expected() {
    let all = cases();
    let context = context();
    let mut wrong = Vec::new();
    for case in all["cases"].as_array().expect("a list of cases") {
        let syntax = Syntax {
            cookiecutter: case["cookiecutter"] == true,
            trim_blocks: case["trim"] == true,
            lstrip_blocks: case["trim"] == true,
        };
        let source = case["source"].as_str().expect("a source");
        let result = Engine::new(syntax).render(source, &context);
        let is_right = match (&result, &case["expected"]) {
            (Ok(text), Value::String(expected)) => text == expected,
            (Err(_), Value::Null) => case["error"] == true,
            _ => false,
        };
        if !is_right {
            wrong.push(format!("{}: {source:?} gives {result:?}, not {}", case["name"], case["expected"]));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_sole_output_keeps_its_type() {
    let check = |source: &str, expected: Option<Value>| {
        assert_eq!(Engine::new(Syntax::backstage()).evaluate(source, &context()), Ok(expected), "{source}");
    };
    check("${{ n }}", Some(json!(3)));
    check("${{ users[0] }}", Some(json!({"n": "Al", "age": 30, "g": "x"})));
    check("{# note #}${{ empty }}", Some(json!([])));
    check("${{ missing }}", None);
    check("${{ nul }}", Some(Value::Null));
    check("${{ n }} ", Some(json!("3 ")));
    check("plain", Some(json!("plain")));
    check("", Some(json!("")));
    check("${{ 'a' if fa }}", Some(json!("")));
    check("{% if t %}${{ n }}{% endif %}", Some(json!("3")));
}

#[test]
fn conditions_of_steps_hold_as_in_backstage() {
    for value in [None, Some(json!(null)), Some(json!(false)), Some(json!("")), Some(json!(0)), Some(json!([]))] {
        assert!(!is_truthy_condition(value.as_ref()), "{value:?}");
    }
    for value in [json!(true), json!("false"), json!(-1), json!([0]), json!({})] {
        assert!(is_truthy_condition(Some(&value)), "{value:?}");
    }
}
