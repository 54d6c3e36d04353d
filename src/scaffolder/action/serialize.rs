//! `roadiehq:utils:serialize:json`, `roadiehq:utils:serialize:yaml`: values become texts.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{
    Action, ActionContext, ActionDescription, ActionError, Example, Outputs, json_text, outputs, text, texts,
    yaml_style,
};
use crate::yaml::{self, Remarks};

/// The two actions.
pub(super) fn actions() -> Vec<Arc<dyn Action>> {
    vec![Arc::new(Json), Arc::new(Yaml)]
}

fn output() -> Value {
    json!({"type": "object", "properties": {
        "serialized": {"type": "string", "description": "Output result from serialization"},
    }})
}

fn data() -> Value {
    json!({"type": "object", "description": "Input data to perform serialization on."})
}

fn replacer() -> Value {
    json!({"type": "array", "items": {"type": "string"}, "description": "Replacer array"})
}

/// `JSON.stringify` with a list of keys, an empty one counting as none.
pub(super) fn stringify(value: &Value, input: &Outputs) -> Result<String, ActionError> {
    let names = texts(input, "replacer");
    let space = text(input, "space").unwrap_or_default();
    if names.is_empty() {
        json_text::stringify(value, space)
    } else {
        json_text::stringify(&json_text::only(value, &names), space)
    }
}

struct Json;

impl Action for Json {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "roadiehq:utils:serialize:json",
            description: "Allows performing serialization on an object",
            input: json!({
                "type": "object", "required": ["data"], "additionalProperties": false,
                "properties": {
                    "data": data(),
                    "replacer": replacer(),
                    "space": {"type": "string", "description": "Space character"},
                },
            }),
            output: Some(output()),
            examples: vec![Example {
                description: "Writes a value as JSON.",
                example: "steps:\n  - id: serialize\n    action: roadiehq:utils:serialize:json\n    input:\n      data:\n        name: ${{ parameters.name }}\n      space: '  '\n",
            }],
        }
    }

    fn run<'a>(&'a self, _: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let data = input.get("data").unwrap_or(&Value::Null);
            Ok(outputs([("serialized", json!(stringify(data, &input)?))]))
        })
    }
}

struct Yaml;

impl Action for Yaml {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "roadiehq:utils:serialize:yaml",
            description: "Allows performing serialization on an object",
            input: json!({
                "type": "object", "required": ["data"], "additionalProperties": false,
                "properties": {"data": data(), "replacer": replacer(), "options": yaml_style::schema()},
            }),
            output: Some(output()),
            examples: vec![Example {
                description: "Writes a value as YAML.",
                example: "steps:\n  - id: serialize\n    action: roadiehq:utils:serialize:yaml\n    input:\n      data:\n        name: ${{ parameters.name }}\n      options:\n        indent: 4\n",
            }],
        }
    }

    fn run<'a>(&'a self, _: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            // The original has `replacer` in its schema and does not look at it.
            let data = input.get("data").unwrap_or(&Value::Null);
            let written = yaml::write(data, &yaml_style::of(&input), &Remarks::default());
            Ok(outputs([("serialized", json!(written))]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::*;

    #[tokio::test]
    async fn values_become_texts() {
        let cases: [(&dyn Action, Value, &str); 6] = [
            (&Json, json!({"data": {"b": 1, "a": [2]}}), "{\"b\":1,\"a\":[2]}"),
            (
                &Json,
                json!({"data": {"b": 1, "a": [2]}, "space": "\t", "replacer": []}),
                "{\n\t\"b\": 1,\n\t\"a\": [\n\t\t2\n\t]\n}",
            ),
            (
                &Json,
                json!({"data": {"b": 1, "a": {"b": 2, "c": 3}}, "replacer": ["a", "b"]}),
                "{\"a\":{\"b\":2},\"b\":1}",
            ),
            (&Yaml, json!({"data": {"b": 1, "a": ["x: y"]}}), "b: 1\na:\n  - \"x: y\"\n"),
            (
                &Yaml,
                json!({"data": {"a": ["x: y"]}, "options": {"indentSeq": false, "singleQuote": true}}),
                "a:\n- 'x: y'\n",
            ),
            (
                &Yaml,
                json!({"data": {"a": {"b": null}}, "replacer": ["b"], "options": {"indent": 4, "nullStr": "~"}}),
                "a:\n    b: ~\n",
            ),
        ];
        for (action, input, expected) in cases {
            let answer = Bench::with(&[]).run(action, input.clone()).await.unwrap();
            assert_eq!(answer, outputs([("serialized", json!(expected))]), "{input}");
        }
    }
}
