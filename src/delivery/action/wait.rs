//! `kubernetes:wait`: until an object is rolled out, has a condition, is there, or is gone.

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::super::Delivery;
use super::objects::refused;
use super::rounds::{self, Look};
use super::{place, schema, text};
use crate::cluster::{Cluster, ObjectId};
use crate::scaffolder::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Outputs,
};

/// Minutes that are waited where a template does not say.
const TIMEOUT: f64 = 10.0;

/// `kubernetes:wait`
pub(super) struct Wait(pub(super) Delivery);

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Rollout,
    Condition(String),
    Present,
    Gone,
}

impl Wanted {
    fn of(input: &Outputs) -> Self {
        match text(input, "for") {
            "" | "rollout" => Self::Rollout,
            "exists" => Self::Present,
            "deleted" => Self::Gone,
            condition => Self::Condition(condition.trim_start_matches("condition=").to_owned()),
        }
    }

    fn sentence(&self, id: &ObjectId) -> String {
        match self {
            Self::Rollout => format!("{id} is rolled out"),
            Self::Condition(condition) => format!("{id} is {condition}"),
            Self::Present => format!("{id} is there"),
            Self::Gone => format!("{id} is gone"),
        }
    }
}

impl Action for Wait {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "kubernetes:wait",
            description: "Waits until an object of a cluster is rolled out, has a condition, is there, or is gone.",
            input: schema(
                &["kind", "name"],
                json!({
                    "apiVersion": {"type": "string", "title": "API version", "description": "apps/v1 without it"},
                    "kind": {"type": "string", "title": "Kind"},
                    "name": {"type": "string", "title": "Name"},
                    "namespace": {"type": "string", "title": "Namespace"},
                    "for": {"type": "string", "title": "Wait for", "description": "rollout, exists, deleted, or the type of a condition", "default": "rollout"},
                    "timeout": {"type": "number", "title": "Minutes", "description": "After which the step fails. The default value is 10"},
                }),
            ),
            output: Some(
                json!({"type": "object", "properties": {"object": {"type": "object", "description": "As it was when it held"}}}),
            ),
            examples: vec![Example {
                description: "Until a deployment is rolled out",
                example: "steps:\n  - id: wait\n    action: kubernetes:wait\n    input:\n      environment: dev\n      kind: Deployment\n      name: payments-api\n      namespace: payments-dev\n",
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
            let (id, wanted) = (id_of(&input), Wanted::of(&input));
            let cluster = match place(&self.0, &input)? {
                Ok(cluster) => cluster,
                Err(why) => {
                    ctx.log.info(why);
                    return Ok(Outputs::new());
                }
            };
            let timeout = rounds::minutes(input.get("timeout").and_then(Value::as_f64), TIMEOUT)?;
            let missed = format!("{} was not so", wanted.sentence(&id));
            let found = rounds::until(ctx, timeout, &missed, || look(&cluster, &id, &wanted)).await?;
            Ok(Outputs::from_iter([("object".to_owned(), found.unwrap_or_default())]))
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move {
            let sentence = match place(&self.0, input)? {
                Ok(cluster) => {
                    format!("wait until {} on cluster {}", Wanted::of(input).sentence(&id_of(input)), cluster.name())
                }
                Err(why) => return Ok(Inspection { warnings: vec![why], ..Inspection::default() }),
            };
            let effects = vec![ctx.effect(EffectKind::Deploy, sentence, None)];
            Ok(Inspection {
                effects,
                outputs: Outputs::from_iter([("object".to_owned(), json!({}))]),
                warnings: Vec::new(),
            })
        })
    }
}

fn id_of(input: &Outputs) -> ObjectId {
    let or = |key: &str, default: &str| match text(input, key) {
        "" => default.to_owned(),
        given => given.to_owned(),
    };
    ObjectId {
        api_version: or("apiVersion", "apps/v1"),
        kind: text(input, "kind").to_owned(),
        namespace: Some(or("namespace", "default")),
        name: text(input, "name").to_owned(),
    }
}

async fn look(cluster: &Cluster, id: &ObjectId, wanted: &Wanted) -> Result<Look<Value>, ActionError> {
    let object = match cluster.read(id).await {
        Ok(object) => object,
        // A server that is away for a moment ends no wait.
        Err(error) if error.is_passing() => return Ok(Look::NotYet(error.to_string())),
        Err(error) => return Err(refused(&error)),
    };
    let Some(object) = object else {
        return Ok(if *wanted == Wanted::Gone {
            Look::Done(json!({}))
        } else {
            Look::NotYet(format!("{id} is not there"))
        });
    };
    match wanted {
        Wanted::Present => Ok(Look::Done(object)),
        Wanted::Gone => Ok(Look::NotYet(format!("{id} is still there"))),
        Wanted::Condition(kind) => {
            let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
            let found = conditions.into_iter().flatten().find(|one| one["type"] == kind.as_str());
            match found {
                Some(condition) if condition["status"] == "True" => Ok(Look::Done(object)),
                Some(condition) => {
                    let message = condition["message"].as_str().unwrap_or_default();
                    Ok(Look::NotYet(format!("{id} is not {kind}. {message}")))
                }
                None => Ok(Look::NotYet(format!("{id} has no condition {kind} yet"))),
            }
        }
        Wanted::Rollout => rolled_out(id, object),
    }
}

/// As `kubectl rollout status` decides it.
fn rolled_out(id: &ObjectId, object: Value) -> Result<Look<Value>, ActionError> {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64);
    let (generation, seen) = (number("/metadata/generation"), number("/status/observedGeneration"));
    if seen < generation {
        return Ok(Look::NotYet(format!("{id}: its newest version has not been seen yet")));
    }
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let stuck = conditions.into_iter().flatten().find(|one| one["reason"] == "ProgressDeadlineExceeded");
    if stuck.is_some() {
        return Err(ActionError::failed(format!(
            "{id} does not become ready: its progress deadline has passed; look at its newest pods"
        )));
    }
    let (wanted, updated, ready) = match id.kind.as_str() {
        "DaemonSet" => (
            number("/status/desiredNumberScheduled").unwrap_or(0),
            number("/status/updatedNumberScheduled").unwrap_or(0),
            number("/status/numberAvailable").unwrap_or(0),
        ),
        "Job" => (number("/spec/completions").unwrap_or(1), u64::MAX, number("/status/succeeded").unwrap_or(0)),
        "StatefulSet" => (
            number("/spec/replicas").unwrap_or(1),
            number("/status/updatedReplicas").unwrap_or(0),
            number("/status/readyReplicas").unwrap_or(0),
        ),
        _ => (
            number("/spec/replicas").unwrap_or(1),
            number("/status/updatedReplicas").unwrap_or(0),
            number("/status/availableReplicas").unwrap_or(0),
        ),
    };
    if updated >= wanted && ready >= wanted {
        return Ok(Look::Done(object));
    }
    Ok(Look::NotYet(format!("{id}: {} of {wanted} are ready", ready.min(updated))))
}
