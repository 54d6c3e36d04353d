//! `debug:log`, `debug:wait`, `roadiehq:utils:sleep`.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Outputs, text,
};

/// The longest wait.
const LONGEST: Duration = Duration::from_mins(10);

/// The three actions.
pub(super) fn actions() -> Vec<Arc<dyn Action>> {
    vec![Arc::new(Log), Arc::new(Wait), Arc::new(Sleep)]
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
            pause(ctx, wait).await
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move { Ok(inspection(ctx, duration(input)?)) })
    }
}

/// Counts as an outside action, so that a plan does not wait.
struct Sleep;

impl Action for Sleep {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "roadiehq:utils:sleep",
            description: "Halts the scaffolding for the given amount of seconds",
            input: json!({
                "type": "object", "required": ["amount"], "additionalProperties": false,
                "properties": {"amount": {"type": "number", "description": "How much seconds should this step take."}},
            }),
            output: None,
            examples: vec![Example {
                description: "Sleeps for five seconds.",
                example: "steps:\n  - id: sleep\n    action: roadiehq:utils:sleep\n    input:\n      amount: 5\n",
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
            let sleep = amount(&input)?;
            ctx.log.info(format!("Waiting {} seconds", sleep.as_secs_f64()));
            pause(ctx, sleep).await
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move { Ok(inspection(ctx, amount(input)?)) })
    }
}

/// Waits, or until the run is cancelled, which the run itself says. A server that stops ends it, and the next one waits for
/// the rest.
async fn pause(ctx: &ActionContext, wait: Duration) -> Result<Outputs, ActionError> {
    // An earlier attempt may have waited for a part of it.
    let until = ctx.deadline(wait).await?;
    let rest = (until - Utc::now()).to_std().unwrap_or_default();
    tokio::select! {
        () = tokio::time::sleep(rest) => Ok(Outputs::new()),
        () = ctx.cancelled.cancelled() => Ok(Outputs::new()),
        () = ctx.stopping.cancelled() => Err(ActionError::interrupted()),
    }
}

fn inspection(ctx: &ActionContext, wait: Duration) -> Inspection {
    let sentence = format!("wait for {} seconds", wait.as_secs_f64());
    Inspection { effects: vec![ctx.effect(EffectKind::Other, sentence, None)], ..Inspection::default() }
}

fn amount(input: &Outputs) -> Result<Duration, ActionError> {
    bounded(input.get("amount").and_then(Value::as_f64).unwrap_or(0.0))
}

fn duration(input: &Outputs) -> Result<Duration, ActionError> {
    let number = |key: &str| input.get(key).and_then(Value::as_f64).unwrap_or(0.0);
    bounded(number("minutes") * 60.0 + number("seconds") + number("milliseconds") / 1000.0)
}

fn bounded(seconds: f64) -> Result<Duration, ActionError> {
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        _ => Err(ActionError::input(format!(
            "waits between 0 seconds and {} minutes are possible, not {seconds} seconds",
            LONGEST.as_secs() / 60
        ))),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::super::testing::Bench;
    use super::*;

    #[tokio::test]
    async fn a_sleep_lasts_until_the_run_is_cancelled() {
        let mut bench = Bench::with(&[]);
        assert!(bench.run(&Sleep, json!({"amount": 600})).now_or_never().is_none());
        bench.context.cancelled.cancel();
        assert!(bench.run(&Sleep, json!({"amount": 600})).now_or_never().is_some());
        assert_eq!(bench.said(), ["Waiting 600 seconds", "Waiting 600 seconds"]);
    }

    #[tokio::test]
    async fn a_sleep_has_a_limit_and_is_told_by_a_plan() {
        for amount in [-1.0, 600.1, 1e300] {
            let error = Bench::with(&[]).run(&Sleep, json!({"amount": amount})).await.unwrap_err();
            assert!(error.message.starts_with("waits between 0 seconds and 10 minutes are possible"), "{error}");
        }
        let told = Bench::with(&[]).inspect(&Sleep, json!({"amount": 5})).await.unwrap();
        assert_eq!(told.effects[0].sentence, "wait for 5 seconds");
    }
}
