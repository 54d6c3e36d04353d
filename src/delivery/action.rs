//! The scaffolder actions of delivery: where a service lands, objects on clusters, Argo CD.
//!
//! `delivery:environments` only tells. The others are outside effects that are safe to repeat: objects are applied by the
//! server (`objects`), an application is declared for one run (`application`), waits hold no worker (`wait`, `sync`).
//!
//! A template is written once for portals with and without clusters. So what is asked for an *environment* is left out,
//! with a line in the log, where no cluster is configured at all; what is asked for a *cluster* is an error there.

mod application;
mod argo;
mod decommission;
mod environments;
mod kubernetes;
mod namespace;
mod objects;
mod registry;
mod rounds;
mod sync;
mod wait;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

pub(crate) use self::decommission::{Decommission, Runs};
use self::objects::{Wanted, refused};
use super::argocd::Instance;
use super::{Delivery, Environment};
use crate::cluster::Cluster;
use crate::entity::{EntityRef, RefDefaults};
use crate::forge::Forges;
use crate::permission::Credentials;
use crate::scaffolder::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, Inspection, Inverse, Made, Outputs,
};

/// The kind that makes applications.
const APPLICATION_SET: &str = "ApplicationSet";

/// All of delivery's actions.
pub(crate) fn all(delivery: &Delivery, forges: &Forges) -> Vec<Arc<dyn Action>> {
    let object = |describe: fn() -> ActionDescription, want: Want| -> Arc<dyn Action> {
        Arc::new(ObjectAction { delivery: delivery.clone(), describe, want })
    };
    vec![
        Arc::new(environments::Environments(delivery.clone())),
        Arc::new(application::DeclareApplication { delivery: delivery.clone(), forges: forges.clone() }),
        object(kubernetes::apply, kubernetes::wanted),
        object(kubernetes::kube_apply, kubernetes::wanted),
        object(namespace::namespace, namespace::wanted),
        object(namespace::create_namespace, namespace::wanted),
        object(namespace::secret, namespace::wanted_secret),
        object(argo::project, argo::wanted_project),
        object(argo::application_set, argo::wanted_application_set),
        object(argo::create_resources, argo::wanted_resources),
        object(argo::create_app, argo::wanted_resources),
        Arc::new(registry::RegistryRepository { delivery: delivery.clone(), forges: forges.clone() }),
        Arc::new(registry::PushChart(delivery.clone())),
        Arc::new(wait::Wait(delivery.clone())),
        Arc::new(sync::Sync(delivery.clone())),
        Arc::new(sync::Wait(delivery.clone())),
    ]
}

/// What an input asks for.
struct Asked {
    /// The objects, or why there is nothing to do.
    wanted: Result<Wanted, String>,
    /// What later steps see besides the objects.
    outputs: Outputs,
}

type Want = fn(&Delivery, &ActionContext, &Outputs) -> Result<Asked, ActionError>;

/// An action that puts objects on a cluster.
struct ObjectAction {
    delivery: Delivery,
    describe: fn() -> ActionDescription,
    want: Want,
}

impl Action for ObjectAction {
    fn description(&self) -> ActionDescription {
        (self.describe)()
    }

    fn effect(&self) -> EffectClass {
        EffectClass::Outside
    }

    fn adopts(&self) -> bool {
        true
    }

    fn inverse<'a>(&'a self, made: &'a Made) -> BoxFuture<'a, Result<Inverse, ActionError>> {
        Box::pin(async { objects::inverse(self.delivery.clusters(), made) })
    }

    fn undo<'a>(&'a self, _: &'a Credentials, made: &'a Made) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(async {
            objects::undo(self.delivery.clusters(), made).await?;
            // The project of its applications is taken back next, which Argo CD needs until they are gone.
            if objects::is_of_kind(made, APPLICATION_SET)? {
                objects::until_gone(self.delivery.clusters(), made).await?;
            }
            Ok(())
        })
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let asked = (self.want)(&self.delivery, ctx, &input)?;
            let mut outputs = asked.outputs;
            match asked.wanted {
                Ok(wanted) => {
                    let applied = wanted.apply(ctx).await?;
                    outputs.extend(objects::outputs(applied.iter().map(|one| &one.id)));
                }
                Err(why) => ctx.log.info(why),
            }
            Ok(outputs)
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move {
            let asked = (self.want)(&self.delivery, ctx, input)?;
            let mut inspection = match asked.wanted {
                Ok(wanted) => wanted.inspect(ctx).await?,
                Err(why) => Inspection { warnings: vec![why], ..Inspection::default() },
            };
            inspection.outputs.extend(asked.outputs);
            Ok(inspection)
        })
    }
}

/// The cluster of an input: by its name, by an environment's, or the only one. `Err` in it: why nothing is to be done.
fn place(delivery: &Delivery, input: &Outputs) -> Result<Result<Cluster, String>, ActionError> {
    let named = ["cluster", "clusterName"].into_iter().map(|key| text(input, key)).find(|name| !name.is_empty());
    if let Some(name) = named {
        return delivery.clusters().get(name).map(Ok).map_err(|error| refused(&error));
    }
    match environment(delivery, input)? {
        Some(environment) => {
            if delivery.clusters().is_empty() {
                return Ok(Err(unconnected(environment)));
            }
            delivery.clusters().get(&environment.cluster).map(Ok).map_err(|error| refused(&error))
        }
        None => match &delivery.clusters().all()[..] {
            [only] => Ok(Ok(only.clone())),
            [] => delivery.clusters().get("").map(Ok).map_err(|_| {
                ActionError::input("no cluster is configured; add one to `kubernetes.clusterLocatorMethods`")
            }),
            several => {
                let names: Vec<&str> = several.iter().map(Cluster::name).collect();
                Err(ActionError::input(format!("say which `cluster`, or which `environment`: {}", names.join(", "))))
            }
        },
    }
}

fn unconnected(environment: &Environment) -> String {
    format!(
        "Left out: cluster {} of environment {} is not connected to this portal",
        environment.cluster, environment.name
    )
}

/// The installation of Argo CD that an input means, with the cluster that holds its objects.
fn control(delivery: &Delivery, input: &Outputs) -> Result<Result<(Instance, Cluster), String>, ActionError> {
    let named = ["instance", "argoInstance"].into_iter().map(|key| text(input, key)).find(|name| !name.is_empty());
    let environment = environment(delivery, input)?;
    let instance = match (named, environment) {
        (Some(name), _) => delivery.instance(name).ok_or_else(|| {
            let known: Vec<&str> = delivery.instances().iter().map(|one| one.name.as_str()).collect();
            let known =
                if known.is_empty() { "there is none".to_owned() } else { format!("there are {}", known.join(", ")) };
            ActionError::input(format!("Argo CD `{name}` is not configured in `argocd.instances`; {known}"))
        })?,
        (None, Some(environment)) if delivery.clusters().is_empty() => return Ok(Err(unconnected(environment))),
        (None, Some(environment)) => delivery.instance_of(environment),
        (None, None) => match (delivery.instances(), &delivery.clusters().all()[..]) {
            ([only], _) => only.clone(),
            ([], [only]) => Instance::on(only.name()),
            ([], []) => {
                return Err(ActionError::input(
                    "no Argo CD is connected; add its cluster to `kubernetes.clusterLocatorMethods`",
                ));
            }
            _ => {
                return Err(ActionError::input(
                    "say which Argo CD: an `environment`, or an `instance` of `argocd.instances`",
                ));
            }
        },
    };
    let cluster = delivery.clusters().get(&instance.cluster).map_err(|error| refused(&error))?;
    Ok(Ok((instance, cluster)))
}

/// The environment that an input names.
fn environment<'a>(delivery: &'a Delivery, input: &Outputs) -> Result<Option<&'a Environment>, ActionError> {
    let name = text(input, "environment");
    if name.is_empty() {
        return Ok(None);
    }
    delivery.environment(name).map(Some).ok_or_else(|| {
        let known = delivery.environments().iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
        ActionError::input(format!("environment `{name}` is not configured; there are {known}"))
    })
}

fn name_of(reference: &str, kind: &str) -> Result<String, ActionError> {
    let defaults = RefDefaults { kind: Some(kind), namespace: None };
    let parsed = EntityRef::parse(reference, defaults).map_err(|error| ActionError::input(error.to_string()))?;
    Ok(parsed.name().to_owned())
}

fn text<'a>(input: &'a Outputs, key: &str) -> &'a str {
    input.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn texts(input: &Outputs, key: &str) -> Vec<String> {
    let list = input.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The schema of keys that say where.
fn where_keys() -> Value {
    json!({
        "environment": {"type": "string", "title": "Environment", "description": "Name of a configured environment"},
        "cluster": {"type": "string", "title": "Cluster", "description": "Name of a configured cluster; the environment's, or the only one, without it"},
    })
}

/// A schema of an object with the keys that say where besides its own.
fn schema(required: &[&str], own: Value) -> Value {
    let mut properties = own;
    if let (Some(properties), Value::Object(more)) = (properties.as_object_mut(), where_keys()) {
        for (key, value) in more {
            properties.entry(key).or_insert(value);
        }
    }
    json!({"type": "object", "required": required, "properties": properties})
}

/// What every action that puts objects there answers.
fn objects_schema() -> Value {
    json!({"type": "object", "properties": {"objects": {"type": "array", "description": "What is there now", "items": {
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"}, "kind": {"type": "string"},
            "namespace": {"type": "string"}, "name": {"type": "string"},
        },
    }}}})
}
