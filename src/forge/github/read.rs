//! Reading: commits, folders, files, histories.
//!
//! A revision is resolved to a commit first (a conditional request, free while nothing changed); trees and blobs are
//! asked for by their ids, and what an id names never changes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;

use super::client::{Call, Client, PAGE};
use super::error::Failure;
use super::repository::absent;
use super::texts::Text;
use super::tree::below;
use super::{GitHub, model};
use crate::forge::{
    Branch, Change, ChangeSide, Commit, CommitChanges, Comparison, EntryKind, File, FileLocation, FileMode, ForgeError,
    LogQuery, Missing, RepositoryId, TreeEntry,
};

/// The media type that answers a commit by its id alone.
const ID_ONLY: &str = "application/vnd.github.sha";

impl GitHub {
    pub(super) async fn commit_id(&self, id: &RepositoryId, revision: &str) -> Result<String, ForgeError> {
        let doing = format!("look up `{revision}` in {id}");
        let failed = self.failed(&doing);
        let client = self.reader(id.owner()).await.map_err(&failed)?;
        resolved(&client, id, revision).await.map_err(|failure| unknown(failure, id, revision, &failed))
    }

    /// The commit of a revision; one that is a whole id itself is not asked for: its tree tells whether it is there.
    pub(super) async fn commit_of(&self, id: &RepositoryId, revision: &str) -> Result<String, ForgeError> {
        if is_whole_id(revision) { Ok(revision.to_owned()) } else { self.commit_id(id, revision).await }
    }

    pub(super) async fn read_file(&self, id: &RepositoryId, revision: &str, path: &str) -> Result<File, ForgeError> {
        let commit = self.commit_of(id, revision).await?;
        // What the portal has seen, a person may not be allowed to.
        let known = self.person.is_none().then(|| self.site.texts.get(id, &commit, path)).flatten();
        if let Some(Text { object_id, bytes }) = known {
            return Ok(File { path: path.to_owned(), mode: FileMode::Regular, bytes, object_id, commit });
        }
        let missing = || Missing::Path {
            expected: "file",
            repository: id.clone(),
            revision: revision.to_owned(),
            path: path.to_owned(),
        };
        let Some(entry) = self.entry(id, &commit, path).await? else {
            return Err(ForgeError::NotFound(missing()));
        };
        let EntryKind::File(mode) = entry.kind else { return Err(ForgeError::NotFound(missing())) };
        let bytes = self.read_blob(id, &entry.object_id).await?;
        Ok(File { path: entry.path, mode, bytes, object_id: entry.object_id, commit })
    }

    pub(super) async fn read_blob(&self, id: &RepositoryId, object: &str) -> Result<Bytes, ForgeError> {
        let doing = format!("read object {object} of {id}");
        let failed = self.failed(&doing);
        let client = self.reader(id.owner()).await.map_err(&failed)?;
        let call = Call::get(["repos", id.owner(), id.name(), "git", "blobs", object]);
        let blob: model::Blob = client.ask(call).await.map_err(|failure| {
            if failure.is_not_found() || failure.is(StatusCode::UNPROCESSABLE_ENTITY) {
                return ForgeError::NotFound(Missing::Object { repository: id.clone(), object: object.to_owned() });
            }
            failed(failure)
        })?;
        if blob.encoding != "base64" {
            return Ok(blob.content.into());
        }
        let plain: String = blob.content.split_ascii_whitespace().collect();
        let bytes = STANDARD.decode(plain).map_err(|error| failed(Failure::Unreadable(error.to_string())))?;
        Ok(bytes.into())
    }

    pub(super) async fn list_commits(&self, id: &RepositoryId, query: LogQuery) -> Result<Vec<Commit>, ForgeError> {
        let doing = format!("list the commits of {id}");
        let failed = self.failed(&doing);
        let client = self.reader(id.owner()).await.map_err(&failed)?;
        let mut commits = Vec::new();
        // Pages are counted in their own size: the first one that matters may begin before what is asked for.
        let size = query.limit.clamp(1, PAGE);
        let (mut page, mut surplus) = (query.skip / size + 1, query.skip % size);
        while commits.len() < query.limit {
            let (number, many) = (page.to_string(), size.to_string());
            let mut call = Call::get(["repos", id.owner(), id.name(), "commits"])
                .query([("per_page", many.as_str()), ("page", number.as_str())]);
            if query.revision != "HEAD" {
                call = call.query([("sha", query.revision.as_str())]);
            }
            if let Some(path) = &query.path {
                call = call.query([("path", path.as_str())]);
            }
            let answer: Vec<model::Commit> = match client.ask(call).await {
                Ok(answer) => answer,
                // GitHub says the same of a repository and of a branch that are not there.
                Err(failure) if failure.is_not_found() => {
                    self.find_repository(id).await?;
                    return Err(no_revision(id, &query.revision));
                }
                Err(failure) => return Err(unknown(failure, id, &query.revision, &failed)),
            };
            let full = answer.len() == size;
            commits.extend(answer.into_iter().skip(surplus).map(Commit::from));
            (page, surplus) = (page + 1, 0);
            if !full {
                break;
            }
        }
        commits.truncate(query.limit);
        Ok(commits)
    }

    pub(super) async fn changes_of(&self, id: &RepositoryId, revision: &str) -> Result<CommitChanges, ForgeError> {
        let query = LogQuery { revision: revision.to_owned(), path: None, skip: 0, limit: 1 };
        let commit = self.list_commits(id, query).await?.into_iter().next().ok_or_else(|| no_revision(id, revision))?;
        let new = self.entries(id, &commit.id).await?;
        let old = match commit.parents.first() {
            Some(parent) => self.entries(id, parent).await?,
            None => Vec::new(),
        };
        Ok(CommitChanges { changes: differences(&old, &new), commit })
    }

    pub(super) async fn list_branches(&self, id: &RepositoryId) -> Result<Vec<Branch>, ForgeError> {
        let doing = format!("list the branches of {id}");
        let failed = self.failed(&doing);
        let client = self.reader(id.owner()).await.map_err(&failed)?;
        let call = Call::get(["repos", id.owner(), id.name(), "branches"]);
        let listed = client.all::<model::ShortBranch>(call, None).await;
        let listed = listed.map_err(|failure| absent(failure, id, &failed))?;
        let mut branches: Vec<Branch> =
            listed.into_iter().map(|branch| Branch { name: branch.name, commit: branch.commit.sha }).collect();
        branches.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(branches)
    }

    pub(super) async fn comparison(
        &self,
        id: &RepositoryId,
        base: &str,
        head: &str,
        commits: usize,
    ) -> Result<Comparison, ForgeError> {
        let doing = format!("compare `{base}` and `{head}` in {id}");
        let failed = self.failed(&doing);
        let client = self.reader(id.owner()).await.map_err(&failed)?;
        let range = format!("{base}...{head}");
        let call = Call::get(["repos", id.owner(), id.name(), "compare", &range]);
        let compared: model::Comparison = match client.ask(call).await {
            Ok(compared) => compared,
            // No common history, as GitHub tells it.
            Err(failure) if failure.says("no common ancestor") => {
                return Ok(Comparison {
                    common: None,
                    commits: Vec::new(),
                    changes: Vec::new(),
                    conflicts: Vec::new(),
                });
            }
            Err(failure) => return Err(unknown(failure, id, &range, &failed)),
        };
        let common = compared.merge_base_commit.sha;
        let tip = compared.commits.last().map_or_else(|| common.clone(), |commit| commit.sha.clone());
        let (old, new) = (self.entries(id, &common).await?, self.entries(id, &tip).await?);
        let newest = compared.commits.into_iter().rev().take(commits).map(Commit::from).collect();
        Ok(Comparison {
            common: Some(common),
            commits: newest,
            changes: differences(&old, &new),
            conflicts: Vec::new(),
        })
    }

    /// The branch may have slashes that the address does not tell from those of the path: the longest revision that is
    /// there counts.
    pub(super) async fn settled(&self, location: FileLocation) -> Result<FileLocation, ForgeError> {
        let first = match self.commit_id(&location.repository, &location.revision).await {
            Ok(_) => return Ok(location),
            Err(ForgeError::NotFound(Missing::Revision { .. })) => location.clone(),
            Err(error) => return Err(error),
        };
        let branches = self.list_branches(&location.repository).await?;
        let whole = format!("{}/{}", location.revision, location.path);
        let longest = branches
            .into_iter()
            .filter(|branch| below(&whole, &branch.name).is_some() || whole == branch.name)
            .max_by_key(|branch| branch.name.len());
        Ok(match longest {
            Some(branch) => {
                let path = whole[branch.name.len()..].trim_start_matches('/').to_owned();
                FileLocation { revision: branch.name, path, ..location }
            }
            None => first,
        })
    }
}

/// The commit of a revision.
pub(super) async fn resolved(client: &Client, id: &RepositoryId, revision: &str) -> Result<String, Failure> {
    // GitHub takes `heads/main` there.
    let revision = revision.strip_prefix("refs/").unwrap_or(revision);
    let call = Call::get(["repos", id.owner(), id.name(), "commits", revision]).accept(ID_ONLY);
    let answer = client.send(call).await?;
    let text = String::from_utf8_lossy(&answer.body);
    let commit = text.trim();
    is_whole_id(commit).then(|| commit.to_owned()).ok_or_else(|| Failure::Unreadable("not a commit's id".to_owned()))
}

/// Whether a revision is the id of a commit, whole. GitHub lets no branch be called like that.
fn is_whole_id(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(super) fn unknown(
    failure: Failure,
    id: &RepositoryId,
    revision: &str,
    failed: &impl Fn(Failure) -> ForgeError,
) -> ForgeError {
    if failure.is(StatusCode::UNPROCESSABLE_ENTITY) || failure.is_empty_repository() {
        return no_revision(id, revision);
    }
    absent(failure, id, failed)
}

fn no_revision(id: &RepositoryId, revision: &str) -> ForgeError {
    ForgeError::NotFound(Missing::Revision { repository: id.clone(), revision: revision.to_owned() })
}

/// What is different between two lists of entries, sorted by path.
fn differences(old: &[TreeEntry], new: &[TreeEntry]) -> Vec<Change> {
    let sides = |entries: &[TreeEntry]| -> std::collections::BTreeMap<String, ChangeSide> {
        let files = entries.iter().filter(|entry| entry.kind != EntryKind::Folder);
        files
            .map(|entry| (entry.path.clone(), ChangeSide { kind: entry.kind, object_id: entry.object_id.clone() }))
            .collect()
    };
    let (old, new) = (sides(old), sides(new));
    let paths: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change =
        |path: &String| Change { path: path.clone(), old: old.get(path).cloned(), new: new.get(path).cloned() };
    paths.into_iter().map(change).filter(|change| change.old != change.new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, object: &str) -> TreeEntry {
        TreeEntry {
            path: path.to_owned(),
            kind: EntryKind::File(FileMode::Regular),
            size: Some(1),
            object_id: object.to_owned(),
        }
    }

    #[test]
    fn trees_are_told_apart_by_their_files() {
        let old = [entry("a", "1"), entry("b", "1"), entry("c", "1")];
        let new = [entry("a", "1"), entry("b", "2"), entry("d", "1")];
        let told: Vec<_> = differences(&old, &new)
            .into_iter()
            .map(|change| (change.path, change.old.is_some(), change.new.is_some()))
            .collect();
        assert_eq!(told, [("b".to_owned(), true, true), ("c".to_owned(), true, false), ("d".to_owned(), false, true)]);
    }
}
