//! Things that a repository is fitted with: webhooks, deploy keys, protection, environments, …
//!
//! Every one is described by how it is found, made and removed, so that all are planned, adopted and undone alike.

use http::Method;
use serde_json::{Value, json};

use super::GitHub;
use super::client::{Call, Client};
use super::error::Failure;
use crate::forge::{ForgeError, Missing, RepositoryId};

/// A thing that a repository is to have.
pub(crate) struct Fixture {
    /// What it is, with its name: "webhook https://…".
    pub(crate) what: String,
    /// Making it changes one that is there, instead of adding a second.
    pub(crate) replaces: bool,
    repository: RepositoryId,
    find: Find,
    make: Call,
    /// What is asked for besides, once it is there.
    besides: Vec<Call>,
    /// How one of the answers is removed.
    remove: Remove,
}

type IsIt = Box<dyn Fn(&Value) -> bool + Send + Sync>;

enum Find {
    /// It has an address of its own.
    Here(Call),
    /// One of a list, which comes in pages.
    Among(Call, IsIt),
    /// One of a list, which comes whole.
    AmongFew(Call, IsIt),
}

#[derive(Clone, Copy)]
enum Remove {
    /// `DELETE` of the address that finds or makes it.
    Whole,
    /// `DELETE` of the list's address with this key of the answer.
    ByKey(&'static str),
    /// It cannot be removed, but closed.
    Close,
}

/// How a thing is taken away again, as a run remembers it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Removal {
    /// `DELETE` or `PATCH`.
    method: String,
    /// The path below the API's root.
    path: String,
    /// What is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
}

/// A thing that is there now.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    /// As GitHub tells it.
    pub(crate) told: Value,
    /// How it is taken away.
    pub(crate) removal: Removal,
}

fn of<'a>(id: &'a RepositoryId, rest: &[&'a str]) -> Vec<&'a str> {
    ["repos", id.owner(), id.name()].into_iter().chain(rest.iter().copied()).collect()
}

fn is<const N: usize>(path: [&'static str; N], wanted: &str) -> IsIt {
    let wanted = wanted.to_owned();
    Box::new(move |entry| {
        let found = path.iter().try_fold(entry, |at, key| at.get(key));
        found.and_then(Value::as_str) == Some(wanted.as_str())
    })
}

impl Fixture {
    fn listed(id: &RepositoryId, what: String, list: &[&str], is: IsIt, body: Value) -> Self {
        Self {
            what,
            replaces: false,
            repository: id.clone(),
            find: Find::Among(Call::get(of(id, list)), is),
            make: Call::post(of(id, list), body),
            besides: Vec::new(),
            remove: Remove::ByKey("id"),
        }
    }

    /// A link for everything that begins with a prefix.
    pub(crate) fn autolink(id: &RepositoryId, prefix: &str, template: &str, alphanumeric: bool) -> Self {
        let body = json!({"key_prefix": prefix, "url_template": template, "is_alphanumeric": alphanumeric});
        let link = Self::listed(id, format!("autolink {prefix}"), &["autolinks"], is(["key_prefix"], prefix), body);
        let list = Call::get(of(id, &["autolinks"]));
        Self { find: Find::AmongFew(list, is(["key_prefix"], prefix)), ..link }
    }

    /// A key that may push.
    pub(crate) fn deploy_key(id: &RepositoryId, title: &str, key: &str) -> Self {
        // GitHub leaves the comment out, the third word.
        let bare = |key: &str| key.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
        let wanted = bare(key);
        let is: IsIt =
            Box::new(move |entry| entry.get("key").and_then(Value::as_str).map(bare) == Some(wanted.clone()));
        Self::listed(id, format!("deploy key {title}"), &["keys"], is, json!({"title": title, "key": key}))
    }

    /// Calls to an address when something happens.
    pub(crate) fn webhook(id: &RepositoryId, url: &str, body: Value) -> Self {
        Self::listed(id, format!("webhook {url}"), &["hooks"], is(["config", "url"], url), body)
    }

    /// Rules for branches or tags.
    pub(crate) fn ruleset(id: &RepositoryId, name: &str, body: Value) -> Self {
        Self::listed(id, format!("ruleset {name}"), &["rulesets"], is(["name"], name), body)
    }

    /// An issue, known again by a text in its body.
    pub(crate) fn issue(id: &RepositoryId, title: &str, mark: &str, body: Value) -> Self {
        let mark = mark.to_owned();
        let is: IsIt =
            Box::new(move |entry| entry.get("body").and_then(Value::as_str).is_some_and(|text| text.contains(&mark)));
        let list = Call::get(of(id, &["issues"])).query([("state", "all")]);
        let issue = Self::listed(id, format!("issue \"{title}\""), &["issues"], is, body);
        let Find::Among(_, is) = issue.find else { return issue };
        Self { find: Find::Among(list, is), remove: Remove::Close, ..issue }
    }

    fn whole(id: &RepositoryId, what: String, place: &[&str], method: &Method, body: Value) -> Self {
        let make = match *method {
            Method::PUT => Call::put(of(id, place), body),
            _ => Call::post(of(id, place), body),
        };
        Self {
            what,
            replaces: *method == Method::PUT,
            repository: id.clone(),
            find: Find::Here(Call::get(of(id, place))),
            make,
            besides: Vec::new(),
            remove: Remove::Whole,
        }
    }

    /// GitHub Pages.
    pub(crate) fn pages(id: &RepositoryId, body: Value) -> Self {
        Self::whole(id, "GitHub Pages".to_owned(), &["pages"], &Method::POST, body)
    }

    /// Protection of a branch.
    pub(crate) fn protection(id: &RepositoryId, branch: &str, body: Value, signed: bool) -> Self {
        let place = ["branches", branch, "protection"];
        let mut protection = Self::whole(id, format!("protection of branch {branch}"), &place, &Method::PUT, body);
        if signed {
            let signatures = ["branches", branch, "protection", "required_signatures"];
            protection.besides.push(Call::new(Method::POST, of(id, &signatures)).repeatable());
        }
        protection
    }

    /// A deployment environment, with the names of branches and tags that may deploy.
    pub(crate) fn environment(id: &RepositoryId, name: &str, body: Value, policies: &[(&str, &str)]) -> Self {
        let mut environment =
            Self::whole(id, format!("environment {name}"), &["environments", name], &Method::PUT, body);
        for (kind, pattern) in policies {
            let place = ["environments", name, "deployment-branch-policies"];
            environment.besides.push(Call::post(of(id, &place), json!({"name": pattern, "type": kind})).repeatable());
        }
        environment
    }

    fn removal(&self, told: &Value) -> Removal {
        let delete = |path: String| Removal { method: "DELETE".to_owned(), path, body: None };
        match (self.remove, &self.find) {
            (Remove::Whole, _) | (_, Find::Here(_)) => delete(self.make.path().to_owned()),
            (Remove::ByKey(key), Find::Among(..) | Find::AmongFew(..)) => {
                let key = told.get(key).map(|key| key.as_str().map_or_else(|| key.to_string(), str::to_owned));
                delete(format!("{}/{}", self.make.path(), key.unwrap_or_default()))
            }
            (Remove::Close, Find::Among(..) | Find::AmongFew(..)) => Removal {
                method: "PATCH".to_owned(),
                path: format!("{}/{}", self.make.path(), told.get("number").unwrap_or(&Value::Null)),
                body: Some(json!({"state": "closed", "state_reason": "not_planned"})),
            },
        }
    }
}

impl Removal {
    /// A label goes off an issue or pull request.
    pub(crate) fn label(id: &RepositoryId, number: u64, label: &str) -> Self {
        let number = number.to_string();
        let path = super::client::path(of(id, &["issues", &number, "labels", label]));
        Self { method: "DELETE".to_owned(), path, body: None }
    }

    /// A secret goes from the pipelines of a repository.
    pub(crate) fn secret(id: &RepositoryId, name: &str) -> Self {
        let path = super::client::path(of(id, &["actions", "secrets", name]));
        Self { method: "DELETE".to_owned(), path, body: None }
    }

    /// An archived repository can be written to again.
    pub(crate) fn archive(id: &RepositoryId) -> Self {
        let body = Some(json!({"archived": false}));
        Self { method: "PATCH".to_owned(), path: super::client::path(of(id, &[])), body }
    }
}

impl GitHub {
    /// The thing, if the repository has it.
    pub(crate) async fn fitted(&self, fixture: &Fixture) -> Result<Option<Fitted>, ForgeError> {
        let doing = format!("look for {} in {}", fixture.what, fixture.repository);
        let failed = self.failed(&doing);
        let client = self.client(fixture.repository.owner()).await.map_err(&failed)?;
        look(&client, fixture).await.map_err(failed)
    }

    /// Gives the repository the thing. After an answer that does not tell whether it was made, it is looked for.
    pub(crate) async fn fit(&self, fixture: &Fixture) -> Result<Fitted, ForgeError> {
        let doing = format!("set up {} in {}", fixture.what, fixture.repository);
        let failed = self.failed(&doing);
        let client = self.client(fixture.repository.owner()).await.map_err(&failed)?;
        let told = match client.send(fixture.make.clone()).await {
            Ok(answer) => answer.read().unwrap_or(Value::Null),
            Err(failure) if failure.is_uncertain() && !fixture.replaces => match look(&client, fixture).await {
                Ok(Some(found)) => found.told,
                _ => return Err(failed(failure)),
            },
            Err(failure) if failure.is_not_found() && !failure.lacks_scope() => {
                return Err(self.why_absent(fixture, failed(failure)).await);
            }
            Err(failure) => return Err(failed(failure)),
        };
        for call in &fixture.besides {
            match client.tell(call.clone()).await {
                // A policy that is there already.
                Err(failure) if failure.is(http::StatusCode::SEE_OTHER) || failure.says("already exists") => {}
                other => other.map_err(&failed)?,
            }
        }
        Ok(Fitted { removal: fixture.removal(&told), told })
    }

    /// Takes a thing away; one that is gone already is no error.
    pub(crate) async fn remove(&self, id: &RepositoryId, what: &str, removal: &Removal) -> Result<(), ForgeError> {
        let doing = format!("remove {what} of {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        match client.tell(Call::raw(&removal.method, &removal.path, removal.body.clone())).await {
            Err(failure) if failure.is_not_found() || failure.says("branch not protected") => Ok(()),
            other => other.map_err(failed),
        }
    }

    /// A thing cannot be set up where there is no repository.
    async fn why_absent(&self, fixture: &Fixture, otherwise: ForgeError) -> ForgeError {
        match self.find_repository(&fixture.repository).await {
            Err(missing @ ForgeError::NotFound(Missing::Repository(_))) => missing,
            _ => otherwise,
        }
    }
}

fn among(list: Result<Vec<Value>, Failure>, is: &IsIt) -> Result<Option<Value>, Failure> {
    match list {
        Ok(list) => Ok(list.into_iter().find(|entry| is(entry))),
        Err(failure) if failure.is_not_found() => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn look(client: &Client, fixture: &Fixture) -> Result<Option<Fitted>, Failure> {
    let told = match &fixture.find {
        Find::Here(call) => match client.ask::<Value>(call.clone()).await {
            Ok(told) => Some(told),
            Err(failure) if failure.is_not_found() => None,
            Err(failure) => return Err(failure),
        },
        Find::Among(call, is) => among(client.all::<Value>(call.clone(), None).await, is)?,
        Find::AmongFew(call, is) => among(client.ask::<Vec<Value>>(call.clone()).await, is)?,
    };
    Ok(told.map(|told| Fitted { removal: fixture.removal(&told), told }))
}
