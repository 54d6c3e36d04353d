//! `argocd:sync` asks Argo CD to bring an application to what the repository says; `argocd:wait` waits until it is.

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::super::Delivery;
use super::super::argocd::{API_VERSION, Instance, Report};
use super::objects::refused;
use super::rounds::{self, Look};
use super::{control, schema, text};
use crate::cluster::{Cluster, ObjectId};
use crate::scaffolder::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Outputs,
};

/// Minutes that are waited where a template does not say.
const TIMEOUT: f64 = 15.0;
/// What the ledger knows of a sync that was asked for.
const ASKED: &str = "asked";

/// `argocd:sync`
pub(super) struct Sync(pub(super) Delivery);

/// `argocd:wait`
pub(super) struct Wait(pub(super) Delivery);

fn keys() -> Value {
    json!({
        "application": {"type": "string", "title": "Application"},
        "instance": {"type": "string", "title": "Argo CD", "description": "One of argocd.instances; that of the environment, or the only one, without it"},
        "timeout": {"type": "number", "title": "Minutes", "description": "After which the step fails. The default value is 15"},
    })
}

fn with(mut keys: Value, more: Value) -> Value {
    if let (Some(keys), Value::Object(more)) = (keys.as_object_mut(), more) {
        keys.extend(more);
    }
    keys
}

fn report_schema() -> Value {
    json!({"type": "object", "properties": {
        "sync": {"type": "string"}, "health": {"type": "string"}, "revision": {"type": "string"},
        "images": {"type": "array", "items": {"type": "string"}},
    }})
}

impl Action for Sync {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "argocd:sync",
            description: "Asks Argo CD to sync an application, and waits until that is done.",
            input: schema(
                &["application"],
                with(
                    keys(),
                    json!({
                        "revision": {"type": "string", "title": "Revision", "description": "That of the application without it"},
                        "prune": {"type": "boolean", "title": "Prune", "description": "Deletes what the repository no longer has", "default": true},
                    }),
                ),
            ),
            output: Some(report_schema()),
            examples: vec![Example {
                description: "Syncs the application of an environment",
                example: "steps:\n  - id: sync\n    action: argocd:sync\n    input:\n      environment: staging\n      application: payments-api-staging\n",
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
            let Some(place) = Place::of(&self.0, &input, ctx)? else { return Ok(Outputs::new()) };
            let timeout = rounds::minutes(input.get("timeout").and_then(Value::as_f64), TIMEOUT)?;
            let begun = if let Some(noted) = ctx.noted(ASKED).await? {
                noted
            } else {
                let asked = json!(chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
                place.ask(ctx, &input).await?;
                ctx.note(ASKED, asked.clone()).await?;
                ctx.log.info(format!("Asked Argo CD to sync {}", place.id.name));
                asked
            };
            let begun = begun.as_str().unwrap_or_default().to_owned();
            let missed = format!("{} was not synced", place.id.name);
            let report = rounds::until(ctx, timeout, &missed, || place.synced_since(&begun)).await?;
            Ok(report.map(|report| outputs(&report)).unwrap_or_default())
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move { planned(&self.0, ctx, input, "sync Argo CD application") })
    }
}

impl Action for Wait {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "argocd:wait",
            description: "Waits until Argo CD says that an application is synced and healthy.",
            input: schema(
                &["application"],
                with(
                    keys(),
                    json!({
                        "sync": {"type": "string", "title": "Sync", "enum": ["Synced", "any"], "default": "Synced"},
                        "health": {"type": "string", "title": "Health", "enum": ["Healthy", "any"], "default": "Healthy"},
                    }),
                ),
            ),
            output: Some(report_schema()),
            examples: vec![Example {
                description: "Until a service runs",
                example: "steps:\n  - id: wait\n    action: argocd:wait\n    input:\n      environment: dev\n      application: payments-api-dev\n",
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
            let Some(place) = Place::of(&self.0, &input, ctx)? else { return Ok(Outputs::new()) };
            let timeout = rounds::minutes(input.get("timeout").and_then(Value::as_f64), TIMEOUT)?;
            let (sync, health) = (text(&input, "sync") != "any", text(&input, "health") != "any");
            let missed = format!("{} was not as wanted", place.id.name);
            let report = rounds::until(ctx, timeout, &missed, || place.is(sync, health)).await?;
            Ok(report.map(|report| outputs(&report)).unwrap_or_default())
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move { planned(&self.0, ctx, input, "wait for Argo CD application") })
    }
}

fn planned(delivery: &Delivery, ctx: &ActionContext, input: &Outputs, verb: &str) -> Result<Inspection, ActionError> {
    match control(delivery, input)? {
        Ok((instance, _)) => {
            let sentence = format!("{verb} {} of Argo CD {}", text(input, "application"), instance.name);
            let effects = vec![ctx.effect(EffectKind::Deploy, sentence, None)];
            Ok(Inspection { effects, outputs: outputs(&Report::default()), warnings: Vec::new() })
        }
        Err(why) => Ok(Inspection { warnings: vec![why], ..Inspection::default() }),
    }
}

fn outputs(report: &Report) -> Outputs {
    Outputs::from_iter([
        ("sync".to_owned(), json!(report.sync)),
        ("health".to_owned(), json!(report.health)),
        ("revision".to_owned(), json!(report.revision)),
        ("images".to_owned(), json!(report.images)),
    ])
}

/// An application and the API server that holds it.
struct Place {
    cluster: Cluster,
    id: ObjectId,
}

impl Place {
    fn of(delivery: &Delivery, input: &Outputs, ctx: &ActionContext) -> Result<Option<Self>, ActionError> {
        match control(delivery, input)? {
            Ok((instance, cluster)) => {
                Ok(Some(Self { cluster, id: application_id(&instance, text(input, "application")) }))
            }
            Err(why) => {
                ctx.log.info(why);
                Ok(None)
            }
        }
    }

    async fn ask(&self, ctx: &ActionContext, input: &Outputs) -> Result<(), ActionError> {
        let prune = input.get("prune").and_then(Value::as_bool).unwrap_or(true);
        let by = ctx.user.as_ref().map_or_else(|| "greenroom".to_owned(), ToString::to_string);
        let revision = Some(text(input, "revision")).filter(|revision| !revision.is_empty());
        let operation = operation(&by, revision, prune);
        self.cluster.merge(&self.id, &operation).await.map(drop).map_err(|error| refused(&error))
    }

    async fn report(&self) -> Result<Result<(Report, Value), String>, ActionError> {
        match self.cluster.read(&self.id).await {
            Ok(Some(object)) => {
                let state = object["status"]["operationState"].clone();
                let report = Report::read(&object);
                Ok(Ok((report, state)))
            }
            Ok(None) => Ok(Err(format!("{} is not there", self.id))),
            Err(error) if error.is_passing() => Ok(Err(error.to_string())),
            Err(error) => Err(refused(&error)),
        }
    }

    async fn synced_since(&self, begun: &str) -> Result<Look<Report>, ActionError> {
        let (report, state) = match self.report().await? {
            Ok(found) => found,
            Err(why) => return Ok(Look::NotYet(why)),
        };
        let name = &self.id.name;
        // Times are RFC 3339 in UTC and to the second, so they compare as texts.
        let finished = state["finishedAt"].as_str().is_some_and(|finished| finished >= begun);
        if !finished || report.busy {
            return Ok(Look::NotYet(format!("{name} is being synced")));
        }
        if report.phase == "Succeeded" {
            return Ok(Look::Done(report));
        }
        Err(ActionError::failed(format!("Argo CD could not sync {name}: {} ({})", report.phase_message, report.phase)))
    }

    async fn is(&self, sync: bool, health: bool) -> Result<Look<Report>, ActionError> {
        let report = match self.report().await? {
            Ok((report, _)) => report,
            Err(why) => return Ok(Look::NotYet(why)),
        };
        if (!sync || report.sync == "Synced") && (!health || report.health == "Healthy") {
            return Ok(Look::Done(report));
        }
        let Report { sync, health, message, .. } = &report;
        Ok(Look::NotYet(format!("{} is {sync} and {health}. {message}", self.id.name).trim_end().to_owned()))
    }
}

/// Which object an application is.
pub(super) fn application_id(instance: &Instance, name: &str) -> ObjectId {
    ObjectId {
        api_version: API_VERSION.to_owned(),
        kind: "Application".to_owned(),
        namespace: Some(instance.namespace.clone()),
        name: name.to_owned(),
    }
}

/// The patch that asks for a sync.
fn operation(by: &str, revision: Option<&str>, prune: bool) -> Value {
    let mut sync = json!({"prune": prune, "syncOptions": ["CreateNamespace=true", "ServerSideApply=true"]});
    if let Some(revision) = revision {
        sync["revision"] = json!(revision);
    }
    json!({"operation": {"initiatedBy": {"username": by}, "sync": sync}})
}
