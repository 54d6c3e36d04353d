//! `catalog:register`, `catalog:write`, `catalog:fetch`.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use url::Url;
use uuid::Uuid;

use super::super::workspace;
use super::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Inverse, Made,
    Outputs, flag, outputs, text, texts,
};
use crate::catalog::{Catalog, CatalogError, Registration};
use crate::entity::{Entity, EntityRef, RefDefaults, SOURCE_TEMPLATE};
use crate::forge::FileMode;
use crate::permission::Credentials;
use crate::yaml;

/// The descriptor's usual place.
const CATALOG_INFO: &str = "catalog-info.yaml";

/// The three actions.
pub(super) fn actions(catalog: &Catalog) -> Vec<Arc<dyn Action>> {
    vec![Arc::new(Register { catalog: catalog.clone() }), Arc::new(Write), Arc::new(Fetch { catalog: catalog.clone() })]
}

struct Register {
    catalog: Catalog,
}

impl Register {
    /// Whether the location was not registered before this run; noted, so that another attempt knows.
    async fn is_new(&self, ctx: &ActionContext, url: &str) -> Result<bool, ActionError> {
        if let Some(noted) = ctx.noted("isNew").await? {
            return Ok(noted == json!(true));
        }
        let target = self.catalog.reader().stored_target("url", url);
        let known = self.catalog.locations(&ctx.who).await?;
        let is_new = known.iter().all(|location| location.target != target);
        ctx.note("isNew", json!(is_new)).await?;
        Ok(is_new)
    }
}

impl Action for Register {
    fn description(&self) -> ActionDescription {
        let optional = json!({"type": "boolean", "description": "Permit the registered location to optionally exist. Default: false"});
        ActionDescription {
            id: "catalog:register",
            description: "Registers entities from a catalog descriptor file in the workspace into the software catalog.",
            input: json!({"anyOf": [
                {"type": "object", "required": ["catalogInfoUrl"], "additionalProperties": false, "properties": {
                    "catalogInfoUrl": {"type": "string", "description": "An absolute URL pointing to the catalog info file location"},
                    "optional": optional,
                }},
                {"type": "object", "required": ["repoContentsUrl"], "additionalProperties": false, "properties": {
                    "repoContentsUrl": {"type": "string", "description": "An absolute URL pointing to the root of a repository directory tree"},
                    "catalogInfoPath": {"type": "string", "description": "A relative path from the repo root pointing to the catalog info file, defaults to /catalog-info.yaml"},
                    "optional": optional,
                }},
            ]}),
            output: Some(json!({"type": "object", "required": ["catalogInfoUrl"], "properties": {
                "catalogInfoUrl": {"type": "string"}, "entityRef": {"type": "string"},
            }})),
            examples: vec![Example {
                description: "Registers what a repository declares.",
                example: "steps:\n  - id: register\n    action: catalog:register\n    input:\n      repoContentsUrl: ${{ steps.publish.output.repoContentsUrl }}\n      catalogInfoPath: /catalog-info.yaml\n",
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
            let url = info_url(&input)?;
            ctx.log.info(format!("Registering {url} in the catalog"));
            let is_new = self.is_new(ctx, &url).await?;
            let registered = self.catalog.register(&ctx.who, "url", &url, Registration::Refresh).await;
            let registered = match registered {
                Ok(registered) => registered,
                Err(error) if flag(&input, "optional") => {
                    ctx.log.warn(format!("Not registered: {error}"));
                    return Ok(outputs([("catalogInfoUrl", json!(url))]));
                }
                Err(error) => return Err(error.into()),
            };
            if let Some(problem) =
                registered.problems.first().filter(|_| registered.entities.is_empty() && !flag(&input, "optional"))
            {
                return Err(ActionError::failed(format!(
                    "{url} is registered, but nothing in it can be used: {}",
                    problem.message
                )));
            }
            for problem in &registered.problems {
                ctx.log.warn(format!("Registered with a problem: {}", problem.message));
            }
            let reference = primary(registered.entities.iter().map(Entity::reference));
            let sentence = reference
                .as_ref()
                .map_or_else(|| format!("catalog location {url}"), |reference| format!("catalog entry {reference}"));
            ctx.made("registered", &sentence, json!({"location": registered.location.id, "url": url, "isNew": is_new}))
                .await?;
            Ok(registered_outputs(&url, reference.as_ref()))
        })
    }

    fn inverse<'a>(&'a self, made: &'a Made) -> BoxFuture<'a, Result<Inverse, ActionError>> {
        Box::pin(async move {
            let sentence = format!("unregister {}", made.value["url"].as_str().unwrap_or(&made.sentence));
            let was_there = made.value["isNew"] == json!(false);
            let obstacle = was_there.then(|| "it was in the catalog before this run".to_owned());
            Ok(Inverse { sentence, obstacle })
        })
    }

    fn undo<'a>(&'a self, who: &'a Credentials, made: &'a Made) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(async move {
            let location = made.value["location"].as_str().and_then(|id| id.parse().ok());
            let location: Uuid = location.ok_or_else(|| ActionError::failed("the run noted no location"))?;
            match self.catalog.unregister(who, location).await {
                Ok(()) | Err(CatalogError::NotFound(_)) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move {
            let url = info_url(input)?;
            let Some(entities) = planned(ctx, input)? else {
                // Not made by this run, so it is there already and can be tried.
                let tried = self.catalog.register(&ctx.who, "url", &url, Registration::DryRun).await?;
                let effects = tried.entities.iter().map(|entity| register_effect(ctx, &entity.reference(), None));
                let reference = primary(tried.entities.iter().map(Entity::reference));
                return Ok(Inspection {
                    effects: effects.collect(),
                    outputs: registered_outputs(&url, reference.as_ref()),
                    warnings: Vec::new(),
                });
            };
            let effect = |reference: &EntityRef| {
                let known = self.catalog.entity(&ctx.who, reference);
                let conflict = known.map(|record| format!("{reference} exists already, from {}", record.location));
                register_effect(ctx, reference, conflict)
            };
            let effects = entities.iter().map(effect).collect();
            let reference = primary(entities.into_iter());
            Ok(Inspection { effects, outputs: registered_outputs(&url, reference.as_ref()), warnings: Vec::new() })
        })
    }
}

fn register_effect(ctx: &ActionContext, reference: &EntityRef, conflict: Option<String>) -> super::Effect {
    ctx.effect(EffectKind::Register, format!("register {reference}"), conflict)
}

fn registered_outputs(url: &str, reference: Option<&EntityRef>) -> Outputs {
    let mut outputs = outputs([("catalogInfoUrl", json!(url))]);
    if let Some(reference) = reference {
        outputs.insert("entityRef".to_owned(), json!(reference));
    }
    outputs
}

/// The entity that a registration is about: a component, else the first that is no location.
fn primary(references: impl Iterator<Item = EntityRef>) -> Option<EntityRef> {
    let references: Vec<EntityRef> = references.filter(|reference| reference.kind() != "location").collect();
    references.iter().find(|reference| reference.kind() == "component").or(references.first()).cloned()
}

/// The descriptor's URL: given, or joined to the repository's contents.
fn info_url(input: &Outputs) -> Result<String, ActionError> {
    if let Some(url) = text(input, "catalogInfoUrl") {
        return Ok(url.to_owned());
    }
    let contents = text(input, "repoContentsUrl").unwrap_or_default();
    let path = text(input, "catalogInfoPath").unwrap_or(CATALOG_INFO);
    let mut url = Url::parse(contents)
        .map_err(|error| ActionError::input(format!("repoContentsUrl \"{contents}\" is not a URL: {error}")))?;
    let path = workspace::normal(path.trim_start_matches('/'))?;
    url.path_segments_mut()
        .map_err(|()| ActionError::input(format!("repoContentsUrl \"{contents}\" has no path")))?
        .pop_if_empty()
        .extend(path.split('/'));
    Ok(url.into())
}

/// What the workspace's own descriptor declares, where this run publishes it.
fn planned(ctx: &ActionContext, input: &Outputs) -> Result<Option<Vec<EntityRef>>, ActionError> {
    let Some(contents) = text(input, "repoContentsUrl") else {
        return Ok(None);
    };
    let Some(folder) = ctx.published_folder(contents) else {
        return Ok(None);
    };
    let path = text(input, "catalogInfoPath").unwrap_or(CATALOG_INFO);
    let path = workspace::join(&folder, path.trim_start_matches('/'))?;
    let file = ctx.workspace.file(&path)?.ok_or_else(|| ActionError {
        name: "NotFoundError",
        message: format!("{path} is not among the files that are published"),
    })?;
    let source = String::from_utf8_lossy(&file.bytes);
    let mut references = Vec::new();
    for document in yaml::documents(&source) {
        let document = document.map_err(|error| ActionError::input(format!("{path}: {error}")))?;
        if let Value::Object(entity) = document.value {
            references.push(Entity(entity).reference());
        }
    }
    Ok(Some(references))
}

struct Write;

impl Action for Write {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "catalog:write",
            description: "Writes the catalog-info.yaml for your template",
            input: json!({"type": "object", "required": ["entity"], "additionalProperties": false, "properties": {
                "filePath": {"type": "string", "description": "Defaults to catalog-info.yaml"},
                "entity": {"type": "object", "additionalProperties": {}, "description": "You can provide the same values used in the Entity schema."},
            }}),
            output: None,
            examples: vec![Example {
                description: "Writes a component.",
                example: "steps:\n  - id: write\n    action: catalog:write\n    input:\n      entity:\n        apiVersion: backstage.io/v1alpha1\n        kind: Component\n        metadata:\n          name: ${{ parameters.name }}\n        spec:\n          type: service\n          lifecycle: production\n          owner: ${{ parameters.owner }}\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let path = text(&input, "filePath").unwrap_or(CATALOG_INFO);
            ctx.log.info(format!("Writing {path}"));
            let mut entity = input.get("entity").and_then(Value::as_object).cloned().unwrap_or_default();
            annotate(&mut entity, &ctx.template.reference);
            let text = serde_yaml::to_string(&entity)
                .map_err(|error| ActionError::failed(format!("the entity cannot be written: {error}")))?;
            ctx.workspace.write(path, FileMode::Regular, Bytes::from(text))?;
            Ok(Outputs::new())
        })
    }
}

/// Adds where the entity came from.
fn annotate(entity: &mut Map<String, Value>, template: &EntityRef) {
    let metadata = entity.entry("metadata").or_insert_with(|| json!({}));
    if let Some(metadata) = metadata.as_object_mut() {
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(SOURCE_TEMPLATE.to_owned(), json!(template));
        }
    }
}

struct Fetch {
    catalog: Catalog,
}

impl Action for Fetch {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "catalog:fetch",
            description: "Returns entity or entities from the catalog by entity reference(s)",
            input: json!({"type": "object", "additionalProperties": false, "properties": {
                "entityRef": {"type": "string", "description": "Entity reference of the entity to get"},
                "entityRefs": {"type": "array", "items": {"type": "string"}, "description": "Entity references of the entities to get"},
                "optional": {"type": "boolean", "description": "Allow the entity or entities to optionally exist. Default: false"},
                "defaultKind": {"type": "string", "description": "The default kind"},
                "defaultNamespace": {"type": "string", "description": "The default namespace"},
            }}),
            output: Some(json!({"type": "object", "properties": {
                "entity": {"description": "Object containing same values used in the Entity schema. Only when used with `entityRef` parameter."},
                "entities": {"type": "array"},
            }})),
            examples: vec![Example {
                description: "Gets one entity.",
                example: "steps:\n  - id: find\n    action: catalog:fetch\n    input:\n      entityRef: component:default/payments\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let one = text(&input, "entityRef");
            if one.is_none() && !input.contains_key("entityRefs") {
                if flag(&input, "optional") {
                    return Ok(Outputs::new());
                }
                return Err(ActionError::failed("Missing entity reference or references"));
            }
            if let Some(reference) = one {
                let entity = self.find(ctx, &input, reference)?;
                return Ok(entity.map(|entity| outputs([("entity", entity)])).unwrap_or_default());
            }
            let found: Result<Vec<Value>, ActionError> = texts(&input, "entityRefs")
                .iter()
                .map(|reference| Ok(self.find(ctx, &input, reference)?.unwrap_or(Value::Null)))
                .collect();
            Ok(outputs([("entities", Value::Array(found?))]))
        })
    }
}

impl Fetch {
    fn find(&self, ctx: &ActionContext, input: &Outputs, reference: &str) -> Result<Option<Value>, ActionError> {
        let defaults = RefDefaults { kind: text(input, "defaultKind"), namespace: text(input, "defaultNamespace") };
        let parsed = EntityRef::parse(reference, defaults).map_err(|error| ActionError::failed(error.to_string()))?;
        match self.catalog.entity(&ctx.who, &parsed) {
            Some(record) => Ok(Some(Value::Object(record.entity().0))),
            None if flag(input, "optional") => Ok(None),
            None => Err(ActionError::failed(format!("Entity {reference} not found"))),
        }
    }
}
