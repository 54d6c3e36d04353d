//! `argocd:project` and `argocd:applicationset`; `argocd:create-resources` and `argocd:create-app` as templates in the
//! wild call it.

use serde_json::{Value, json};

use super::super::{Delivery, Instance, argocd};
use super::objects::Wanted;
use super::{APPLICATION_SET, Asked, control, environment, kubernetes, objects_schema, schema, text, texts};
use crate::cluster::Manifest;
use crate::scaffolder::{ActionContext, ActionDescription, ActionError, Example, Outputs};

/// The API server that Argo CD itself runs on, as it calls it.
const IN_CLUSTER: &str = "https://kubernetes.default.svc";

fn instance_key() -> Value {
    json!({"type": "string", "title": "Argo CD", "description": "One of argocd.instances; that of the environment, or the only one, without it"})
}

/// `argocd:project`
pub(super) fn project() -> ActionDescription {
    ActionDescription {
        id: "argocd:project",
        description: "Makes an Argo CD project: which repositories may be deployed where.",
        input: schema(
            &[],
            json!({
                "name": {"type": "string", "title": "Project", "minLength": 1, "maxLength": 63},
                "manifest": {"type": "string", "title": "Manifest", "description": "Path of an AppProject in the workspace, instead of the keys below"},
                "description": {"type": "string", "title": "Description"},
                "sourceRepos": {"type": "array", "items": {"type": "string"}, "title": "Repositories"},
                "destinations": {"type": "array", "title": "Destinations", "items": {"type": "object", "properties": {"server": {"type": "string"}, "namespace": {"type": "string"}}}},
                "instance": instance_key(),
            }),
        ),
        output: Some(objects_schema()),
        examples: vec![Example {
            description: "The project that the template wrote into the repository",
            example: "steps:\n  - id: project\n    action: argocd:project\n    input:\n      environment: dev\n      manifest: deploy/argocd/project.yaml\n",
        }],
    }
}

/// `argocd:applicationset`
pub(super) fn application_set() -> ActionDescription {
    ActionDescription {
        id: "argocd:applicationset",
        description: "Makes an Argo CD application set of a manifest in the workspace.",
        input: schema(
            &["manifest"],
            json!({
                "manifest": {"type": "string", "title": "Manifest", "description": "Path of an ApplicationSet in the workspace"},
                "environments": {"type": "array", "title": "Environments", "description": "Environments that it is for, by name or as delivery:environments tells them: one Argo CD must deploy all of them", "items": {"type": ["string", "object"]}},
                "instance": instance_key(),
            }),
        ),
        output: Some(objects_schema()),
        examples: vec![Example {
            description: "One set for all environments",
            example: "steps:\n  - id: set\n    action: argocd:applicationset\n    input:\n      environments: [dev, staging, prod]\n      manifest: deploy/argocd/applicationset.yaml\n",
        }],
    }
}

/// `argocd:create-resources`
pub(super) fn create_resources() -> ActionDescription {
    ActionDescription {
        id: "argocd:create-resources",
        description: "Makes an Argo CD application, and a project where one is named.",
        input: schema(
            &["appName", "namespace", "repoUrl", "path"],
            json!({
                "appName": {"type": "string", "title": "Application"},
                "argoInstance": instance_key(),
                "namespace": {"type": "string", "title": "Namespace", "description": "Where it is deployed to"},
                "repoUrl": {"type": "string", "title": "Repository"},
                "path": {"type": "string", "title": "Path"},
                "labelValue": {"type": "string", "title": "Label", "description": "Value of the label backstage-name"},
                "projectName": {"type": "string", "title": "Project", "description": "Made as well; default without it"},
            }),
        ),
        output: Some(objects_schema()),
        examples: vec![Example {
            description: "An application with a project of its own",
            example: "steps:\n  - id: argocd\n    action: argocd:create-resources\n    input:\n      appName: payments-api\n      argoInstance: main\n      namespace: payments-dev\n      repoUrl: https://github.com/acme/payments-api.git\n      path: deploy\n      projectName: payments\n",
        }],
    }
}

/// `argocd:create-app`
pub(super) fn create_app() -> ActionDescription {
    ActionDescription {
        id: "argocd:create-app",
        description: "Makes an Argo CD application of a folder in a repository.",
        input: schema(
            &["repoUrl", "path"],
            json!({
                "name": {"type": "string", "title": "Application"},
                "appName": {"type": "string", "title": "Application", "description": "Another name of name"},
                "argoInstance": instance_key(),
                "instance": instance_key(),
                "namespace": {"type": "string", "title": "Namespace", "description": "Where it is deployed to; default without it"},
                "repoUrl": {"type": "string", "title": "Repository"},
                "path": {"type": "string", "title": "Path"},
                "revision": {"type": "string", "title": "Revision", "description": "HEAD without it"},
                "project": {"type": "string", "title": "Project", "description": "An existing one; default without it"},
            }),
        ),
        output: Some(objects_schema()),
        examples: vec![Example {
            description: "An application of a folder of manifests",
            example: "steps:\n  - id: argocd\n    action: argocd:create-app\n    input:\n      name: payments-api\n      repoUrl: https://github.com/acme/payments-api.git\n      path: deploy/overlays/dev\n      namespace: payments-dev\n",
        }],
    }
}

/// What the input of `argocd:project` asks for.
pub(super) fn wanted_project(delivery: &Delivery, ctx: &ActionContext, input: &Outputs) -> Result<Asked, ActionError> {
    let control = match control(delivery, input)? {
        Ok(control) => control,
        Err(why) => return Ok(Asked { wanted: Err(why), outputs: Outputs::new() }),
    };
    let (instance, cluster) = control;
    let manifests = match (text(input, "manifest"), text(input, "name")) {
        ("", "") => return Err(ActionError::input("give `name`, or `manifest` with the path of an AppProject")),
        ("", name) => {
            let destinations = input.get("destinations").and_then(Value::as_array);
            let or = |value: &Value, default: &str| value.as_str().unwrap_or(default).to_owned();
            let pair = |one: &Value| (or(&one["server"], IN_CLUSTER), or(&one["namespace"], "*"));
            let destinations: Vec<_> = destinations.into_iter().flatten().map(pair).collect();
            let repositories = texts(input, "sourceRepos");
            let description = text(input, "description");
            vec![Manifest::made(argocd::project(name, &instance.namespace, description, &repositories, &destinations))]
        }
        (path, _) => of_kind(ctx, path, "AppProject", &instance.namespace)?,
    };
    let wanted = Wanted { cluster, manifests, namespace: None, force: false };
    Ok(Asked { wanted: Ok(wanted), outputs: Outputs::new() })
}

/// What the input of `argocd:applicationset` asks for.
pub(super) fn wanted_application_set(
    delivery: &Delivery,
    ctx: &ActionContext,
    input: &Outputs,
) -> Result<Asked, ActionError> {
    let asked = for_one_instance(delivery, input)?;
    let wanted = match control(delivery, &asked)? {
        Ok((instance, cluster)) => {
            let manifests = of_kind(ctx, text(input, "manifest"), APPLICATION_SET, &instance.namespace)?;
            Ok(Wanted { cluster, manifests, namespace: None, force: false })
        }
        Err(why) => Err(why),
    };
    Ok(Asked { wanted, outputs: Outputs::new() })
}

/// The input with an environment, the first of the `environments`, all of which one Argo CD must deploy.
fn for_one_instance(delivery: &Delivery, input: &Outputs) -> Result<Outputs, ActionError> {
    let mut asked = input.clone();
    let mut first: Option<(String, Instance)> = None;
    for one in input.get("environments").and_then(Value::as_array).into_iter().flatten() {
        let name = one.as_str().or_else(|| one["name"].as_str()).unwrap_or_default();
        asked.insert("environment".to_owned(), json!(name));
        let Some(environment) = environment(delivery, &asked)? else { continue };
        let instance = delivery.instance_of(environment);
        match &first {
            Some((before, other)) if *other != instance => {
                return Err(ActionError::input(format!(
                    "Argo CD `{}` deploys to {before} and `{}` to {name}, but one makes all applications of an ApplicationSet; make an Application for each environment",
                    other.name, instance.name
                )));
            }
            Some(_) => {}
            None => first = Some((name.to_owned(), instance)),
        }
    }
    if let Some((name, _)) = first {
        asked.insert("environment".to_owned(), json!(name));
    }
    Ok(asked)
}

/// What the input of `argocd:create-resources` or `argocd:create-app` asks for.
pub(super) fn wanted_resources(delivery: &Delivery, _: &ActionContext, input: &Outputs) -> Result<Asked, ActionError> {
    let (instance, cluster) = match control(delivery, input)? {
        Ok(control) => control,
        Err(why) => return Ok(Asked { wanted: Err(why), outputs: Outputs::new() }),
    };
    let either = |one: &str, other: &str, default: &'static str| {
        [one, other].into_iter().map(|key| text(input, key)).find(|text| !text.is_empty()).unwrap_or(default).to_owned()
    };
    let name = either("appName", "name", "");
    if name.is_empty() {
        return Err(ActionError::input("`name` is empty; name the application"));
    }
    let (project, namespace) =
        (either("projectName", "project", "default"), either("namespace", "namespace", "default"));
    let repository = text(input, "repoUrl");
    let label = text(input, "labelValue");
    let labels = if label.is_empty() { json!({}) } else { json!({"backstage-name": label}) };
    let mut manifests = Vec::new();
    if !text(input, "projectName").is_empty() {
        let destinations = [(IN_CLUSTER.to_owned(), namespace.clone())];
        let repositories = [repository.to_owned()];
        manifests.push(Manifest::made(argocd::project(
            &project,
            &instance.namespace,
            "",
            &repositories,
            &destinations,
        )));
    }
    let new = argocd::NewApplication {
        name: &name,
        project: &project,
        repo_url: repository,
        path: text(input, "path"),
        revision: &either("revision", "revision", "HEAD"),
        release: None,
        value_files: &[],
        values_url: None,
        server: IN_CLUSTER,
        namespace: &namespace,
        automated: true,
        labels,
    };
    manifests.push(Manifest::made(argocd::application(&new, &instance.namespace)));
    let wanted = Wanted { cluster, manifests, namespace: None, force: false };
    Ok(Asked { wanted: Ok(wanted), outputs: Outputs::from_iter([("application".to_owned(), json!(name))]) })
}

/// The objects of a file, which must be of one kind; they go where this Argo CD looks for them.
pub(super) fn of_kind(
    ctx: &ActionContext,
    path: &str,
    kind: &str,
    namespace: &str,
) -> Result<Vec<Manifest>, ActionError> {
    let mut manifests = kubernetes::files(ctx, path)?;
    for manifest in &mut manifests {
        if manifest.kind() != kind {
            let (file, line, found) = (&manifest.file, manifest.line, manifest.kind());
            return Err(ActionError::input(format!("{file}:{line}: this is a {found}; an {kind} is expected")));
        }
        manifest.object["metadata"]["namespace"] = json!(namespace);
    }
    Ok(manifests)
}
