//! `roadiehq:utils:jsonata`, `roadiehq:utils:jsonata:yaml:transform`, `roadiehq:utils:jsonata:json:transform`.
//!
//! An expression has limits on time, steps, depth and size. Its clock is the moment that the run was asked for and its
//! random numbers come from the run's id, so that a plan and every attempt give the same.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jlens_core::{Bindings, CancelToken, Expression, Options};
use serde_json::{Value, json};

use super::serialize::stringify;
use super::skeleton::blocking;
use super::{
    Action, ActionContext, ActionDescription, ActionError, Example, Outputs, flag, outputs, text, text_file, yaml_style,
};
use crate::yaml::{self, Remarks};

/// How long one expression may take: a safety net under the count of steps, which is the same on every machine.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Nodes evaluated and functions called by one expression.
const MAX_STEPS: u64 = 5_000_000;
/// Evaluations inside each other.
const MAX_DEPTH: usize = 1_000;
/// Items of one list.
const MAX_ITEMS: usize = 1_000_000;

/// The three actions.
pub(super) fn actions() -> Vec<Arc<dyn Action>> {
    vec![Arc::new(Transform), Arc::new(TransformYaml), Arc::new(TransformJson)]
}

/// What an expression makes of a value; none is undefined.
async fn evaluate(ctx: &ActionContext, data: Value, input: &Outputs) -> Result<Option<Value>, ActionError> {
    let source = text(input, "expression").unwrap_or_default().to_owned();
    let (seed, _) = ctx.task.as_u64_pair();
    let stop = CancelToken::new();
    let options = Options::new()
        .timeout(TIMEOUT)
        .max_steps(MAX_STEPS)
        .max_depth(MAX_DEPTH)
        .max_array_length(MAX_ITEMS)
        .max_string_length(text_file::LONGEST)
        .max_result_size(text_file::LONGEST)
        .now(ctx.created_at.timestamp_millis())
        .seed(seed)
        .cancel_token(stop.clone());
    // Whoever waits no longer also stops the work.
    let _stops = StopOnDrop(stop.clone());
    let work = blocking(move || {
        let expression = Expression::compile(&source)?;
        expression.evaluate_with(Some(&data), &Bindings::new(), &options)
    });
    let result = tokio::select! {
        result = work => result?,
        () = ctx.cancelled.cancelled() => {
            stop.cancel();
            return Err(ActionError::failed("the run was cancelled"));
        }
    };
    result.map_err(|error| {
        let place = error.position().map_or(String::new(), |at| format!(" (at character {at})"));
        ActionError::failed(format!("JSONata failed to evaluate the expression: {}{place}", error.message()))
    })
}

struct StopOnDrop(CancelToken);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn result(value: Option<Value>) -> Outputs {
    value.map(|value| outputs([("result", value)])).unwrap_or_default()
}

fn expression() -> Value {
    json!({"type": "string", "description": "JSONata expression to perform on the input"})
}

/// Which form the result has.
fn form() -> Value {
    json!({"type": "string", "enum": ["string", "object"], "default": "string", "description": "Desired Result Type. Permitted values are: \"string\" (default) and \"object\""})
}

fn output() -> Value {
    json!({"type": "object", "properties": {"result": {"description": "Output result from JSONata"}}})
}

struct Transform;

impl Action for Transform {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "roadiehq:utils:jsonata",
            description: "Allows performing JSONata operations and transformations on input objects and produces the output result as a step output.",
            input: json!({
                "type": "object", "required": ["data", "expression"], "additionalProperties": false,
                "properties": {"data": {"description": "Input data to be transformed"}, "expression": expression()},
            }),
            output: Some(output()),
            examples: vec![Example {
                description: "Picks what is needed of a value.",
                example: "steps:\n  - id: pick\n    action: roadiehq:utils:jsonata\n    input:\n      data:\n        services:\n          - name: payments\n            port: 8080\n      expression: >-\n        services.{ 'name': name, 'url': 'http://' & name & ':' & port }\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let data = input.get("data").cloned().unwrap_or_default();
            Ok(result(evaluate(ctx, data, &input).await?))
        })
    }
}

struct TransformYaml;

impl Action for TransformYaml {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "roadiehq:utils:jsonata:yaml:transform",
            description: "Allows performing JSONata operations and transformations on a YAML file in the workspace. The result can be read from the `result` step output.",
            input: json!({
                "type": "object", "required": ["path", "expression"], "additionalProperties": false,
                "properties": {
                    "path": {"type": "string", "description": "Input path to read yaml file"},
                    "expression": expression(),
                    "options": yaml_style::schema(),
                    "loadAll": {"type": "boolean", "description": "Use this if the yaml source file contains multiple yaml objects"},
                    "as": form(),
                },
            }),
            output: Some(output()),
            examples: vec![Example {
                description: "Adds an entry to a list in a file.",
                example: "steps:\n  - id: add\n    action: roadiehq:utils:jsonata:yaml:transform\n    input:\n      path: mkdocs.yaml\n      expression: $merge([$, {'plugins':$append(plugins, ['techdocs-core'])}])\n  - id: write\n    action: roadiehq:utils:fs:write\n    input:\n      path: mkdocs.yaml\n      content: ${{ steps.add.output.result }}\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let path = text(&input, "path").unwrap_or_default();
            let source = text_file::read(ctx, path)?;
            let data = if flag(&input, "loadAll") {
                text_file::parse_yaml(path, &source)?.into_iter().map(|document| document.value).collect()
            } else {
                text_file::parse_one_yaml(path, &source)?
            };
            let made = evaluate(ctx, data, &input).await?;
            if text(&input, "as") == Some("object") {
                return Ok(result(made));
            }
            let write = |value: Value| json!(yaml::write(&value, &yaml_style::of(&input), &Remarks::default()));
            Ok(result(made.map(write)))
        })
    }
}

struct TransformJson;

impl Action for TransformJson {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "roadiehq:utils:jsonata:json:transform",
            description: "Allows performing JSONata operations and transformations on a JSON file in the workspace. The result can be read from the `result` step output.",
            input: json!({
                "type": "object", "required": ["path", "expression"], "additionalProperties": false,
                "properties": {
                    "path": {"type": "string", "description": "Input path to read json file"},
                    "expression": expression(),
                    "replacer": {"type": "array", "items": {"type": "string"}, "description": "Replacer array"},
                    "space": {"type": "string", "description": "Space character"},
                    "as": form(),
                },
            }),
            output: Some(output()),
            examples: vec![Example {
                description: "Reads a list of names from a file.",
                example: "steps:\n  - id: names\n    action: roadiehq:utils:jsonata:json:transform\n    input:\n      path: package.json\n      expression: $keys(dependencies)\n      as: object\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let path = text(&input, "path").unwrap_or_default();
            let data = text_file::parse_json(path, &text_file::read(ctx, path)?)?;
            let made = evaluate(ctx, data, &input).await?;
            if text(&input, "as") == Some("object") {
                return Ok(result(made));
            }
            Ok(result(made.map(|value| stringify(&value, &input)).transpose()?.map(Value::String)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::*;

    async fn made(data: Value, expression: &str) -> Result<Option<Value>, ActionError> {
        let answer = Bench::with(&[]).run(&Transform, json!({"data": data, "expression": expression})).await?;
        Ok(answer.get("result").cloned())
    }

    #[tokio::test]
    async fn expressions_are_evaluated() {
        let order = json!({"items": [{"p": 2, "n": 3, "tag": "a"}, {"p": 5, "n": 1, "tag": "b"}]});
        let cases = [
            ("$sum(items.(p * n))", Some(json!(11))),
            ("items[p > 3].tag", Some(json!("b"))),
            ("items.{tag: p}", Some(json!([{"a": 2}, {"b": 5}]))),
            ("items{tag: n}", Some(json!({"a": 3, "b": 1}))),
            ("$map(items, function($i) { $uppercase($i.tag) })", Some(json!(["A", "B"]))),
            ("$merge([$, {\"x\": $append(items.p, [9])}]).x", Some(json!([2, 5, 9]))),
            (
                "$ ~> |items|{\"p\": 0}|",
                Some(json!({"items": [{"p": 0, "n": 3, "tag": "a"}, {"p": 0, "n": 1, "tag": "b"}]})),
            ),
            ("$replace('a-b', /[a-z]/, 'x')", Some(json!("x-x"))),
            ("items^(>p)[0].tag", Some(json!("b"))),
            ("missing.path", None),
        ];
        for (expression, expected) in cases {
            assert_eq!(made(order.clone(), expression).await.unwrap(), expected, "{expression}");
        }
    }

    #[tokio::test]
    async fn a_hostile_expression_ends_with_an_error() {
        let cases = [
            "($f := function($n) { $f($n + 1) + 1 }; $f(0))",
            "($f := function($n) { $f($n + 1) }; $f(0))",
            "$reduce([1..1000000], function($a, $i) { $a & 'xxxxxxxxxxxxxxxxxxxxxxxx' }, 'x')",
            "[1..10000000000]",
            "$match('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', /^(a+)+$/)",
            "$sum(",
            "$unknown(1)",
        ];
        for expression in cases {
            let error = made(json!({}), expression).await.unwrap_err();
            assert!(error.message.starts_with("JSONata failed to evaluate the expression: "), "{expression}: {error}");
        }
    }

    #[tokio::test]
    async fn a_plan_and_its_run_see_the_same_clock_and_numbers() {
        let once = made(json!({}), "[$now(), $random(), $shuffle([1..9])]").await.unwrap();
        let again = made(json!({}), "[$now(), $random(), $shuffle([1..9])]").await.unwrap();
        assert_eq!(once, again);
        assert_eq!(once.unwrap()[0], "1970-01-01T00:00:00.000Z");
    }

    #[tokio::test]
    async fn files_are_transformed_to_texts_or_values() {
        let mut bench = Bench::with(&[
            ("a.yaml", "a: [1, 2]\n"),
            ("b.yaml", "a: 1\n---\na: 2\n"),
            ("c.json", "{\"a\": [1], \"b\": 2}"),
        ]);
        let cases: [(&dyn Action, Value, Value); 6] = [
            (&TransformYaml, json!({"path": "a.yaml", "expression": "$"}), json!("a:\n  - 1\n  - 2\n")),
            (&TransformYaml, json!({"path": "a.yaml", "expression": "a", "as": "object"}), json!([1, 2])),
            (
                &TransformYaml,
                json!({"path": "b.yaml", "expression": "$sum(a)", "loadAll": true, "as": "object"}),
                json!(3),
            ),
            (&TransformJson, json!({"path": "c.json", "expression": "$"}), json!("{\"a\":[1],\"b\":2}")),
            (
                &TransformJson,
                json!({"path": "c.json", "expression": "$", "replacer": ["b"], "space": " "}),
                json!("{\n \"b\": 2\n}"),
            ),
            (&TransformJson, json!({"path": "c.json", "expression": "b", "as": "object"}), json!(2)),
        ];
        for (action, input, expected) in cases {
            assert_eq!(bench.run(action, input.clone()).await.unwrap(), outputs([("result", expected)]), "{input}");
        }
    }
}
