//! `delivery:decommission`: takes back everything that runs made for a service.
//!
//! What that is, the ledgers of these runs say: the runs that declared applications from the service's repository, and
//! what each of them made, newest first. The plan lists it all; what stands against taking something back (a repository
//! with commits of others) is said beside it, and that thing stays.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{Delivery, Service};
use super::text;
use crate::catalog::Catalog;
use crate::entity::{EntityRef, RefDefaults};
use crate::forge::Forges;
use crate::permission::Credentials;
use crate::scaffolder::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Outputs,
    Scaffolder, ScaffolderError, Undoing,
};

/// The runs there were. They can be looked at from [`Runs::open`] until [`Runs::close`]: the scaffolder that knows them
/// holds the action that asks.
#[derive(Clone, Default)]
pub(crate) struct Runs(Arc<Mutex<Option<Scaffolder>>>);

impl Runs {
    /// Lets runs be looked at.
    pub(crate) fn open(&self, scaffolder: Scaffolder) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(scaffolder);
    }

    /// Lets none be looked at any more.
    pub(crate) fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn inside(&self) -> Result<Scaffolder, ActionError> {
        let scaffolder = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        scaffolder.ok_or_else(|| ActionError::failed("the runs of this portal cannot be looked at now"))
    }
}

/// `delivery:decommission`
pub(crate) struct Decommission {
    pub(crate) delivery: Delivery,
    pub(crate) catalog: Catalog,
    pub(crate) forges: Forges,
    pub(crate) runs: Runs,
}

/// What one run made.
struct OfRun {
    run: Uuid,
    things: Vec<Undoing>,
}

impl Action for Decommission {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "delivery:decommission",
            description: "Takes back everything that runs made for a service: applications, namespaces, credentials, catalog entry, repository.",
            input: json!({
                "type": "object",
                "required": ["entityRef"],
                "properties": {
                    "entityRef": {"type": "string", "title": "Service", "description": "Entity reference of the component"},
                    "keep": {"type": "array", "title": "Keep", "items": {"type": "string"}, "description": "What stays whose description begins with one of these: delete repository, unregister"},
                },
            }),
            output: Some(json!({"type": "object", "properties": {
                "removed": {"type": "array", "items": {"type": "string"}},
                "kept": {"type": "array", "items": {"type": "string"}},
                "valuesRepository": {"type": "string", "description": "The GitOps repository that has its values, as a repoUrl; empty if none has"},
                "valuesDelivery": {"type": "string", "description": "How values got there: commit or pull-request"},
            }})),
            examples: vec![Example {
                description: "Everything but the repository",
                example: "steps:\n  - id: decommission\n    action: delivery:decommission\n    input:\n      entityRef: ${{ parameters.entity }}\n      keep: [delete repository]\n",
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
            let scaffolder = self.runs.inside()?;
            // Whoever owns the service may take it back, whoever it was that made it.
            let portal = Credentials::service("decommission");
            let values = self.values(ctx, &input).await?;
            let (mut removed, mut kept, mut failed) = (Vec::new(), Vec::new(), Vec::new());
            for OfRun { run, things } in self.made(ctx, &input, &scaffolder).await? {
                let (go, stay): (Vec<_>, Vec<_>) = things.into_iter().partition(|thing| stays(&input, thing).is_none());
                kept.extend(stay.into_iter().map(|thing| thing.sentence));
                let ids: Vec<String> = go.iter().map(|thing| thing.id.clone()).collect();
                if ids.is_empty() {
                    continue;
                }
                for done in scaffolder.undo(&portal, run, &ids).await.map_err(|error| told(&error))? {
                    let sentence =
                        go.iter().find(|thing| thing.id == done.id).map_or(done.id, |it| it.sentence.clone());
                    match done.error {
                        None => {
                            ctx.log.info(format!("Done: {sentence}"));
                            removed.push(sentence);
                        }
                        Some(error) => failed.push(format!("{sentence}: {error}")),
                    }
                }
            }
            for sentence in &kept {
                ctx.log.info(format!("Stays: {sentence}"));
            }
            if !failed.is_empty() {
                return Err(ActionError::failed(format!("not everything could be taken back: {}", failed.join("; "))));
            }
            Ok(outputs(&removed, &kept, values))
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move {
            let mut inspection = Inspection::default();
            let values = self.values(ctx, input).await?;
            let (mut removed, mut kept) = (Vec::new(), Vec::new());
            for OfRun { things, .. } in self.made(ctx, input, &self.runs.inside()?).await? {
                for thing in things {
                    if let Some(why) = stays(input, &thing) {
                        inspection.warnings.push(format!("Stays, though a run made it ({}): {why}", thing.sentence));
                        kept.push(thing.sentence);
                    } else {
                        inspection.effects.push(ctx.effect(EffectKind::Other, thing.sentence.clone(), None));
                        removed.push(thing.sentence);
                    }
                }
            }
            inspection.outputs = outputs(&removed, &kept, values);
            Ok(inspection)
        })
    }
}

impl Decommission {
    /// Where the values of the service are, and how they got there, by the annotations of its entity.
    async fn values(&self, ctx: &ActionContext, input: &Outputs) -> Result<[String; 2], ActionError> {
        if let Some(noted) = ctx.noted(VALUES).await? {
            // The entity itself is among what goes.
            return Ok(serde_json::from_value(noted).unwrap_or_default());
        }
        let Some(record) = self.catalog.entity(&ctx.who, &reference(input)?) else { return Ok(Default::default()) };
        let values = [VALUES_REPOSITORY, VALUES_DELIVERY]
            .map(|key| record.entity().annotation(key).unwrap_or_default().to_owned());
        ctx.note(VALUES, json!(values)).await?;
        Ok(values)
    }

    /// What the service's runs made, the newest run first.
    async fn made(
        &self,
        ctx: &ActionContext,
        input: &Outputs,
        scaffolder: &Scaffolder,
    ) -> Result<Vec<OfRun>, ActionError> {
        let reference = reference(input)?;
        let repository = if let Some(noted) = ctx.noted(REPOSITORY).await? {
            // The entity itself is among what goes.
            noted.as_str().unwrap_or_default().to_owned()
        } else {
            let record = self.catalog.entity(&ctx.who, &reference).ok_or_else(|| ActionError {
                name: "NotFoundError",
                message: format!("the catalog has no {reference}"),
            })?;
            if !record.is_owned_by(&ctx.who) {
                let message = format!("only the owners of {reference} can take it back");
                return Err(ActionError { name: "NotAllowedError", message });
            }
            let repository = Service::of(&self.forges, &record).repository.unwrap_or_default();
            ctx.note(REPOSITORY, json!(repository)).await?;
            repository
        };
        let declared = self.delivery.applications(&repository).await;
        let declared = declared.map_err(|error| ActionError::failed(error.to_string()))?;
        let mut runs: Vec<Uuid> = declared.iter().map(|application| application.task).collect();
        // Taking an application back forgets which run declared it.
        if let Some(noted) = ctx.noted(RUNS).await? {
            runs = serde_json::from_value(noted).unwrap_or_default();
        } else {
            // Ids of runs are in the order of their time.
            runs.sort_by(|a, b| b.cmp(a));
            runs.dedup();
            ctx.note(RUNS, json!(runs)).await?;
        }
        if runs.is_empty() {
            return Err(ActionError::input(format!(
                "no run of this portal is known to have made {reference}; take it back by hand"
            )));
        }
        let mut made = Vec::new();
        for run in runs {
            match scaffolder.undoable(&Credentials::service("decommission"), run).await {
                Ok(things) => made.push(OfRun { run, things }),
                Err(ScaffolderError::NotFound(_)) => {}
                Err(error) => return Err(told(&error)),
            }
        }
        Ok(made)
    }
}

/// What the ledger keeps.
const REPOSITORY: &str = "repository";
const RUNS: &str = "runs";
const VALUES: &str = "values";

/// What the service templates write into the catalog entry of a service whose values are in a repository of their own.
const VALUES_REPOSITORY: &str = "greenroom.dev/values-repository";
const VALUES_DELIVERY: &str = "greenroom.dev/values-delivery";

/// The service that an input names.
fn reference(input: &Outputs) -> Result<EntityRef, ActionError> {
    let defaults = RefDefaults { kind: Some("component"), namespace: Some("default") };
    EntityRef::parse(text(input, "entityRef"), defaults)
        .map_err(|error| ActionError::input(format!("`entityRef`: {error}")))
}

fn outputs(removed: &[String], kept: &[String], [repository, delivery]: [String; 2]) -> Outputs {
    Outputs::from_iter([
        ("removed".to_owned(), json!(removed)),
        ("kept".to_owned(), json!(kept)),
        ("valuesRepository".to_owned(), json!(repository)),
        ("valuesDelivery".to_owned(), json!(delivery)),
    ])
}

/// Why a thing stays.
fn stays(input: &Outputs, thing: &Undoing) -> Option<String> {
    let keep = input.get("keep").and_then(Value::as_array);
    let wanted = keep.into_iter().flatten().filter_map(Value::as_str).any(|start| thing.sentence.starts_with(start));
    if wanted { Some("it is wanted so".to_owned()) } else { thing.obstacle.clone() }
}

fn told(error: &ScaffolderError) -> ActionError {
    ActionError::failed(error.to_string())
}
