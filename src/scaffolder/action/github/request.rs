//! What a step asks GitHub for: its input as a thing to be there, or as a change.

use serde_json::{Value, json};

use super::super::{ActionContext, ActionError, Outputs, flag, outputs, text, texts};
use super::change::Change;
use super::environment::{self, Contents};
use super::input::count;
use super::protection;
use crate::catalog::Catalog;
use crate::forge::{Fixture, GitHub, RepositoryId, Scope};

/// What is asked for.
pub(super) enum Wanted {
    /// A thing.
    Fixture(Box<Fixing>),
    /// Something else.
    Change(Change),
}

/// A thing to be there.
pub(super) struct Fixing {
    pub(super) fixture: Fixture,
    pub(super) warnings: Vec<String>,
    /// What is set in it once it is there.
    pub(super) contents: Option<Contents>,
    /// A secret that goes with it.
    pub(super) secret: Option<(String, String)>,
    /// What later steps see of GitHub's answer.
    pub(super) outputs: fn(&Value, &Self) -> Outputs,
}

fn nothing(_: &Value, _: &Fixing) -> Outputs {
    Outputs::new()
}

impl Fixing {
    pub(super) fn of(fixture: Fixture) -> Self {
        Self { fixture, warnings: Vec::new(), contents: None, secret: None, outputs: nothing }
    }

    /// What later steps see, of GitHub's answer or of nothing in a plan.
    pub(super) fn outputs(&self, told: &Value) -> Outputs {
        (self.outputs)(told, self)
    }

    /// Sets what goes with the thing, which is there.
    pub(super) async fn complete(&self, github: &GitHub, id: &RepositoryId) -> Result<(), ActionError> {
        if let Some(contents) = &self.contents {
            contents.set(github, id).await?;
        }
        if let Some(secret) = &self.secret {
            github.set_secrets(id, Scope::Actions, std::slice::from_ref(secret)).await?;
        }
        Ok(())
    }
}

impl Wanted {
    /// Understands the input of an action.
    pub(super) async fn of(
        action: &str,
        github: &GitHub,
        catalog: &Catalog,
        ctx: &ActionContext,
        id: &RepositoryId,
        input: &Outputs,
    ) -> Result<Self, ActionError> {
        let fixing = match action {
            "github:issues:label" => {
                let number = count(input, "number").ok_or_else(|| needed("number", "the number of an issue"))?;
                return Ok(Self::Change(Change::Label { number, labels: texts(input, "labels") }));
            }
            "github:repo:archive" => return Ok(Self::Change(Change::Archive)),
            "github:autolinks:create" => {
                let alphanumeric = input.get("isAlphanumeric").and_then(Value::as_bool).unwrap_or(true);
                let (prefix, template) = (filled(input, "keyPrefix")?, filled(input, "urlTemplate")?);
                if !template.contains("<num>") {
                    return Err(ActionError::input(format!(
                        "`urlTemplate` is {template:?}, without `<num>` where the number goes"
                    )));
                }
                Fixing::of(Fixture::autolink(id, prefix, template, alphanumeric))
            }
            "github:branch-protection:create" => {
                let branch = match text(input, "branch") {
                    Some(branch) if !branch.is_empty() => branch.to_owned(),
                    _ => default_branch(github, id).await?,
                };
                Fixing::of(protection::wanted(id, &branch, input, "enforceAdmins"))
            }
            "github:deployKey:create" => deploy_key(id, input)?,
            "github:environment:create" => {
                environment::wanted(github, catalog, ctx, id, filled(input, "name")?, input).await?
            }
            "github:issues:create" => issue(ctx, id, input)?,
            "github:pages:enable" => pages(id, input)?,
            "github:webhook" => webhook(id, input)?,
            "github:ruleset:create" => ruleset(id, input)?,
            "github:actions:dispatch" => return Ok(Self::Change(Change::dispatch(input)?)),
            other => return Err(ActionError::failed(format!("{other} is not known here"))),
        };
        Ok(Self::Fixture(Box::new(fixing)))
    }
}

async fn default_branch(github: &GitHub, id: &RepositoryId) -> Result<String, ActionError> {
    use crate::forge::{Forge as _, ForgeError};
    match github.find(id).await {
        Ok(repository) => Ok(repository.default_branch),
        // In a plan, an earlier step may be to create it.
        Err(ForgeError::NotFound(_)) => Ok("main".to_owned()),
        Err(error) => Err(error.into()),
    }
}

fn needed(key: &str, what: &str) -> ActionError {
    ActionError::input(format!("`{key}` is not {what}"))
}

fn filled<'a>(input: &'a Outputs, key: &str) -> Result<&'a str, ActionError> {
    text(input, key)
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| ActionError::input(format!("`{key}` is empty; fill it in")))
}

fn deploy_key(id: &RepositoryId, input: &Outputs) -> Result<Fixing, ActionError> {
    let name = filled(input, "deployKeyName")?;
    let default = format!("{}_PRIVATE_KEY", name.split_whitespace().collect::<Vec<_>>().join("_").to_uppercase());
    let secret = text(input, "privateKeySecretName").filter(|name| !name.is_empty()).map_or(default, str::to_owned);
    Ok(Fixing {
        secret: Some((secret, filled(input, "privateKey")?.to_owned())),
        outputs: |_, fixing| {
            let name = fixing.secret.as_ref().map(|(name, _)| name.as_str());
            outputs([("privateKeySecretName", json!(name))])
        },
        ..Fixing::of(Fixture::deploy_key(id, name, filled(input, "publicKey")?))
    })
}

fn issue(ctx: &ActionContext, id: &RepositoryId, input: &Outputs) -> Result<Fixing, ActionError> {
    let title = filled(input, "title")?;
    // Readers do not see it; the run's next attempt does.
    let mark = format!("<!-- Greenroom-Run: {} {} -->", ctx.task, ctx.step.key);
    let written = text(input, "body").unwrap_or_default();
    let mut body = json!({"title": title, "body": format!("{written}\n\n{mark}").trim_start()});
    let (assignees, labels) = (texts(input, "assignees"), texts(input, "labels"));
    if !assignees.is_empty() {
        body["assignees"] = json!(assignees);
    }
    if !labels.is_empty() {
        body["labels"] = json!(labels);
    }
    if let Some(milestone) = input.get("milestone").filter(|milestone| !milestone.is_null()) {
        body["milestone"] = milestone.clone();
    }
    Ok(Fixing {
        outputs: |told, _| {
            outputs([
                ("issueUrl", told.get("html_url").cloned().unwrap_or_default()),
                ("issueNumber", told.get("number").cloned().unwrap_or(json!(1))),
            ])
        },
        ..Fixing::of(Fixture::issue(id, title, &mark, body))
    })
}

fn pages(id: &RepositoryId, input: &Outputs) -> Result<Fixing, ActionError> {
    let kind = text(input, "buildType").unwrap_or("workflow");
    if !matches!(kind, "workflow" | "legacy") {
        return Err(ActionError::input(format!("`buildType` is {kind:?}; choose `workflow` or `legacy`")));
    }
    let mut body = json!({"build_type": kind});
    if kind == "legacy" {
        let branch = text(input, "sourceBranch").unwrap_or("main");
        body["source"] = json!({"branch": branch, "path": text(input, "sourcePath").unwrap_or("/")});
    }
    Ok(Fixing::of(Fixture::pages(id, body)))
}

fn webhook(id: &RepositoryId, input: &Outputs) -> Result<Fixing, ActionError> {
    let url = filled(input, "webhookUrl")?;
    let mut config = json!({
        "url": url,
        "content_type": text(input, "contentType").unwrap_or("form"),
        "insecure_ssl": if flag(input, "insecureSsl") { "1" } else { "0" },
    });
    if let Some(secret) = text(input, "webhookSecret").filter(|secret| !secret.is_empty()) {
        config["secret"] = json!(secret);
    }
    let events = match input.get("events") {
        Some(Value::Array(_)) => texts(input, "events"),
        _ => vec!["push".to_owned()],
    };
    let active = input.get("active").and_then(Value::as_bool).unwrap_or(true);
    let body = json!({"name": "web", "active": active, "events": events, "config": config});
    Ok(Fixing::of(Fixture::webhook(id, url, body)))
}

fn ruleset(id: &RepositoryId, input: &Outputs) -> Result<Fixing, ActionError> {
    let name = filled(input, "name")?;
    let target = text(input, "target").unwrap_or("branch");
    let include = match input.get("include") {
        Some(Value::Array(_)) => texts(input, "include"),
        _ => vec!["~DEFAULT_BRANCH".to_owned()],
    };
    let mut body = json!({
        "name": name,
        "target": target,
        "enforcement": text(input, "enforcement").unwrap_or("active"),
        "conditions": {"ref_name": {"include": include, "exclude": texts(input, "exclude")}},
        "rules": input.get("rules").cloned().unwrap_or_default(),
    });
    if let Some(actors) = input.get("bypassActors").filter(|actors| actors.is_array()) {
        body["bypass_actors"] = actors.clone();
    }
    Ok(Fixing {
        outputs: |told, _| outputs([("rulesetId", told.get("id").cloned().unwrap_or(json!(1)))]),
        ..Fixing::of(Fixture::ruleset(id, name, body))
    })
}
