//! What belongs to an owner: its repositories with all that discovery asks of them, a hundred a request.
//!
//! The answer says where each branch is and what the catalog file has in it; both are kept, so that reading the file at
//! that commit asks nothing more (see `texts`).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, PAGE};
use super::error::Failure;
use super::texts::Text;
use super::{GitHub, Installation};
use crate::forge::{ForgeError, Missing, RepositoryId};

/// Pages of one list that are read.
const PAGES: usize = 500;
/// A page that GitHub cannot answer in time is asked for in smaller ones, down to this.
const SMALLEST_PAGE: usize = 5;

const REPOSITORIES: &str = "query($owner: String!, $first: Int!, $after: String, $branch: String!, $ownBranch: Boolean!, $file: String!, $withFile: Boolean!) {
  repositoryOwner(login: $owner) {
    repositories(first: $first, after: $after, ownerAffiliations: [OWNER]) {
      pageInfo { hasNextPage endCursor }
      nodes { ...facts }
    }
  }
}";
const REPOSITORY: &str = "query($owner: String!, $name: String!, $branch: String!, $ownBranch: Boolean!, $file: String!, $withFile: Boolean!) {
  repository(owner: $owner, name: $name) { ...facts }
}";
/// What [`Look`] says, as variables.
const LOOK: &str = "$branch: String!, $ownBranch: Boolean!, $file: String!, $withFile: Boolean!";
const FACTS: &str = "
fragment facts on Repository {
  name
  owner { login }
  isArchived
  isFork
  visibility
  repositoryTopics(first: 20) { nodes { topic { name } } }
  defaultBranchRef { name target { oid } }
  ref(qualifiedName: $branch) @include(if: $ownBranch) { name target { oid } }
  object(expression: $file) @include(if: $withFile) { __typename ... on Blob { oid byteSize isBinary isTruncated text } }
}";

/// What is asked of every repository beside its facts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Look {
    /// Another branch than the default one.
    pub(crate) branch: Option<String>,
    /// A file, by its path.
    pub(crate) file: Option<String>,
    /// Repositories of one page; as many as GitHub allows without.
    pub(crate) page: Option<usize>,
}

/// One repository of an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Discovered {
    /// Its name.
    pub(crate) id: RepositoryId,
    /// Whether it is read-only.
    pub(crate) is_archived: bool,
    /// Whether it is somebody else's copy.
    pub(crate) is_fork: bool,
    /// `public`, `internal` or `private`.
    pub(crate) visibility: String,
    /// Its topics.
    pub(crate) topics: Vec<String>,
    /// The branch that was asked for, or the default one, and its commit; none if there is no such.
    pub(crate) branch: Option<(String, String)>,
    /// The bytes of the file; none if it is not there.
    pub(crate) file: Option<u64>,
    /// When this was so, at the latest.
    pub(crate) seen_at: DateTime<Utc>,
}

impl GitHub {
    /// Every repository that belongs to an organisation or a person.
    pub(crate) async fn discover(&self, owner: &str, look: &Look) -> Result<Vec<Discovered>, ForgeError> {
        let doing = format!("list the repositories of {owner}");
        let failed = self.failed(&doing);
        let client = self.client(owner).await.map_err(&failed)?;
        let mut all = Vec::new();
        let (mut size, mut after) = (look.page.unwrap_or(PAGE).clamp(1, PAGE), None);
        for _ in 0..PAGES {
            let seen_at = Utc::now();
            let page = match owned(&client, owner, look, size, after.as_deref()).await {
                Ok(Some(page)) => page,
                Ok(None) => {
                    return Err(ForgeError::Denied(format!(
                        "cannot {doing}: {} knows no such organisation or person, or its credentials may not see it",
                        self.host_name()
                    )));
                }
                Err(failure) if is_too_much(&failure) && size > SMALLEST_PAGE => {
                    size = (size / 2).max(SMALLEST_PAGE);
                    continue;
                }
                Err(failure) => return Err(failed(failure)),
            };
            all.extend(page.nodes.into_iter().flatten().filter_map(|facts| self.discovered(facts, look, seen_at)));
            match page.page_info.next() {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
        Err(failed(Failure::Unreadable(format!("the list has more than {PAGES} pages"))))
    }

    /// One repository; `ForgeError::NotFound` if there is none.
    pub(crate) async fn discover_one(&self, id: &RepositoryId, look: &Look) -> Result<Discovered, ForgeError> {
        #[derive(Deserialize)]
        struct Data {
            repository: Option<Facts>,
        }
        let doing = format!("look at {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let missing = || ForgeError::NotFound(Missing::Repository(id.clone()));
        let seen_at = Utc::now();
        let mut variables = look.variables();
        variables["owner"] = json!(id.owner());
        variables["name"] = json!(id.name());
        let data: Data = match client.graphql(&format!("{REPOSITORY}{FACTS}"), variables).await {
            Ok(data) => data,
            Err(failure) if failure.is_not_found() => return Err(missing()),
            Err(failure) => return Err(failed(failure)),
        };
        data.repository.and_then(|facts| self.discovered(facts, look, seen_at)).ok_or_else(missing)
    }

    /// Some repositories of one owner by their names, with one request; those that are not there are left out.
    pub(crate) async fn discover_some(
        &self,
        owner: &str,
        names: &[&str],
        look: &Look,
    ) -> Result<Vec<Discovered>, ForgeError> {
        let doing = format!("look at repositories of {owner}");
        let failed = self.failed(&doing);
        let client = self.client(owner).await.map_err(&failed)?;
        let mut variables = look.variables();
        variables["owner"] = json!(owner);
        let (mut told, mut asked) = (Vec::new(), Vec::new());
        for (at, name) in names.iter().enumerate() {
            variables[format!("n{at}")] = json!(name);
            told.push(format!("$n{at}: String!, "));
            asked.push(format!("r{at}: repository(owner: $owner, name: $n{at}) {{ ...facts }}\n"));
        }
        let (told, asked) = (told.concat(), asked.concat());
        let query = format!("query($owner: String!, {told}{LOOK}) {{\n{asked}}}{FACTS}");
        let seen_at = Utc::now();
        let found: BTreeMap<String, Option<Facts>> =
            client.graphql_of_some(&query, variables).await.map_err(&failed)?;
        Ok(found.into_values().flatten().filter_map(|facts| self.discovered(facts, look, seen_at)).collect())
    }

    /// The organisations on which the Apps are installed, or one App of them.
    pub(crate) async fn organizations(&self, app: Option<u64>) -> Result<Vec<String>, ForgeError> {
        let failed = self.failed("list where the GitHub Apps are installed");
        let installations = self.site.access.installations_of(app).await.map_err(&failed)?;
        let organizations = installations.into_iter().filter(Installation::is_on_organization);
        let mut logins: Vec<String> = organizations.map(|installation| installation.account.login).collect();
        logins.sort();
        logins.dedup();
        Ok(logins)
    }

    fn discovered(&self, facts: Facts, look: &Look, seen_at: DateTime<Utc>) -> Option<Discovered> {
        let id = RepositoryId::new(facts.owner.login, facts.name).ok()?;
        let found = if look.branch.is_some() { facts.branch } else { facts.default_branch };
        let branch = found.map(|branch| (branch.name, branch.target.oid));
        let file = facts.object.filter(|object| object.kind == "Blob");
        if let (Some((_, commit)), Some(path), Some(blob)) = (&branch, &look.file, &file)
            && !blob.is_truncated
            && blob.is_binary == Some(false)
            && let (Some(text), Some(object)) = (&blob.text, &blob.oid)
            // What is no UTF-8 was put into other words.
            && blob.byte_size == u64::try_from(text.len()).ok()
        {
            let text = Text { object_id: object.clone(), bytes: text.clone().into() };
            self.site.texts.keep(&id, commit, path, text);
        }
        Some(Discovered {
            id,
            is_archived: facts.is_archived,
            is_fork: facts.is_fork,
            visibility: facts.visibility.to_ascii_lowercase(),
            topics: facts.topics.nodes.into_iter().flatten().map(|node| node.topic.name).collect(),
            branch,
            file: file.map(|blob| blob.byte_size.unwrap_or_default()),
            seen_at,
        })
    }
}

impl Look {
    fn variables(&self) -> serde_json::Value {
        let (branch, file) = (self.branch.as_deref(), self.file.as_deref());
        json!({
            "branch": format!("refs/heads/{}", branch.unwrap_or("HEAD")),
            "ownBranch": branch.is_some(),
            "file": format!("{}:{}", branch.unwrap_or("HEAD"), file.unwrap_or_default()),
            "withFile": file.is_some(),
        })
    }
}

async fn owned(
    client: &Client,
    owner: &str,
    look: &Look,
    size: usize,
    after: Option<&str>,
) -> Result<Option<Page<Facts>>, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        repository_owner: Option<Owner>,
    }
    #[derive(Deserialize)]
    struct Owner {
        repositories: Page<Facts>,
    }
    let mut variables = look.variables();
    variables["owner"] = json!(owner);
    variables["first"] = json!(size);
    variables["after"] = json!(after);
    let data: Data = client.graphql(&format!("{REPOSITORIES}{FACTS}"), variables).await?;
    Ok(data.repository_owner.map(|owner| owner.repositories))
}

/// Whether GitHub could not compute the answer in its time: a smaller question may be answered.
pub(super) fn is_too_much(failure: &Failure) -> bool {
    [502, 503, 504].iter().any(|status| http::StatusCode::from_u16(*status).is_ok_and(|status| failure.is(status)))
        || failure.says("resource limits")
        || failure.says("something went wrong while executing your query")
}

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<T> {
    pub(super) page_info: PageInfo,
    pub(super) nodes: Vec<Option<T>>,
}

/// Whether there is another page.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl PageInfo {
    /// Where the next page begins.
    pub(super) fn next(self) -> Option<String> {
        self.end_cursor.filter(|_| self.has_next_page)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    name: String,
    owner: Login,
    is_archived: bool,
    is_fork: bool,
    visibility: String,
    #[serde(rename = "repositoryTopics")]
    topics: Nodes<TopicNode>,
    #[serde(rename = "defaultBranchRef")]
    default_branch: Option<Ref>,
    #[serde(rename = "ref", default)]
    branch: Option<Ref>,
    #[serde(default)]
    object: Option<Object>,
}

#[derive(Debug, Deserialize)]
struct Login {
    login: String,
}

#[derive(Debug, Deserialize)]
struct Nodes<T> {
    nodes: Vec<Option<T>>,
}

#[derive(Debug, Deserialize)]
struct TopicNode {
    topic: Topic,
}

#[derive(Debug, Deserialize)]
struct Topic {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Ref {
    name: String,
    target: Target,
}

#[derive(Debug, Deserialize)]
struct Target {
    oid: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    #[serde(rename = "__typename")]
    kind: String,
    oid: Option<String>,
    byte_size: Option<u64>,
    is_binary: Option<bool>,
    #[serde(default)]
    is_truncated: bool,
    text: Option<String>,
}
