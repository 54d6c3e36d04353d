//! `registry:repository`: an image gets its place in a registry, and pipelines and clusters get what they sign in with.
//!
//! Flow: input → [`Wanted`] (`request`) → the place (`place`: on a Harbor a project, immutable tags) → who pushes and who
//! pulls (`accounts`), each account made only where its secret has a place to go, since Harbor tells it once. `taken`
//! takes it all back. `push` is `registry:push-chart`.
//!
//! Another attempt of a run goes on where one was cut off: what was there before is noted first, robot accounts carry the
//! run in their description, and an account whose secret may not have arrived gets a new one.

mod accounts;
mod place;
mod push;
mod request;
mod taken;

use futures_util::future::BoxFuture;
use serde_json::json;

pub(super) use self::push::PushChart;
use self::request::Wanted;
pub(super) use self::request::pull_secret;
use super::super::Delivery;
use crate::forge::Forges;
use crate::permission::Credentials;
use crate::registry::RegistryError;
use crate::scaffolder::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, Example, Inspection, Inverse, Made, Outputs,
};

/// `registry:repository`
pub(super) struct RegistryRepository {
    pub(super) delivery: Delivery,
    pub(super) forges: Forges,
}

impl Action for RegistryRepository {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "registry:repository",
            description: "Prepares a registry for an image: its project, its immutable tags, and what pipelines and clusters sign in with.",
            input: json!({
                "type": "object",
                "required": ["image"],
                "properties": {
                    "registry": {"type": "string", "title": "Registry", "description": "Name of a configured registry; that of the image's host, or the only one, without it"},
                    "image": {"type": "string", "title": "Image", "minLength": 1, "description": "payments-api, with its project acme/payments-api, or with its host as well; one whose host is no configured registry is left out"},
                    "project": {"type": "string", "title": "Project", "description": "Harbor's project, GHCR's owner; as configured without it"},
                    "quota": {"type": ["string", "number"], "title": "Quota", "description": "What a new project may hold: 10Gi, or bytes (Harbor)"},
                    "visibility": {"type": "string", "title": "Visibility", "enum": ["private", "public"], "description": "Who may pull from a new project; private without it (Harbor)"},
                    "immutableTags": {"type": ["boolean", "string"], "title": "Immutable tags", "description": "true, or a pattern as v*: tags of the image that can neither be moved nor deleted (Harbor)"},
                    "repoUrl": {"type": "string", "title": "Repository", "description": "Its pipelines get REGISTRY_USERNAME and REGISTRY_PASSWORD as secrets"},
                    "environments": {"type": "array", "title": "Environments", "description": "As delivery:environments tells them; each one's namespace gets a pull secret", "items": {
                        "type": "object", "required": ["name", "namespace"],
                        "properties": {"name": {"type": "string"}, "namespace": {"type": "string"}},
                    }},
                    "pullSecret": {"type": "string", "title": "Pull secret", "default": "registry", "description": "What the secret in the namespaces is called"},
                    "expiresInDays": {"type": "integer", "title": "Days until the accounts expire", "minimum": 1, "maximum": 3650, "description": "Never without it (Harbor)"},
                },
            }),
            output: Some(json!({
                "type": "object",
                "properties": {
                    "registry": {"type": "string", "description": "Host of the registry"},
                    "image": {"type": "string", "description": "The image with its host, without a tag"},
                    "repository": {"type": "string", "description": "The same without the host"},
                    "link": {"type": "string", "description": "A page about it, where the registry has one"},
                    "pullSecret": {"type": "string", "description": "Name of the secret in the namespaces; empty where none is made"},
                },
            })),
            examples: vec![Example {
                description: "A place for the image of a service, in a project of its team",
                example: "steps:\n  - id: registry\n    action: registry:repository\n    input:\n      image: ${{ parameters.name }}\n      project: payments\n      quota: 20Gi\n      immutableTags: v*\n      repoUrl: ${{ parameters.repoUrl }}\n      environments:\n        - { name: dev, namespace: payments-dev }\n        - { name: prod, namespace: payments-prod }\n",
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
            let wanted = match Wanted::of(&self.delivery, &self.forges, &input)? {
                Ok(wanted) => wanted,
                Err(why) => {
                    ctx.log.info(why);
                    return Ok(Outputs::new());
                }
            };
            for line in &wanted.remarks {
                ctx.log.warn(line.clone());
            }
            place::prepare(ctx, &wanted).await?;
            accounts::give(ctx, &wanted).await?;
            ctx.log.info(format!("{} can be pushed to registry {} now", wanted.image, wanted.registry.name()));
            Ok(wanted.outputs())
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move {
            let wanted = match Wanted::of(&self.delivery, &self.forges, input)? {
                Ok(wanted) => wanted,
                Err(why) => return Ok(Inspection { warnings: vec![why], ..Inspection::default() }),
            };
            let mut effects = place::foresee(ctx, &wanted).await?;
            effects.extend(accounts::foresee(ctx, &wanted).await?);
            Ok(Inspection { effects, outputs: wanted.outputs(), warnings: wanted.remarks })
        })
    }

    fn inverse<'a>(&'a self, made: &'a Made) -> BoxFuture<'a, Result<Inverse, ActionError>> {
        Box::pin(taken::inverse(&self.delivery, made))
    }

    fn undo<'a>(&'a self, _: &'a Credentials, made: &'a Made) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(taken::undo(&self.delivery, &self.forges, made))
    }
}

/// A registry's refusal as that of a step.
fn refused(error: &RegistryError) -> ActionError {
    let name = match error {
        RegistryError::Unknown { .. } | RegistryError::Unsaid { .. } | RegistryError::Invalid { .. } => "InputError",
        RegistryError::Conflict { .. } => "ConflictError",
        RegistryError::NotFound { .. } => "NotFoundError",
        RegistryError::Credentials { .. }
        | RegistryError::Anonymous { .. }
        | RegistryError::Forbidden { .. }
        | RegistryError::Quota { .. } => "NotAllowedError",
        RegistryError::Away { .. } | RegistryError::Busy { .. } => "ServiceUnavailableError",
        RegistryError::Configuration { .. }
        | RegistryError::Unsupported { .. }
        | RegistryError::Failed { .. }
        | RegistryError::TooLarge { .. } => "Error",
    };
    ActionError { name, message: error.to_string() }
}
