//! `notification:send`: tells people something.
//!
//! Users and groups are told as such; of any other entity its owners are. The notification's id is noted before it is
//! sent, so that a run that was cut off tells nothing twice.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Outputs, flag,
    text, texts,
};
use crate::catalog::Catalog;
use crate::entity::{EntityRef, RefDefaults};
use crate::notification::{Message, NotificationError, Notifications, Severity};

/// Who says it, as with Backstage.
const ORIGIN: &str = "plugin:scaffolder";
/// The relation to the owners of an entity.
const OWNED_BY: &str = "ownedBy";
/// Under which key the ledger has the notification's id.
const ID: &str = "notification";

/// The action.
pub(crate) fn send_notification(notifications: &Notifications, catalog: &Catalog) -> Arc<dyn Action> {
    Arc::new(Send { notifications: notifications.clone(), catalog: catalog.clone() })
}

struct Send {
    notifications: Notifications,
    catalog: Catalog,
}

impl Send {
    /// Users and groups that are told; none is everybody.
    fn recipients(&self, ctx: &ActionContext, input: &Outputs) -> Result<Option<Vec<EntityRef>>, ActionError> {
        if text(input, "recipients") == Some("broadcast") {
            return Ok(None);
        }
        let mut all = Vec::new();
        for given in texts(input, "entityRefs") {
            let defaults = RefDefaults { kind: Some("user"), namespace: Some("default") };
            let reference =
                EntityRef::parse(&given, defaults).map_err(|error| ActionError::input(error.to_string()))?;
            if matches!(reference.kind(), "user" | "group") {
                all.push(reference);
                continue;
            }
            let record = self.catalog.entity(&ctx.who, &reference);
            let record = record.ok_or_else(|| ActionError {
                name: "NotFoundError",
                message: format!("{given} is not in the catalog, so that nobody can be told"),
            })?;
            let owners = record.relations().into_iter().filter(|relation| relation.kind == OWNED_BY);
            // References in relations were checked when they came into the catalog.
            all.extend(owners.filter_map(|relation| relation.target.parse().ok()));
        }
        all.sort();
        all.dedup();
        Ok(Some(all))
    }

    fn message(&self, ctx: &ActionContext, input: &Outputs, id: Uuid) -> Result<Message, ActionError> {
        let given = |key: &str| text(input, key).map(str::to_owned);
        let severity = match text(input, "severity") {
            Some("low") => Severity::Low,
            Some("high") => Severity::High,
            Some("critical") => Severity::Critical,
            _ => Severity::Normal,
        };
        Ok(Message {
            id,
            recipients: self.recipients(ctx, input)?,
            origin: ORIGIN.to_owned(),
            title: given("title").unwrap_or_default(),
            description: given("info"),
            link: given("link"),
            severity,
            scope: given("scope"),
        })
    }

    async fn send(&self, ctx: &ActionContext, input: &Outputs) -> Result<(), ActionError> {
        let noted = ctx.noted(ID).await?.and_then(|id| id.as_str()?.parse().ok());
        let id = noted.unwrap_or_else(Uuid::now_v7);
        let message = self.message(ctx, input, id)?;
        if noted.is_none() {
            ctx.note(ID, json!(id)).await?;
        }
        self.notifications.send(&message).await.map_err(|error| match error {
            NotificationError::Invalid(what) => ActionError::input(what),
            NotificationError::Store(_) => ActionError::failed(error.to_string()),
        })
    }
}

impl Action for Send {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "notification:send",
            description: "Sends a notification using NotificationService",
            input: json!({
                "type": "object", "required": ["recipients", "title"],
                "properties": {
                    "recipients": {"title": "Recipient", "type": "string", "enum": ["broadcast", "entity"], "description": "The recipient of the notification, either broadcast or entity. If using entity, also entityRef must be provided"},
                    "entityRefs": {"title": "Entity references", "type": "array", "items": {"type": "string"}, "description": "The entity references to send the notification to, required if using recipient of entity"},
                    "title": {"title": "Title", "type": "string", "description": "Notification title"},
                    "info": {"title": "Description", "type": "string", "description": "Notification description"},
                    "link": {"title": "Link", "type": "string", "description": "Notification link"},
                    "severity": {"title": "Severity", "type": "string", "enum": ["low", "normal", "high", "critical"], "description": "Notification severity"},
                    "scope": {"title": "Scope", "type": "string", "description": "Notification scope"},
                    "optional": {"title": "Optional", "type": "boolean", "description": "Do not fail the action if the notification sending fails"},
                },
            }),
            output: None,
            examples: vec![Example {
                description: "Tells a team that its service is there.",
                example: "steps:\n  - id: notify\n    action: notification:send\n    input:\n      recipients: entity\n      entityRefs:\n        - group:default/payments\n      title: The service is ready\n      info: Everything was made as planned.\n      link: /catalog/default/component/payments\n      severity: normal\n",
            }],
        }
    }

    fn effect(&self) -> EffectClass {
        EffectClass::Outside
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let optional = flag(&input, "optional");
            let recipients = text(&input, "recipients").unwrap_or_default();
            ctx.log.info(format!("Sending notification to {recipients}"));
            if is_unaddressed(&input) {
                return if optional { Ok(Outputs::new()) } else { Err(unaddressed()) };
            }
            match self.send(ctx, &input).await {
                Ok(()) => Ok(Outputs::new()),
                Err(error) => {
                    ctx.log.warn(format!("Failed to send notification: {error}"));
                    if optional { Ok(Outputs::new()) } else { Err(error) }
                }
            }
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move {
            let optional = flag(input, "optional");
            if is_unaddressed(input) {
                return if optional { Ok(Inspection::default()) } else { Err(unaddressed()) };
            }
            let title = text(input, "title").unwrap_or_default();
            let told = match self.recipients(ctx, input) {
                Ok(None) => "everybody".to_owned(),
                Ok(Some(all)) => all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
                Err(error) if optional => {
                    return Ok(Inspection { warnings: vec![error.message], ..Default::default() });
                }
                // An entity that this run registers is not there yet.
                Err(error) if error.name == "NotFoundError" => texts(input, "entityRefs").join(", "),
                Err(error) => return Err(error),
            };
            let effect = ctx.effect(EffectKind::Other, format!("notify {told}: {title}"), None);
            Ok(Inspection { effects: vec![effect], ..Inspection::default() })
        })
    }
}

fn is_unaddressed(input: &Outputs) -> bool {
    text(input, "recipients") == Some("entity") && !input.get("entityRefs").is_some_and(Value::is_array)
}

fn unaddressed() -> ActionError {
    ActionError::failed("Entity references must be provided")
}
