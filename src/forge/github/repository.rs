//! Repositories: making, finding, listing and removing them.
//!
//! A new repository carries the caller's mark as its description until [`Forge::describe`](crate::forge::Forge::describe)
//! gives it its own: a caller that was cut off in between recognises what it made. GitHub makes the first commit
//! (`auto_init`), since its Git data API takes nothing while a repository is empty; the caller's first commit replaces it.

use serde_json::json;

use super::client::{Call, Client};
use super::error::Failure;
use super::model;
use super::{DOT_COM, GitHub};
use crate::forge::{ForgeError, Missing, NameError, NewRepository, Repository, RepositoryId, Visibility};

/// Longest name that GitHub takes.
const MAX_NAME: usize = 100;
/// What stands before a mark.
const MARK: &str = "Being made, ";

/// The mark in a description.
pub(super) fn mark_in(description: &str) -> Option<&str> {
    description.strip_prefix(MARK)
}

impl GitHub {
    pub(super) async fn create_repository(&self, new: NewRepository) -> Result<Repository, ForgeError> {
        check_name(&new.id)?;
        let doing = format!("create repository {}", new.id);
        let failed = self.failed(&doing);
        let client = self.client(new.id.owner()).await.map_err(&failed)?;
        let made = match self.post_repository(&client, &new).await {
            Ok(made) => made.read(&new.id),
            // Perhaps it was made, by this very request or an earlier attempt.
            Err(failure) if failure.says("name already exists") => self.own(&new, None).await?,
            Err(failure) if failure.is_uncertain() => self.own(&new, Some(failed(failure))).await?,
            Err(failure) => return Err(failed(failure)),
        };
        if made.default_branch == new.default_branch {
            return Ok(made);
        }
        let id = &made.id;
        let segments = ["repos", id.owner(), id.name(), "branches", &made.default_branch, "rename"];
        let rename = Call::post(segments, json!({"new_name": new.default_branch})).repeatable();
        match client.tell(rename).await {
            Ok(()) => {}
            // The first of two tries did it.
            Err(failure) if failure.is_not_found() => {}
            Err(failure) => return Err(failed(failure)),
        }
        Ok(Repository { default_branch: new.default_branch, ..made })
    }

    async fn post_repository(&self, client: &Client, new: &NewRepository) -> Result<model::Repository, Failure> {
        let description = new.mark.as_ref().map_or_else(|| new.description.clone(), |mark| format!("{MARK}{mark}"));
        let mut body = json!({
            "name": new.id.name(),
            "description": description,
            "private": new.visibility != Visibility::Public,
            "auto_init": true,
        });
        if self.is_organization(client, new.id.owner()).await? {
            body["visibility"] = json!(new.visibility.as_str());
            return client.ask(Call::post(["orgs", new.id.owner(), "repos"], body)).await;
        }
        if new.visibility == Visibility::Internal {
            return Err(Failure::Credentials(format!(
                "{} is a person, whose repositories are public or private; `internal` is for organisations",
                new.id.owner()
            )));
        }
        let me: model::User = client.ask(Call::get(["user"])).await?;
        if !me.login.eq_ignore_ascii_case(new.id.owner()) {
            return Err(Failure::Credentials(format!(
                "the token belongs to {}, which cannot make repositories for the person {}; give an organisation as owner, or a token of that person",
                me.login,
                new.id.owner()
            )));
        }
        client.ask(Call::post(["user", "repos"], body)).await
    }

    async fn is_organization(&self, client: &Client, owner: &str) -> Result<bool, Failure> {
        if self.person.is_none()
            && let Some(installation) = self.site.access.installation(owner).await?
            && !installation.account.kind.is_empty()
        {
            return Ok(installation.account.kind == "Organization");
        }
        match client.ask::<model::User>(Call::get(["users", owner])).await {
            Ok(user) => Ok(user.kind == "Organization"),
            Err(failure) if failure.is_not_found() => Err(Failure::Credentials(format!(
                "{} has no organisation or person `{owner}`; check the owner's name",
                self.host_name()
            ))),
            Err(failure) => Err(failure),
        }
    }

    /// The repository that is there, if it has the mark of who asks; else why not.
    async fn own(&self, new: &NewRepository, failed: Option<ForgeError>) -> Result<Repository, ForgeError> {
        let refused = || ForgeError::AlreadyExists(new.id.clone());
        let found = match self.find_repository(&new.id).await {
            Ok(found) => found,
            Err(ForgeError::NotFound(_)) => return Err(failed.unwrap_or_else(refused)),
            Err(error) => return Err(failed.unwrap_or(error)),
        };
        let ours = new.mark.is_some() && found.mark == new.mark;
        if ours { Ok(found) } else { Err(refused()) }
    }

    pub(super) async fn describe_repository(&self, id: &RepositoryId, description: &str) -> Result<(), ForgeError> {
        let doing = format!("describe repository {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let body = json!({"description": description});
        client.tell(Call::patch(["repos", id.owner(), id.name()], body)).await.map_err(failed)
    }

    pub(super) async fn find_repository(&self, id: &RepositoryId) -> Result<Repository, ForgeError> {
        let doing = format!("find repository {id}");
        let failed = self.failed(&doing);
        let client = self.reader(id.owner()).await.map_err(&failed)?;
        let found: Result<model::Repository, _> = client.ask(Call::get(["repos", id.owner(), id.name()])).await;
        found.map(|found| found.read(id)).map_err(|failure| absent(failure, id, &failed))
    }

    pub(super) async fn list_repositories(&self, owner: Option<&str>) -> Result<Vec<Repository>, ForgeError> {
        let owners = if let Some(owner) = owner {
            vec![owner.to_owned()]
        } else {
            let installations = self.site.access.installations().await.map_err(self.failed("list installations"))?;
            installations.into_iter().map(|installation| installation.account.login).collect()
        };
        let mut all = Vec::new();
        for owner in owners {
            let doing = format!("list the repositories of {owner}");
            let failed = self.failed(&doing);
            let client = self.client(&owner).await.map_err(&failed)?;
            let kind = if self.is_organization(&client, &owner).await.map_err(&failed)? { "orgs" } else { "users" };
            let list = client.all::<model::Repository>(Call::get([kind, &owner, "repos"]), None).await;
            for repository in list.map_err(&failed)? {
                if let Ok(id) = repository.full_name.parse() {
                    all.push(repository.read(&id));
                }
            }
        }
        all.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(all)
    }

    pub(super) async fn delete_repository(&self, id: &RepositoryId) -> Result<(), ForgeError> {
        let doing = format!("delete repository {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let deleted = client.tell(Call::delete(["repos", id.owner(), id.name()])).await;
        deleted.map_err(|failure| absent(failure, id, &failed))
    }
}

/// A failure of what a repository's address was asked for: mostly the repository is not there.
pub(super) fn absent(failure: Failure, id: &RepositoryId, failed: &impl Fn(Failure) -> ForgeError) -> ForgeError {
    if failure.is_not_found() && !failure.lacks_scope() {
        return ForgeError::NotFound(Missing::Repository(id.clone()));
    }
    failed(failure)
}

/// Refuses what GitHub would change without a word.
fn check_name(id: &RepositoryId) -> Result<(), NameError> {
    let name = id.name();
    if name.len() > MAX_NAME {
        return Err(NameError::new("repository name", name, "is longer than 100 characters; shorten it"));
    }
    let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.chars().all(kept) {
        let normal: String = name.chars().map(|c| if kept(c) { c } else { '-' }).collect();
        let rule = format!("would become `{normal}` on {DOT_COM}; use letters, digits, `-`, `_` and `.` only");
        return Err(NameError::new("repository name", name, rule));
    }
    if [".git", ".wiki"].iter().any(|suffix| name.to_ascii_lowercase().ends_with(suffix)) {
        return Err(NameError::new("repository name", name, "ends with `.git` or `.wiki`; leave that out"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_github_would_change_is_refused_before() {
        let told =
            |name: &str| check_name(&RepositoryId::new("acme", name).unwrap()).err().map(|error| error.to_string());
        assert_eq!(told("payments-api_2.0"), None);
        assert!(told("my service!").unwrap().contains("would become `my-service-`"));
        assert!(told("x.git").unwrap().contains("leave that out"));
        assert!(told(&"x".repeat(101)).unwrap().contains("shorten it"));
    }
}
