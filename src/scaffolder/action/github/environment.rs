//! `github:environment:create`: who may deploy where, with variables and secrets of its own.

use serde_json::{Value, json};

use super::super::{ActionContext, ActionError, Outputs, texts};
use super::input::{bare_name, count, pairs};
use super::request::Fixing;
use crate::catalog::Catalog;
use crate::entity::{EntityRef, RefDefaults};
use crate::forge::{Collaborator, Fixture, GitHub, RepositoryId, Scope};

/// What is set in an environment once it is there.
pub(super) struct Contents {
    name: String,
    variables: Vec<(String, String)>,
    secrets: Vec<(String, String)>,
}

impl Contents {
    pub(super) async fn set(&self, github: &GitHub, id: &RepositoryId) -> Result<(), ActionError> {
        let scope = Scope::Environment(&self.name);
        github.set_variables(id, scope, &self.variables).await?;
        github.set_secrets(id, scope, &self.secrets).await?;
        Ok(())
    }
}

/// The environment that an input asks for.
pub(super) async fn wanted(
    github: &GitHub,
    catalog: &Catalog,
    ctx: &ActionContext,
    id: &RepositoryId,
    name: &str,
    input: &Outputs,
) -> Result<Fixing, ActionError> {
    let mut body = json!({});
    if let Some(minutes) = count(input, "waitTimer") {
        body["wait_timer"] = json!(minutes);
    }
    if let Some(prevent) = input.get("preventSelfReview").and_then(Value::as_bool) {
        body["prevent_self_review"] = json!(prevent);
    }
    let mut warnings = Vec::new();
    let mut reviewers = Vec::new();
    for reference in texts(input, "reviewers") {
        let who = collaborator(catalog, ctx, &reference)?;
        match github.reviewer(id, &who).await {
            Ok(reviewer) => reviewers.push(reviewer.told()),
            Err(error) => {
                let told = format!("reviewer {reference} of environment {name} is left out: {error}");
                ctx.log.warn(told.clone());
                warnings.push(told);
            }
        }
    }
    if !reviewers.is_empty() {
        body["reviewers"] = json!(reviewers);
    }
    let (branches, tags) = (texts(input, "customBranchPolicyNames"), texts(input, "customTagPolicyNames"));
    let named = !branches.is_empty() || !tags.is_empty();
    match input.get("deploymentBranchPolicy") {
        Some(policy) if !policy.is_null() => body["deployment_branch_policy"] = policy.clone(),
        // Names mean nothing without it.
        _ if named => {
            body["deployment_branch_policy"] = json!({"protected_branches": false, "custom_branch_policies": true});
        }
        _ => {}
    }
    let policies: Vec<(&str, &str)> = branches
        .iter()
        .map(|name| ("branch", name.as_str()))
        .chain(tags.iter().map(|name| ("tag", name.as_str())))
        .collect();
    let contents = Contents {
        name: name.to_owned(),
        variables: pairs(input, "environmentVariables")?,
        secrets: pairs(input, "secrets")?,
    };
    let fixture = Fixture::environment(id, name, body, &policies);
    Ok(Fixing { contents: Some(contents), warnings, ..Fixing::of(fixture) })
}

/// The person or team on GitHub behind an entity: by its annotation, else by its name.
fn collaborator(catalog: &Catalog, ctx: &ActionContext, text: &str) -> Result<Collaborator, ActionError> {
    let defaults = RefDefaults { kind: Some("group"), namespace: Some("default") };
    let reference = EntityRef::parse(text, defaults).map_err(|error| {
        ActionError::input(format!("`reviewers` has {text:?}, which is no entity reference: {error}"))
    })?;
    let record = catalog.entity(&ctx.who, &reference);
    let entity = record.map(|record| record.entity());
    let annotated =
        |name: &str| entity.as_ref().and_then(|entity| entity.annotation(name)).map(|text| bare_name(text).to_owned());
    if reference.kind() == "user" {
        let login = annotated("github.com/user-login").unwrap_or_else(|| reference.name().to_owned());
        return Ok(Collaborator::User(login));
    }
    Ok(Collaborator::Team(annotated("github.com/team-slug").unwrap_or_else(|| reference.name().to_owned())))
}
