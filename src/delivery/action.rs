//! The scaffolder actions of delivery: `delivery:environments` and `argocd:application`.
//!
//! The first tells a template where a service will land in every environment; it touches nothing. The second declares
//! one Argo CD application; declaring is repeatable for one run.

use std::sync::Arc;

use chrono::Utc;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use url::Url;

use super::environment::Subject;
use super::{Application, Delivery, DeliveryError, Environment, Placement, Sync};
use crate::entity::{EntityRef, RefDefaults};
use crate::forge::{Forges, RepositoryId};
use crate::permission::Credentials;
use crate::scaffolder::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Inverse, Made,
    Outputs,
};

/// Argo CD's own name for a cluster's default project.
const DEFAULT_PROJECT: &str = "default";

/// All of delivery's actions.
pub(crate) fn all(delivery: &Delivery, forges: &Forges) -> Vec<Arc<dyn Action>> {
    vec![
        Arc::new(Environments(delivery.clone())),
        Arc::new(DeclareApplication { delivery: delivery.clone(), forges: forges.clone() }),
    ]
}

/// `delivery:environments`
struct Environments(Delivery);

impl Action for Environments {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "delivery:environments",
            description: "Tells where a service lands in each configured environment: cluster, namespace, application.",
            input: json!({
                "type": "object",
                "required": ["service", "owner"],
                "properties": {
                    "service": {"type": "string", "title": "Service", "description": "Name of the service"},
                    "owner": {"type": "string", "title": "Owner", "description": "Entity reference of its owner"},
                    "system": {"type": "string", "title": "System", "description": "Entity reference of its system"},
                },
            }),
            output: Some(json!({
                "type": "object",
                "properties": {"environments": {"type": "array", "description": "In the order of promotion", "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"}, "title": {"type": "string"}, "order": {"type": "number"},
                        "cluster": {"type": "string"}, "server": {"type": "string"}, "namespace": {"type": "string"},
                        "application": {"type": "string"}, "automated": {"type": "boolean"}, "colour": {"type": "string"},
                    },
                }}},
            })),
            examples: vec![Example {
                description: "Where a service of the payments team lands",
                example: "steps:\n  - id: environments\n    action: delivery:environments\n    input:\n      service: ${{ parameters.name }}\n      owner: ${{ parameters.owner }}\n",
            }],
        }
    }

    fn run<'a>(&'a self, _: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let service = text(&input, "service");
            let owner = name_of(text(&input, "owner"), "group")?;
            let system = match text(&input, "system") {
                "" => String::new(),
                system => name_of(system, "system")?,
            };
            let subject = Subject { service, owner: &owner, system: &system };
            let placed = self.0.environments().iter().enumerate().map(|(order, one)| one.place(order, subject));
            let placements: Vec<Placement> =
                placed.collect::<Result<_, _>>().map_err(|error| ActionError::input(error.to_string()))?;
            Ok(Outputs::from_iter([("environments".to_owned(), json!(placements))]))
        })
    }
}

/// `argocd:application`
struct DeclareApplication {
    delivery: Delivery,
    forges: Forges,
}

impl Action for DeclareApplication {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "argocd:application",
            description: "Declares an Argo CD application of a chart in a repository, for one environment.",
            input: json!({
                "type": "object",
                "required": ["name", "environment", "repoUrl"],
                "properties": {
                    "name": {"type": "string", "title": "Application", "minLength": 1, "maxLength": 253},
                    "environment": {"type": "string", "title": "Environment", "description": "Name of a configured environment"},
                    "repoUrl": {"type": "string", "title": "Repository", "description": "Clone URL of the repository that holds the chart"},
                    "path": {"type": "string", "title": "Path", "description": "Folder of the chart; . without it"},
                    "namespace": {"type": "string", "title": "Namespace", "description": "By the environment's rule without it"},
                    "valueFiles": {"type": "array", "items": {"type": "string"}, "title": "Values files"},
                    "project": {"type": "string", "title": "Argo CD project"},
                    "manifest": {"type": "string", "title": "Manifest", "description": "Path of the Application in the repository"},
                },
            }),
            output: Some(json!({
                "type": "object",
                "properties": {
                    "application": {"type": "string"}, "environment": {"type": "string"},
                    "cluster": {"type": "string"}, "namespace": {"type": "string"},
                },
            })),
            examples: vec![Example {
                description: "One application for each environment",
                example: "steps:\n  - id: deploy\n    each: ${{ steps.environments.output.environments }}\n    action: argocd:application\n    input:\n      name: ${{ each.value.application }}\n      environment: ${{ each.value.name }}\n      repoUrl: ${{ steps.publish.output.remoteUrl }}\n      path: chart\n",
            }],
        }
    }

    fn effect(&self) -> EffectClass {
        EffectClass::Outside
    }

    fn adopts(&self) -> bool {
        true
    }

    fn inverse<'a>(&'a self, made: &'a Made) -> BoxFuture<'a, Result<Inverse, ActionError>> {
        Box::pin(async { Ok(Inverse { sentence: format!("withdraw {}", made.sentence), obstacle: None }) })
    }

    fn undo<'a>(&'a self, _: &'a Credentials, made: &'a Made) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(async move {
            let noted = made.value.as_str().and_then(|key| key.split_once('/'));
            let (cluster, name) = noted.ok_or_else(|| ActionError::failed("the run noted no application"))?;
            self.delivery.withdraw(cluster, name, made.task).await.map_err(|error| refused(&error))
        })
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let application = self.application(ctx, &input)?;
            self.delivery.declare(&application).await.map_err(|error| refused(&error))?;
            let key = format!("{}/{}", application.cluster, application.name);
            let sentence = format!("Argo CD application {}", application.name);
            ctx.made("application", &sentence, json!(key)).await?;
            ctx.log.info(sentence_of(&application));
            Ok(outputs_of(&application))
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move {
            let application = self.application(ctx, input)?;
            let taken = self
                .delivery
                .declared(&application.cluster, &application.name)
                .await
                .map_err(|error| refused(&error))?;
            let conflict = taken.map(|_| {
                DeliveryError::Taken { name: application.name.clone(), cluster: application.cluster.clone() }
                    .to_string()
            });
            let sentence = sentence_of(&application);
            let effects = vec![ctx.effect(EffectKind::Deploy, sentence, conflict)];
            Ok(Inspection { effects, outputs: outputs_of(&application), warnings: Vec::new() })
        })
    }
}

impl DeclareApplication {
    fn application(&self, ctx: &ActionContext, input: &Outputs) -> Result<Application, ActionError> {
        let name = text(input, "environment");
        let environment = self.delivery.environment(name).ok_or_else(|| {
            let known = self.delivery.environments().iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
            ActionError::input(format!("environment `{name}` is not configured; there are {known}"))
        })?;
        let namespace = match text(input, "namespace") {
            "" => namespace_by_rule(ctx, environment)?,
            given => given.to_owned(),
        };
        let files = input.get("valueFiles").and_then(Value::as_array).into_iter().flatten();
        let or = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
        Ok(Application {
            name: text(input, "name").to_owned(),
            environment: environment.name.clone(),
            cluster: environment.cluster.clone(),
            namespace,
            project: or(text(input, "project"), DEFAULT_PROJECT),
            repository: self.repository(text(input, "repoUrl"))?,
            path: or(text(input, "path"), "."),
            value_files: files.filter_map(Value::as_str).map(str::to_owned).collect(),
            manifest: Some(text(input, "manifest")).filter(|path| !path.is_empty()).map(str::to_owned),
            automated: environment.sync == Sync::Automated,
            task: ctx.task,
            declared_at: Utc::now(),
        })
    }

    /// `host/owner/repository`; a forge of ours is named by its host in a `repoUrl`, since its address may change.
    fn repository(&self, clone_url: &str) -> Result<String, ActionError> {
        let wrong = || ActionError::input(format!("`{clone_url}` is not the clone URL of a repository"));
        let url = Url::parse(clone_url).map_err(|_| wrong())?;
        let path = url.path().trim_end_matches('/').trim_end_matches(".git");
        let mut segments = path.rsplit('/');
        let (name, owner) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        let id = RepositoryId::new(owner, name).map_err(|_| wrong())?;
        let ours = self.forges.iter().find(|forge| forge.clone_url(&id) == url);
        let host = ours.map(|forge| forge.host()).or_else(|| url.host_str()).ok_or_else(wrong)?;
        Ok(format!("{host}/{id}"))
    }
}

/// The rule needs an owner and a service: a template that asks for them under these names need not say a namespace.
fn namespace_by_rule(ctx: &ActionContext, environment: &Environment) -> Result<String, ActionError> {
    let answer = |key: &str| ctx.answers.get(key).and_then(Value::as_str).unwrap_or_default();
    let (service, owner) = (answer("name"), answer("owner"));
    if service.is_empty() || owner.is_empty() {
        return Err(ActionError::input(
            "give `namespace`: the template has no parameters `name` and `owner` to make one by the environment's rule",
        ));
    }
    let owner = name_of(owner, "group")?;
    let system = match answer("system") {
        "" => String::new(),
        system => name_of(system, "system")?,
    };
    let subject = Subject { service, owner: &owner, system: &system };
    environment.place(0, subject).map(|placed| placed.namespace).map_err(|error| ActionError::input(error.to_string()))
}

fn sentence_of(application: &Application) -> String {
    let Application { name, cluster, namespace, .. } = application;
    format!("Argo CD application {name} → cluster {cluster}, namespace {namespace}")
}

fn outputs_of(application: &Application) -> Outputs {
    Outputs::from_iter([
        ("application".to_owned(), json!(application.name)),
        ("environment".to_owned(), json!(application.environment)),
        ("cluster".to_owned(), json!(application.cluster)),
        ("namespace".to_owned(), json!(application.namespace)),
    ])
}

fn refused(error: &DeliveryError) -> ActionError {
    match error {
        DeliveryError::Taken { .. } => ActionError::conflict(error.to_string()),
        DeliveryError::Environment(_) | DeliveryError::Database(_) => ActionError::failed(error.to_string()),
    }
}

fn name_of(reference: &str, kind: &str) -> Result<String, ActionError> {
    let defaults = RefDefaults { kind: Some(kind), namespace: None };
    let parsed = EntityRef::parse(reference, defaults).map_err(|error| ActionError::input(error.to_string()))?;
    Ok(parsed.name().to_owned())
}

fn text<'a>(input: &'a Outputs, key: &str) -> &'a str {
    input.get(key).and_then(Value::as_str).unwrap_or_default()
}
