//! `catalog:unregister`: the inverse of `catalog:register`.
//!
//! What is not registered is no error, so that a template that cleans up can run twice.

use futures_util::future::BoxFuture;
use serde_json::json;

use super::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Outputs,
    outputs, text,
};
use crate::catalog::{Catalog, CatalogError, Location};
use crate::entity::{EntityRef, RefDefaults};

/// Entities that a plan names one by one.
const NAMED: usize = 20;

/// The action.
pub(super) struct Unregister {
    catalog: Catalog,
}

impl Unregister {
    /// From this catalog.
    pub(super) fn new(catalog: &Catalog) -> Self {
        Self { catalog: catalog.clone() }
    }

    /// The registered location that the input names.
    async fn location(&self, ctx: &ActionContext, input: &Outputs) -> Result<Option<Location>, ActionError> {
        if let Some(url) = text(input, "catalogInfoUrl") {
            let target = self.catalog.reader().stored_target("url", url);
            let locations = self.catalog.locations(&ctx.who).await?;
            return Ok(locations.into_iter().find(|location| location.kind == "url" && location.target == target));
        }
        let given = text(input, "entityRef").unwrap_or_default();
        let defaults = RefDefaults { kind: Some("component"), namespace: Some("default") };
        let reference = EntityRef::parse(given, defaults).map_err(|error| ActionError::input(error.to_string()))?;
        match self.catalog.location_by_entity(&ctx.who, &reference).await {
            Ok(location) => Ok(Some(location)),
            Err(CatalogError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// What the input names, for messages.
fn named(input: &Outputs) -> &str {
    text(input, "catalogInfoUrl").or_else(|| text(input, "entityRef")).unwrap_or_default()
}

impl Action for Unregister {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "catalog:unregister",
            description: "Removes the location registered for a catalog-info URL, or the one that an entity comes from, and every entity that only it declared.",
            input: json!({"anyOf": [
                {"type": "object", "required": ["catalogInfoUrl"], "additionalProperties": false, "properties": {
                    "catalogInfoUrl": {"type": "string", "description": "The catalog-info.yaml URL that was registered"},
                }},
                {"type": "object", "required": ["entityRef"], "additionalProperties": false, "properties": {
                    "entityRef": {"type": "string", "description": "An entity that the location declares"},
                }},
            ]}),
            output: Some(json!({"type": "object", "properties": {
                "catalogInfoUrl": {"type": "string", "description": "What is no longer registered; nothing if it was not"},
            }})),
            examples: vec![Example {
                description: "Removes what a repository declares.",
                example: "steps:\n  - id: unregister\n    action: catalog:unregister\n    input:\n      entityRef: component:default/payments\n",
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
            let Some(location) = self.location(ctx, &input).await? else {
                ctx.log.warn(format!("No catalog location found for {}. Nothing to unregister.", named(&input)));
                return Ok(Outputs::new());
            };
            self.catalog.unregister(&ctx.who, location.id).await?;
            ctx.log.info(format!("Removed catalog location {}", location.reference()));
            Ok(outputs([("catalogInfoUrl", json!(location.target))]))
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move {
            let Some(location) = self.location(ctx, input).await? else {
                let warning = format!("{} is not registered now; there would be nothing to unregister", named(input));
                return Ok(Inspection { warnings: vec![warning], ..Inspection::default() });
            };
            let removal = self.catalog.removal(&ctx.who, location.id).await?;
            let effect = |sentence: String| ctx.effect(EffectKind::Other, sentence, None);
            let mut effects = vec![effect(format!("unregister {}", location.target))];
            if removal.is_fixed {
                let warning = format!("{} stays in the catalog: configuration names it too", location.target);
                return Ok(Inspection { effects, warnings: vec![warning], ..Inspection::default() });
            }
            effects
                .extend(removal.goes.iter().take(NAMED).map(|record| effect(format!("remove {}", record.reference))));
            if let Some(more) = removal.goes.len().checked_sub(NAMED).filter(|more| *more > 0) {
                effects.push(effect(format!("remove {more} more entities")));
            }
            let outputs = outputs([("catalogInfoUrl", json!(location.target))]);
            Ok(Inspection { effects, outputs, warnings: Vec::new() })
        })
    }
}
