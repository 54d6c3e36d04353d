//! Repositories in a form: the parts that a host's `repoUrl` has, what an author allows of them, and the person's own
//! token for the host.
//!
//! A token that `requestUserCredentials` asks for is a secret of the run under the author's key, never an answer. The
//! portal signs nobody in at a host, so the form asks for it; one that was given for another host is forgotten.

use serde_json::{Map, Value};

use super::check::own;
use super::{Directory, Field, FieldError, FieldKind, Page, field};
use crate::forge::RepoUrl;

/// The host of the portal's own forge, where everybody acts as themselves already.
const LOCAL: &str = "local";

/// The options of a `RepoUrlPicker`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RepoChoice {
    /// Hosts to choose from; empty for every configured one.
    pub(crate) hosts: Vec<String>,
    /// Owners to choose from; workspaces on Bitbucket.
    pub(crate) owners: Option<Vec<String>>,
    /// Organizations to choose from, on Azure.
    pub(crate) organizations: Option<Vec<String>>,
    /// Projects to choose from, on Azure and Bitbucket.
    pub(crate) projects: Option<Vec<String>>,
    /// Repository names to choose from.
    pub(crate) repos: Option<Vec<String>>,
    /// What the owner field is called.
    pub(crate) owner_label: Option<String>,
    /// What the repository field is called.
    pub(crate) repo_label: Option<String>,
    /// The person's own token for the host.
    pub(crate) token: Option<TokenRequest>,
}

/// `requestUserCredentials`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenRequest {
    /// The secret that it becomes.
    pub(crate) key: String,
    /// Scopes that it needs beside writing to repositories.
    pub(crate) scopes: Vec<String>,
    /// Whether the person gave one.
    pub(crate) given: bool,
}

/// One part of a repository's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RepoPart {
    /// `organization`
    Organization,
    /// `workspace`
    Workspace,
    /// `owner`
    Owner,
    /// `project`
    Project,
    /// `repo`
    Repo,
}

impl RepoPart {
    /// All of them, from the outermost.
    pub(crate) const ALL: [Self; 5] = [Self::Organization, Self::Workspace, Self::Owner, Self::Project, Self::Repo];

    /// Its key in a `repoUrl`.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Workspace => "workspace",
            Self::Owner => "owner",
            Self::Project => "project",
            Self::Repo => "repo",
        }
    }

    /// What an address has of it. Older templates write a project of Azure as its owner.
    fn of(self, url: &RepoUrl) -> Option<&str> {
        let part = match self {
            Self::Organization => &url.organization,
            Self::Workspace => &url.workspace,
            Self::Owner => &url.owner,
            Self::Project => return url.project.as_deref().or(url.owner.as_deref()),
            Self::Repo => &url.repo,
        };
        part.as_deref()
    }
}

impl RepoChoice {
    /// What an author allows of a part; none if anything.
    pub(crate) fn allowed(&self, part: RepoPart) -> Option<&[String]> {
        let allowed = match part {
            RepoPart::Organization => &self.organizations,
            RepoPart::Workspace | RepoPart::Owner => &self.owners,
            RepoPart::Project => &self.projects,
            RepoPart::Repo => &self.repos,
        };
        allowed.as_deref()
    }
}

/// The parts that addresses of a host have, from the outermost.
pub(crate) fn parts_of(host: &str) -> &'static [RepoPart] {
    use RepoPart::{Organization, Owner, Project, Repo, Workspace};
    let host = host.to_ascii_lowercase();
    if host == "dev.azure.com" || host.ends_with(".visualstudio.com") {
        &[Organization, Project, Repo]
    } else if host == "bitbucket.org" {
        &[Workspace, Project, Repo]
    } else if host.split('.').next() == Some("bitbucket") {
        &[Project, Repo]
    } else {
        &[Owner, Repo]
    }
}

/// Whether a host knows the person by a token of their own.
pub(crate) fn takes_token(host: &str) -> bool {
    !host.is_empty() && !host.eq_ignore_ascii_case(LOCAL)
}

/// The host of a `repoUrl`.
pub(crate) fn host_of(value: &Value) -> &str {
    value.as_str().and_then(|text| text.split('?').next()).unwrap_or_default()
}

/// What is wrong with a repository's address.
pub(super) fn check(choice: &RepoChoice, text: &str, directory: &dyn Directory) -> Result<(), String> {
    let url: RepoUrl = text.parse().map_err(|error| format!("is not a repository: {error}"))?;
    let is_in = |list: &[String], value: &str| list.iter().any(|known| known.eq_ignore_ascii_case(value));
    if !choice.hosts.is_empty() && !is_in(&choice.hosts, &url.host) {
        return Err(format!("must be at {}, not at `{}`", choice.hosts.join(" or "), url.host));
    }
    if !directory.knows(&url.host) {
        return Err(format!(
            "names the host `{}`, which is not configured here; choose {}",
            url.host,
            directory.hosts().join(" or ")
        ));
    }
    let parts = parts_of(&url.host);
    if parts.contains(&RepoPart::Owner) {
        url.repository().map_err(|error| error.to_string())?;
    }
    for part in parts {
        let missing = || format!("names no {}, which repositories at `{}` have", part.key(), url.host);
        let value = part.of(&url).ok_or_else(missing)?;
        let Some(allowed) = choice.allowed(*part).filter(|allowed| !is_in(allowed, value)) else { continue };
        let allowed = allowed.join(" or ");
        return Err(match part {
            RepoPart::Owner => format!("must belong to {allowed}, not to `{value}`"),
            RepoPart::Repo => format!("must be {allowed}, not `{value}`"),
            part => format!("must be in the {} {allowed}, not in `{value}`", part.key()),
        });
    }
    Ok(())
}

/// The tokens that a page asks for and nobody gave.
pub(crate) fn missing_tokens(
    page: &Page,
    values: &Map<String, Value>,
    secrets: &Map<String, Value>,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut missing = |field: &Field, token: &TokenRequest, host: &str| {
        if takes_token(host) && !secrets.contains_key(&token.key) {
            let problem = format!("needs your token for {host}: the run acts there in your name");
            errors.push(own(field, &problem));
        }
    };
    each(&field::fields(page.schema.document(), values, &[]), &mut |field| match &field.kind {
        FieldKind::RepoUrl(RepoChoice { token: Some(token), .. }) => missing(field, token, host_of(&field.value)),
        FieldKind::RepoOwner { host: Some(host), token: Some(token), .. } if !field.value.is_null() => {
            missing(field, token, host);
        }
        _ => {}
    });
    errors
}

/// Marks the tokens that are among the secrets, for the form to say so.
pub(super) fn mark_given(fields: &mut [Field], secrets: &Map<String, Value>) {
    for field in fields {
        match &mut field.kind {
            FieldKind::RepoUrl(RepoChoice { token: Some(token), .. })
            | FieldKind::RepoOwner { token: Some(token), .. } => token.given = secrets.contains_key(&token.key),
            FieldKind::Group { fields } => mark_given(fields, secrets),
            FieldKind::List { items, .. } => items.iter_mut().for_each(|fields| mark_given(fields, secrets)),
            _ => {}
        }
    }
}

/// Looks at every field, those of groups and lists too.
pub(crate) fn each<'a>(fields: &'a [Field], look: &mut dyn FnMut(&'a Field)) {
    for field in fields {
        look(field);
        match &field.kind {
            FieldKind::Group { fields } => each(fields, look),
            FieldKind::List { items, .. } => items.iter().for_each(|fields| each(fields, look)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
