//! `delivery:environments`: tells a template where a service will land; it touches nothing.

use futures_util::future::BoxFuture;
use serde_json::json;

use super::super::environment::Subject;
use super::super::{Delivery, Placement};
use super::{name_of, registry, text};
use crate::scaffolder::{Action, ActionContext, ActionDescription, ActionError, Example, Outputs};

/// `delivery:environments`
pub(super) struct Environments(pub(super) Delivery);

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
                    "image": {"type": "string", "title": "Image", "description": "Its image with the host, to know whether clusters get a secret for it"},
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
                }}, "pullSecret": {"type": "string", "description": "The secret that registry:repository puts into the namespaces for the image; empty where it puts none"}},
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
            let pull_secret = registry::pull_secret(&self.0, text(&input, "image"))?;
            Ok(Outputs::from_iter([
                ("environments".to_owned(), json!(placements)),
                ("pullSecret".to_owned(), json!(pull_secret)),
            ]))
        })
    }
}
