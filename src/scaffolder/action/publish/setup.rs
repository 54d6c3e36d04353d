//! What a new repository is set up with on GitHub: settings, who may do what, topics, variables, secrets, protection.
//!
//! Everything says what a thing is to be, so a retry says it again. As in Backstage, a collaborator or topic that GitHub
//! refuses is left out with a line in the log; a secret or a protection that it refuses fails the step.

use serde_json::{Map, Value, json};

use super::super::github::input::{bare_name, pairs};
use super::super::github::protection;
use super::super::{ActionContext, ActionError, Outputs, flag, text, texts};
use super::given;
use crate::forge::{Collaborator, ForgeError, GitHub, RepositoryId, Scope};

/// Inputs that are settings of the repository, with GitHub's names.
const SETTINGS: [(&str, &str); 13] = [
    ("homepage", "homepage"),
    ("deleteBranchOnMerge", "delete_branch_on_merge"),
    ("allowMergeCommit", "allow_merge_commit"),
    ("allowSquashMerge", "allow_squash_merge"),
    ("allowRebaseMerge", "allow_rebase_merge"),
    ("allowUpdateBranch", "allow_update_branch"),
    ("allowAutoMerge", "allow_auto_merge"),
    ("squashMergeCommitTitle", "squash_merge_commit_title"),
    ("squashMergeCommitMessage", "squash_merge_commit_message"),
    ("hasProjects", "has_projects"),
    ("hasWiki", "has_wiki"),
    ("hasIssues", "has_issues"),
    ("description", "description"),
];

/// Sets a repository up that this run made and that has no files of its own yet.
pub(super) async fn set_up(
    github: &GitHub,
    ctx: &ActionContext,
    id: &RepositoryId,
    input: &Outputs,
) -> Result<(), ActionError> {
    github.configure(id, settings(input)).await?;
    for (who, role, name) in collaborators(id, input)? {
        skipped(ctx, &format!("{role} access for {name}"), github.grant(id, &who, &role).await)?;
    }
    let topics = texts(input, "topics");
    if !topics.is_empty() {
        skipped(ctx, &format!("topics {}", topics.join(" ")), github.set_topics(id, &topics).await)?;
    }
    github.set_variables(id, Scope::Actions, &pairs(input, "repoVariables")?).await?;
    github.set_secrets(id, Scope::Actions, &pairs(input, "secrets")?).await?;
    if let Some(oidc) = input.get("oidcCustomization").and_then(Value::as_object) {
        let default = oidc.get("useDefault").and_then(Value::as_bool).unwrap_or(true);
        github.customize_oidc(id, default, &texts(oidc, "includeClaimKeys")).await?;
    }
    let properties = input.get("customProperties").and_then(Value::as_object);
    let properties: Vec<(String, Value)> =
        properties.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
    if !properties.is_empty() {
        github.set_properties(id, &properties).await?;
    }
    if flag(input, "subscribe") {
        github.subscribe(id).await?;
    }
    if let Some(level) = given(input, "workflowAccess") {
        github.share_workflows(id, level).await?;
    }
    Ok(())
}

/// Protects the branch that was pushed, unless the input says not to.
pub(super) async fn protect(
    github: &GitHub,
    ctx: &ActionContext,
    id: &RepositoryId,
    branch: &str,
    input: &Outputs,
) -> Result<(), ActionError> {
    if !is_protected(input) {
        return Ok(());
    }
    match github.fit(&protection::wanted(id, branch, input, "protectEnforceAdmins")).await {
        Ok(_) => {
            ctx.log.info(format!("Protected branch {branch} of {id}"));
            Ok(())
        }
        // What the plan of an account has not cannot be had by trying again.
        Err(ForgeError::Denied(told)) if told.contains("Upgrade to GitHub") => {
            ctx.log.warn(format!("Branch {branch} of {id} is not protected: {told}"));
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the default branch is to be protected.
fn is_protected(input: &Outputs) -> bool {
    input.get("protectDefaultBranch").and_then(Value::as_bool).unwrap_or(true)
}

/// What a plan says of it, one sentence for each.
pub(super) fn foreseen(id: &RepositoryId, branch: &str, input: &Outputs) -> Result<Vec<String>, ActionError> {
    let mut told = Vec::new();
    for (_, role, name) in collaborators(id, input)? {
        told.push(format!("give {name} {role} access to {id}"));
    }
    let names = |key: &str| -> Result<Vec<String>, ActionError> {
        Ok(pairs(input, key)?.into_iter().map(|(name, _)| name).collect())
    };
    let (variables, secrets) = (names("repoVariables")?, names("secrets")?);
    if !variables.is_empty() {
        told.push(format!("set variables of {id}: {}", variables.join(", ")));
    }
    if !secrets.is_empty() {
        told.push(format!("set secrets of {id}: {}", secrets.join(", ")));
    }
    if is_protected(input) {
        told.push(format!("protect branch {branch} of {id}"));
    }
    Ok(told)
}

fn settings(input: &Outputs) -> Value {
    let mut settings: Map<String, Value> = Map::new();
    // The mark stood in its place.
    settings.insert("description".to_owned(), json!(""));
    for (key, name) in SETTINGS {
        if let Some(value) = input.get(key).filter(|value| !value.is_null()) {
            settings.insert(name.to_owned(), value.clone());
        }
    }
    Value::Object(settings)
}

/// Who gets which role, and how they are called in the log.
fn collaborators(id: &RepositoryId, input: &Outputs) -> Result<Vec<(Collaborator, String, String)>, ActionError> {
    let mut all = Vec::new();
    if let Some(access) = given(input, "access").filter(|access| *access != id.owner()) {
        let who = match access.split_once('/') {
            Some((owner, team)) if owner.eq_ignore_ascii_case(id.owner()) => Collaborator::Team(team.to_owned()),
            Some((owner, team)) => {
                return Err(ActionError::input(format!(
                    "`access` is {access:?}, a team of {owner}; the repository belongs to {}, so give `{}/{team}`",
                    id.owner(),
                    id.owner()
                )));
            }
            None => Collaborator::User(access.to_owned()),
        };
        all.push((who, "admin".to_owned(), access.to_owned()));
    }
    let list = input.get("collaborators").and_then(Value::as_array);
    for (at, entry) in list.into_iter().flatten().enumerate() {
        let Some(entry) = entry.as_object() else {
            return Err(ActionError::input(format!(
                "`collaborators[{at}]` is no object with `user` or `team`, and `access`"
            )));
        };
        let role = text(entry, "access").unwrap_or("push").to_owned();
        // `username` is what Backstage had before.
        let person = text(entry, "user").or_else(|| text(entry, "username"));
        match (person, text(entry, "team")) {
            (Some(user), _) => {
                let login = bare_name(user).to_owned();
                all.push((Collaborator::User(login.clone()), role, login));
            }
            (None, Some(team)) => {
                let slug = bare_name(team).to_owned();
                all.push((Collaborator::Team(slug.clone()), role, format!("team {slug}")));
            }
            (None, None) => {
                return Err(ActionError::input(format!("`collaborators[{at}]` names neither a `user` nor a `team`")));
            }
        }
    }
    Ok(all)
}

/// What GitHub refuses is left out; what it could not answer fails.
pub(super) fn skipped(ctx: &ActionContext, what: &str, done: Result<(), ForgeError>) -> Result<(), ActionError> {
    match done {
        Err(ForgeError::Denied(told)) => {
            ctx.log.warn(format!("Skipping {what}, {told}"));
            Ok(())
        }
        other => Ok(other?),
    }
}
