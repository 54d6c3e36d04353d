//! `argocd:application`: one application of Argo CD, for one environment.
//!
//! It is declared in the portal for one run, so that every page knows what should run where before a cluster says what
//! does; and it is put on the API server that holds Argo CD's objects, where one is connected. The manifest that a
//! template wrote into the repository is what is put there: both stay the same.

use chrono::Utc;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use url::Url;

use super::super::environment::Subject;
use super::super::{Application, Delivery, DeliveryError, Environment, Sync, argocd};
use super::objects::{self, Wanted};
use super::{argo, control, name_of, text, texts};
use crate::cluster::Manifest;
use crate::forge::{Forges, RepositoryId};
use crate::permission::Credentials;
use crate::scaffolder::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Inverse, Made,
    Outputs,
};

/// Argo CD's own name for a cluster's default project.
const DEFAULT_PROJECT: &str = "default";
/// The ledger's key of the declaration; `objects` keeps those of the cluster.
const DECLARED: &str = "application";

/// `argocd:application`
pub(super) struct DeclareApplication {
    pub(super) delivery: Delivery,
    pub(super) forges: Forges,
}

impl Action for DeclareApplication {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "argocd:application",
            description: "Makes an Argo CD application of a chart in a repository, for one environment.",
            input: json!({
                "type": "object",
                "required": ["name", "environment", "repoUrl"],
                "properties": {
                    "name": {"type": "string", "title": "Application", "minLength": 1, "maxLength": 253},
                    "environment": {"type": "string", "title": "Environment", "description": "Name of a configured environment"},
                    "repoUrl": {"type": "string", "title": "Repository", "description": "Clone URL of the repository that holds the chart"},
                    "path": {"type": "string", "title": "Path", "description": "Folder of the chart; . without it"},
                    "namespace": {"type": "string", "title": "Namespace", "description": "By the environment's rule without it"},
                    "valueFiles": {"type": "array", "items": {"type": "string"}, "title": "Values files", "description": "Below the chart's folder; $values/apps/api/envs/dev/values.yaml is in the repository of valuesRepoUrl"},
                    "valuesRepoUrl": {"type": "string", "title": "Repository of the values", "description": "Clone URL of another repository, for values files that begin with $values/; promotions are proposed there"},
                    "project": {"type": "string", "title": "Argo CD project"},
                    "applicationSet": {"type": "string", "title": "Application set", "description": "The ApplicationSet that makes it: it is only declared in the portal then"},
                    "instance": {"type": "string", "title": "Argo CD", "description": "One of argocd.instances; that of the environment without it"},
                    "manifest": {"type": "string", "title": "Manifest", "description": "Path of the Application in the repository; what is there is put on the cluster"},
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
        Box::pin(async move {
            if made.key == DECLARED {
                return Ok(Inverse { sentence: format!("withdraw {}", made.sentence), obstacle: None });
            }
            objects::inverse(self.delivery.clusters(), made)
        })
    }

    fn undo<'a>(&'a self, _: &'a Credentials, made: &'a Made) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(async move {
            if made.key != DECLARED {
                objects::undo(self.delivery.clusters(), made).await?;
                // Its project is taken back next, and Argo CD needs that until all it deployed is gone.
                return objects::until_gone(self.delivery.clusters(), made).await;
            }
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
            ctx.made(DECLARED, &sentence, json!(key)).await?;
            match self.wanted(ctx, &input, &application)? {
                Ok(wanted) => drop(wanted.apply(ctx).await?),
                Err(why) => ctx.log.info(why),
            }
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
            let mut effect = ctx.effect(EffectKind::Deploy, sentence_of(&application), conflict);
            let mut warnings = Vec::new();
            match self.wanted(ctx, input, &application)? {
                Ok(wanted) => {
                    // One thing to the reader: the application, with what the server said about its object.
                    let rehearsed = wanted.inspect(ctx).await?;
                    for object in rehearsed.effects {
                        effect.conflict = effect.conflict.or(object.conflict);
                        effect.diff = effect.diff.or(object.diff);
                    }
                    warnings.extend(rehearsed.warnings);
                }
                Err(why) => warnings.push(why),
            }
            Ok(Inspection { effects: vec![effect], outputs: outputs_of(&application), warnings })
        })
    }
}

impl DeclareApplication {
    /// The object for the API server of Argo CD: the manifest in the workspace, or one that says the same.
    fn wanted(
        &self,
        ctx: &ActionContext,
        input: &Outputs,
        application: &Application,
    ) -> Result<Result<Wanted, String>, ActionError> {
        let set = text(input, "applicationSet");
        if !set.is_empty() {
            return Ok(Err(format!("Argo CD makes {} itself, by ApplicationSet {set}", application.name)));
        }
        let (instance, cluster) = match control(&self.delivery, input)? {
            Ok(control) => control,
            Err(why) => return Ok(Err(why)),
        };
        let written = application.manifest.as_deref().filter(|path| matches!(ctx.workspace.file(path), Ok(Some(_))));
        let manifests = if let Some(path) = written {
            argo::of_kind(ctx, path, "Application", &instance.namespace)?
        } else {
            let server = self.delivery.environment(&application.environment).map(|one| one.server.as_str());
            let new = argocd::NewApplication {
                name: &application.name,
                project: &application.project,
                repo_url: text(input, "repoUrl"),
                path: &application.path,
                revision: "HEAD",
                release: None,
                value_files: &application.value_files,
                values_url: Some(text(input, "valuesRepoUrl")).filter(|url| !url.is_empty()),
                server: server.unwrap_or_default(),
                namespace: &application.namespace,
                automated: application.automated,
                labels: json!({"environment": application.environment}),
            };
            vec![Manifest::made(argocd::application(&new, &instance.namespace))]
        };
        Ok(Ok(Wanted { cluster, manifests, namespace: None, force: false }))
    }

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
        let value_files = texts(input, "valueFiles");
        let values_url = text(input, "valuesRepoUrl");
        let is_elsewhere = value_files.iter().any(|file| file.starts_with('$'));
        if values_url.is_empty() && is_elsewhere {
            return Err(ActionError::input(
                "a values file begins with `$`: give `valuesRepoUrl`, the repository it is in",
            ));
        }
        if let Some(other) = value_files.iter().find(|file| file.starts_with('$') && !file.starts_with("$values/")) {
            return Err(ActionError::input(format!(
                "`{other}`: values files of `valuesRepoUrl` begin with `$values/`"
            )));
        }
        let or = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
        Ok(Application {
            name: text(input, "name").to_owned(),
            environment: environment.name.clone(),
            cluster: environment.cluster.clone(),
            namespace,
            project: or(text(input, "project"), DEFAULT_PROJECT),
            repository: self.repository(text(input, "repoUrl"))?,
            path: or(text(input, "path"), "."),
            values_repository: if is_elsewhere { Some(self.repository(values_url)?) } else { None },
            value_files,
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
