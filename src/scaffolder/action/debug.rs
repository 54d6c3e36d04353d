//! `debug:log` and `debug:wait`.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Outputs, text,
};

/// The longest wait.
const LONGEST: Duration = Duration::from_mins(10);

/// The two actions.
pub(super) fn actions() -> Vec<Arc<dyn Action>> {
    vec![Arc::new(Log), Arc::new(Wait)]
}

struct Log;

impl Action for Log {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "debug:log",
            description: "Writes a message into the log and/or lists all files in the workspace.",
            input: json!({
                "type": "object", "additionalProperties": false,
                "properties": {
                    "message": {"type": "string", "description": "Message to output."},
                    "listWorkspace": {
                        "anyOf": [{"type": "boolean"}, {"type": "string", "enum": ["with-filenames", "with-contents"]}],
                        "description": "List all files in the workspace. If used with \"with-contents\", also the file contents are listed.",
                    },
                },
            }),
            output: None,
            examples: vec![Example {
                description: "Writes a message.",
                example: "steps:\n  - id: log\n    action: debug:log\n    input:\n      message: Hello ${{ parameters.name }}\n      listWorkspace: true\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            ctx.log.info(format!("{:#}", Value::Object(input.clone())));
            if let Some(message) = text(&input, "message").filter(|message| !message.is_empty()) {
                ctx.log.info(message);
            }
            let list = input.get("listWorkspace").unwrap_or(&Value::Null);
            if !matches!(list, Value::Null | Value::Bool(false)) {
                let with_contents = list == "with-contents";
                let files = ctx.workspace.files().map(|(path, file)| {
                    if with_contents {
                        format!("  - {path}:\n\n  {}", String::from_utf8_lossy(&file.bytes))
                    } else {
                        format!("  - {path}")
                    }
                });
                ctx.log.info(format!("Workspace:\n{}", files.collect::<Vec<_>>().join("\n")));
            }
            Ok(Outputs::new())
        })
    }
}

/// Counts as an outside action, so that a plan does not wait.
struct Wait;

impl Action for Wait {
    fn description(&self) -> ActionDescription {
        let number = |unit: &str| json!({"type": "number", "description": format!("Waiting period in {unit}.")});
        ActionDescription {
            id: "debug:wait",
            description: "Waits for a certain period of time.",
            input: json!({
                "type": "object", "additionalProperties": false,
                "properties": {"minutes": number("minutes"), "seconds": number("seconds"), "milliseconds": number("milliseconds")},
            }),
            output: None,
            examples: vec![Example {
                description: "Waits for five seconds.",
                example: "steps:\n  - id: wait\n    action: debug:wait\n    input:\n      seconds: 5\n",
            }],
        }
    }

    fn effect(&self) -> EffectClass {
        EffectClass::Outside
    }

    fn adopts(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let wait = duration(&input)?;
            ctx.log.info(format!("Waiting for {} seconds", wait.as_secs_f64()));
            // An earlier attempt may have waited for a part of it.
            let noted = ctx.noted("until").await?.and_then(|noted| serde_json::from_value(noted).ok());
            let until: DateTime<Utc> = match noted {
                Some(until) => until,
                None => {
                    let until = Utc::now() + wait;
                    ctx.note("until", json!(until)).await?;
                    until
                }
            };
            let rest = (until - Utc::now()).to_std().unwrap_or_default();
            // The run itself says that it was cancelled.
            tokio::select! {
                () = tokio::time::sleep(rest) => Ok(Outputs::new()),
                () = ctx.cancelled.cancelled() => Ok(Outputs::new()),
                () = ctx.stopping.cancelled() => Err(ActionError::interrupted()),
            }
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move {
            let sentence = format!("wait for {} seconds", duration(input)?.as_secs_f64());
            Ok(Inspection { effects: vec![ctx.effect(EffectKind::Other, sentence, None)], ..Inspection::default() })
        })
    }
}

fn duration(input: &Outputs) -> Result<Duration, ActionError> {
    let number = |key: &str| input.get(key).and_then(Value::as_f64).unwrap_or(0.0);
    let seconds = number("minutes") * 60.0 + number("seconds") + number("milliseconds") / 1000.0;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        _ => Err(ActionError::input(format!(
            "waits between 0 seconds and {} minutes are possible, not {seconds} seconds",
            LONGEST.as_secs() / 60
        ))),
    }
}
