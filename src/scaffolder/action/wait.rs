//! Waits that outlive servers: `wait:approval` for a person, `wait:until` for a condition.
//!
//! A wait for a person, and a long one for a condition, keeps no worker: the run is let go, and taken up again when there
//! is something to see.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::super::approval::{DECISION, Decision, REQUEST, Request};
use super::super::log::EventKind;
use super::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Outputs, flag,
    outputs, text, texts,
};
use crate::entity::{EntityRef, RefDefaults};

/// From this interval on, no worker is kept between two looks.
const LET_GO_FROM: Duration = Duration::from_secs(30);
/// How often is looked, and how long, where a template does not say.
const INTERVAL: f64 = 10.0;
const TIMEOUT_MINUTES: f64 = 60.0;
/// Thirty days.
const LONGEST_MINUTES: f64 = 30.0 * 24.0 * 60.0;

/// The actions.
pub(super) fn actions() -> Vec<Arc<dyn Action>> {
    vec![Arc::new(AskApproval), Arc::new(WaitUntil)]
}

struct AskApproval;

fn request(input: &Outputs) -> Result<Request, ActionError> {
    let mut approvers = Vec::new();
    for name in texts(input, "approvers") {
        let reference = EntityRef::parse(&name, RefDefaults { kind: Some("group"), namespace: Some("default") });
        approvers.push(reference.map_err(|error| ActionError::input(format!("approvers: {error}")))?);
    }
    if approvers.is_empty() {
        return Err(ActionError::input("`approvers` is empty; name a group or a user"));
    }
    let message = text(input, "message").unwrap_or_default().trim().to_owned();
    Ok(Request { message, approvers, allow_self: flag(input, "allowSelf") })
}

fn named(request: &Request) -> String {
    request.approvers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Action for AskApproval {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "wait:approval",
            description: "Waits until one of the approvers lets the run go on, or stops it, on the run's page.",
            input: json!({"type": "object", "required": ["message", "approvers"], "additionalProperties": false, "properties": {
                "message": {"type": "string", "description": "What is asked"},
                "approvers": {"type": "array", "items": {"type": "string"}, "minItems": 1, "description": "Entity references of users, and of groups whose members may decide"},
                "allowSelf": {"type": "boolean", "description": "Whether who started the run may decide, if among the approvers. The default value is false"},
            }}),
            output: Some(json!({"type": "object", "properties": {
                "approvedBy": {"type": "string", "description": "The entity reference of who approved"},
                "comment": {"type": "string", "description": "What they said to it"},
            }})),
            examples: vec![Example {
                description: "Asks the platform team.",
                example: "steps:\n  - id: ask\n    action: wait:approval\n    input:\n      message: May ${{ parameters.name }} be created?\n      approvers: [group:default/platform]\n",
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
            let request = request(&input)?;
            let decided = ctx.noted(DECISION).await?.map(serde_json::from_value::<Decision>).transpose();
            match decided.map_err(|error| ActionError::failed(format!("the decision cannot be read: {error}")))? {
                Some(decision) if decision.approved => {
                    Ok(outputs([("approvedBy", json!(decision.by)), ("comment", json!(decision.comment))]))
                }
                Some(decision) => {
                    Err(ActionError { name: "NotAllowedError", message: format!("rejected by {}", decision.told()) })
                }
                None => {
                    if ctx.noted(REQUEST).await?.is_none() {
                        ctx.note(REQUEST, json!(request)).await?;
                        let message = format!("Waiting for {} to decide: {}", named(&request), request.message);
                        // Told to pages that are open: there is something to do on them now.
                        ctx.log.event(EventKind::Log, &message, [("waiting", json!(true))]);
                    }
                    ctx.wake_at = None;
                    Err(ActionError::waiting())
                }
            }
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move {
            let request = request(input)?;
            let sentence = format!("wait for {} to approve: {}", named(&request), request.message);
            let effects = vec![ctx.effect(EffectKind::Other, sentence, None)];
            Ok(Inspection { effects, outputs: outputs([("comment", json!(""))]), warnings: Vec::new() })
        })
    }
}

struct WaitUntil;

/// A step's input, understood.
struct Awaited {
    action: String,
    input: Map<String, Value>,
    condition: String,
    interval: Duration,
    timeout: Duration,
}

impl Awaited {
    fn of(input: &Outputs) -> Result<Self, ActionError> {
        let number = |key: &str, default: f64, least: f64, most: f64| {
            let value = input.get(key).and_then(Value::as_f64).unwrap_or(default);
            if (least..=most).contains(&value) {
                return Ok(value);
            }
            Err(ActionError::input(format!("`{key}` is {value}; between {least} and {most} is possible")))
        };
        let condition = text(input, "condition").unwrap_or_default().trim().to_owned();
        if condition.is_empty() {
            return Err(ActionError::input("`condition` is empty; say what to wait for, as in `result.entity`"));
        }
        Ok(Self {
            action: text(input, "action").unwrap_or_default().to_owned(),
            input: input.get("input").and_then(Value::as_object).cloned().unwrap_or_default(),
            condition,
            interval: Duration::from_secs_f64(number("interval", INTERVAL, 1.0, 24.0 * 60.0 * 60.0)?),
            timeout: Duration::from_secs_f64(number("timeout", TIMEOUT_MINUTES, 0.01, LONGEST_MINUTES)? * 60.0),
        })
    }

    /// Looks once.
    async fn holds(&self, ctx: &mut ActionContext) -> Result<Option<Outputs>, ActionError> {
        let missing = || ActionError::input(format!("`action`: there is no action {}", self.action));
        let registered = Arc::clone(ctx.actions.get(&self.action).ok_or_else(missing)?);
        let is_request = self.action == "http:backstage:request" && text(&self.input, "method") == Some("GET");
        if registered.action.effect() == EffectClass::Outside && !is_request {
            return Err(ActionError::input(format!(
                "`action`: {} changes things, so it cannot be repeated until a condition holds; use one that only reads",
                self.action
            )));
        }
        registered.check(&self.action, &self.input)?;
        let result = registered.action.run(ctx, self.input.clone()).await?;
        let context = Map::from_iter([("result".to_owned(), Value::Object(result.clone()))]);
        let source = format!("${{{{ true if ({}) else false }}}}", self.condition);
        let held = ctx.engines.values().evaluate(&source, &context);
        let held = held.map_err(|error| ActionError::input(format!("`condition`: {error}")))?;
        Ok((held == Some(Value::Bool(true))).then_some(result))
    }
}

impl Action for WaitUntil {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "wait:until",
            description: "Repeats an action that only reads until a condition over its result holds.",
            input: json!({"type": "object", "required": ["action", "condition"], "additionalProperties": false, "properties": {
                "action": {"type": "string", "description": "The action to repeat: one that only reads, or http:backstage:request with the method GET"},
                "input": {"type": "object", "description": "The input of the action"},
                "condition": {"type": "string", "description": "An expression without ${{ }} over `result`, the output of the action"},
                "interval": {"type": "number", "description": "Seconds between two looks. The default value is 10"},
                "timeout": {"type": "number", "description": "Minutes after which the step fails. The default value is 60"},
            }}),
            output: Some(json!({"type": "object", "properties": {
                "result": {"type": "object", "description": "The output of the action when the condition held"},
            }})),
            examples: vec![Example {
                description: "Waits until an entity is in the catalog.",
                example: "steps:\n  - id: wait\n    action: wait:until\n    input:\n      action: catalog:fetch\n      input:\n        entityRef: component:default/payments-api\n        optional: true\n      condition: result.entity\n      interval: 5\n",
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
            let awaited = Awaited::of(&input)?;
            let until = ctx.deadline(awaited.timeout).await?;
            ctx.log.info(format!("Waiting until {}", awaited.condition));
            loop {
                if let Some(result) = awaited.holds(ctx).await? {
                    return Ok(outputs([("result", Value::Object(result))]));
                }
                let now = Utc::now();
                if now >= until {
                    let minutes = awaited.timeout.as_secs_f64() / 60.0;
                    let unit = if awaited.timeout == Duration::from_mins(1) { "minute" } else { "minutes" };
                    let message = format!("`{}` did not hold within {minutes} {unit}", awaited.condition);
                    return Err(ActionError { name: "TimeoutError", message });
                }
                // The last look is at the end of the time.
                let next = (now + awaited.interval).min(until);
                let pause = (next - now).to_std().unwrap_or_default();
                if pause >= LET_GO_FROM {
                    ctx.wake_at = Some(next);
                    return Err(ActionError::waiting());
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = ctx.cancelled.cancelled() => return Ok(Outputs::new()),
                    () = ctx.stopping.cancelled() => return Err(ActionError::interrupted()),
                }
            }
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move {
            let awaited = Awaited::of(input)?;
            let sentence = format!("wait until {} (of {})", awaited.condition, awaited.action);
            let effects = vec![ctx.effect(EffectKind::Other, sentence, None)];
            Ok(Inspection { effects, outputs: outputs([("result", json!({}))]), warnings: Vec::new() })
        })
    }
}
