//! Committing through the Git data API: blobs for what cannot be text in a tree, then the tree, the commit, the branch.
//!
//! Text goes into the tree itself, since every blob is a request that GitHub counts as content. Objects that nothing
//! points to harm nobody, so everything before the branch can be sent twice. The branch moves last, and only from where
//! the caller took it to be.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::StatusCode;
use serde_json::{Value, json};

use super::client::{Call, Client};
use super::error::Failure;
use super::{GitHub, model};
use crate::forge::{
    Commit, Contents, EntryKind, FileMode, ForgeError, Missing, NewCommit, NewFile, Parent, RepositoryId, Signature,
    TreeEntry,
};

/// Blobs that are sent at once.
const BLOBS: usize = 4;
/// Text up to this size goes into the tree.
const INLINE: usize = 512 * 1024;
/// Entries and text of one request that makes a tree.
const TREE_ENTRIES: usize = 1000;
const TREE_BYTES: usize = 4 * 1024 * 1024;
/// GitHub takes no larger blob.
const LARGEST: usize = 100 * 1024 * 1024;
/// The message of the commit that GitHub makes where it begins a repository, and its only file.
const FIRST_MESSAGE: &str = "Initial commit";
const FIRST_FILE: &str = "README.md";

/// Where the branch is, and how it may be moved.
enum Place {
    /// There is no such branch.
    Nowhere,
    /// It may only move on from here.
    At,
    /// What is there was made by GitHub to begin with, and goes.
    Begun,
}

impl GitHub {
    pub(super) async fn make_commit(&self, id: &RepositoryId, new: NewCommit) -> Result<Commit, ForgeError> {
        let doing = format!("commit to {id}");
        let failed = self.failed(&doing);
        check_sizes(&new)?;
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let place = self.place(&client, id, &new).await?;
        let (base, write, delete) = match (&new.contents, &new.parent) {
            (Contents::Change { write, delete }, Parent::Tip(at) | Parent::Fork(at)) => {
                (Some(at.as_str()), write, self.deletions(id, at, delete).await?)
            }
            (Contents::Change { write, .. }, Parent::Root) => (None, write, Vec::new()),
            (Contents::Tree(files), _) => (None, files, Vec::new()),
        };
        let tree = tree(&client, id, base, write, &delete).await.map_err(&failed)?;
        let parents: Vec<&String> = match &new.parent {
            Parent::Root => Vec::new(),
            Parent::Tip(at) | Parent::Fork(at) => vec![at],
        };
        let mut body = json!({"message": new.message, "tree": tree, "parents": parents});
        if !new.any_author {
            // GitHub signs what an App commits in its own name only.
            body["author"] = signature(&new.author);
            body["committer"] = signature(&new.committer);
        }
        let call = Call::post(git(id, ["commits"]), body).repeatable();
        let commit: model::GitCommit = client.ask(call).await.map_err(&failed)?;
        self.point(&client, id, &new, place, &commit.sha).await?;
        Ok(commit.into())
    }

    /// Where the branch is, checked against what the caller expects.
    async fn place(&self, client: &Client, id: &RepositoryId, new: &NewCommit) -> Result<Place, ForgeError> {
        let doing = format!("look at branch {} of {id}", new.branch);
        let failed = self.failed(&doing);
        let found = match client.ask::<model::Reference>(Call::get(reference(id, "ref", &new.branch))).await {
            Ok(reference) => Some(reference.object.sha),
            Err(failure) if failure.is_empty_repository() => {
                begin(client, id, &new.branch).await.map_err(&failed)?;
                return Ok(Place::Begun);
            }
            Err(failure) if failure.is_not_found() => None,
            Err(failure) => return Err(failed(failure)),
        };
        let conflict = |expected: Option<&String>| ForgeError::Conflict {
            branch: new.branch.clone(),
            expected: expected.cloned(),
            found: found.clone(),
        };
        match (&new.parent, &found) {
            (Parent::Tip(at), Some(there)) if at == there => Ok(Place::At),
            (Parent::Tip(at), _) => Err(conflict(Some(at))),
            (Parent::Root | Parent::Fork(_), None) => Ok(Place::Nowhere),
            (Parent::Root, Some(there)) if self.is_begun(client, id, there).await.map_err(&failed)? => Ok(Place::Begun),
            (Parent::Root | Parent::Fork(_), Some(_)) => Err(conflict(None)),
        }
    }

    /// Whether a commit is the one that GitHub makes where it begins a repository.
    async fn is_begun(&self, client: &Client, id: &RepositoryId, commit: &str) -> Result<bool, Failure> {
        let commit: model::GitCommit = client.ask(Call::get(git(id, ["commits", commit]))).await?;
        if !commit.parents.is_empty() || commit.message.trim() != FIRST_MESSAGE {
            return Ok(false);
        }
        let tree: model::Tree = client.ask(Call::get(git(id, ["trees", &commit.tree.sha]))).await?;
        Ok(tree.tree.iter().all(|entry| entry.path == FIRST_FILE))
    }

    /// Moves the branch to its new commit.
    async fn point(
        &self,
        client: &Client,
        id: &RepositoryId,
        new: &NewCommit,
        place: Place,
        commit: &str,
    ) -> Result<(), ForgeError> {
        let doing = format!("move branch {} of {id}", new.branch);
        let failed = self.failed(&doing);
        let moved =
            |force: bool| Call::patch(reference(id, "refs", &new.branch), json!({"sha": commit, "force": force}));
        let call = match place {
            Place::Nowhere => {
                let body = json!({"ref": format!("refs/heads/{}", new.branch), "sha": commit});
                Call::post(git(id, ["refs"]), body)
            }
            Place::At => moved(false),
            Place::Begun => moved(true),
        };
        let Err(failure) = client.tell(call).await else { return Ok(()) };
        let raced = failure.is(StatusCode::UNPROCESSABLE_ENTITY)
            && (failure.says("fast forward") || failure.says("already exists"));
        if !raced && !failure.is_uncertain() {
            return Err(failed(failure));
        }
        // Perhaps it is where it should be, by this very request.
        let there: model::Reference =
            client.ask(Call::get(reference(id, "ref", &new.branch))).await.map_err(&failed)?;
        if there.object.sha == commit {
            return Ok(());
        }
        if !raced {
            return Err(failed(failure));
        }
        let expected = match &new.parent {
            Parent::Tip(at) => Some(at.clone()),
            Parent::Root | Parent::Fork(_) => None,
        };
        Err(ForgeError::Conflict { branch: new.branch.clone(), expected, found: Some(there.object.sha) })
    }

    /// The files that go; a folder stands for everything in it.
    async fn deletions(&self, id: &RepositoryId, at: &str, delete: &[String]) -> Result<Vec<String>, ForgeError> {
        if delete.is_empty() {
            return Ok(Vec::new());
        }
        let whole = self.whole(id, at).await?;
        let mut gone = Vec::new();
        for path in delete {
            let before = gone.len();
            match &whole {
                Some(entries) => {
                    let folder = format!("{path}/");
                    let inside = |entry: &&TreeEntry| entry.path == *path || entry.path.starts_with(&folder);
                    gone.extend(entries.iter().filter(inside).filter(|entry| is_file(entry)).map(path_of));
                }
                None => gone.extend(self.below(id, at, path).await?.iter().filter(|entry| is_file(entry)).map(path_of)),
            }
            if gone.len() == before {
                return Err(ForgeError::NotFound(Missing::Path {
                    expected: "file",
                    repository: id.clone(),
                    revision: at.to_owned(),
                    path: path.clone(),
                }));
            }
        }
        Ok(gone)
    }

    pub(super) async fn remove_branch(&self, id: &RepositoryId, branch: &str, tip: &str) -> Result<(), ForgeError> {
        let doing = format!("delete branch {branch} of {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let gone = || ForgeError::NotFound(Missing::Revision { repository: id.clone(), revision: branch.to_owned() });
        let there = match client.ask::<model::Reference>(Call::get(reference(id, "ref", branch))).await {
            Ok(reference) => reference.object.sha,
            Err(failure) if failure.is_not_found() => return Err(gone()),
            Err(failure) => return Err(failed(failure)),
        };
        if there != tip {
            let expected = Some(tip.to_owned());
            return Err(ForgeError::Conflict { branch: branch.to_owned(), expected, found: Some(there) });
        }
        match client.tell(Call::delete(reference(id, "refs", branch))).await {
            Ok(()) => Ok(()),
            // The first of two tries did it.
            Err(failure) if failure.is_not_found() || failure.says("reference does not exist") => Ok(()),
            Err(failure) => Err(failed(failure)),
        }
    }
}

fn is_file(entry: &TreeEntry) -> bool {
    entry.kind != EntryKind::Folder
}

fn path_of(entry: &TreeEntry) -> String {
    entry.path.clone()
}

/// Path segments of a repository's Git data.
fn git<'a, const N: usize>(id: &'a RepositoryId, rest: [&'a str; N]) -> Vec<&'a str> {
    ["repos", id.owner(), id.name(), "git"].into_iter().chain(rest).collect()
}

/// Path segments of a branch's reference, read (`ref`) or written (`refs`).
fn reference<'a>(id: &'a RepositoryId, word: &'a str, branch: &'a str) -> Vec<&'a str> {
    git(id, [word, "heads"]).into_iter().chain(branch.split('/')).collect()
}

/// The first commit of an empty repository, which takes no Git data before.
async fn begin(client: &Client, id: &RepositoryId, branch: &str) -> Result<(), Failure> {
    let body = json!({
        "message": FIRST_MESSAGE,
        "content": STANDARD.encode(format!("# {}\n", id.name())),
        "branch": branch,
    });
    match client.tell(Call::put(["repos", id.owner(), id.name(), "contents", FIRST_FILE], body)).await {
        // The first of two tries did it.
        Err(failure) if failure.is(StatusCode::UNPROCESSABLE_ENTITY) && failure.says("sha") => Ok(()),
        other => other,
    }
}

/// Makes the tree of these files, on top of another or of nothing; gives its id.
async fn tree(
    client: &Client,
    id: &RepositoryId,
    base: Option<&str>,
    write: &[NewFile],
    delete: &[String],
) -> Result<String, Failure> {
    let binary: Vec<(usize, NewFile)> = write
        .iter()
        .enumerate()
        .filter(|(_, file)| inline(file).is_none())
        .map(|(at, file)| (at, file.clone()))
        .collect();
    let sent = binary.into_iter().map(|(at, file)| async move { blob(client, id, &file).await.map(|sha| (at, sha)) });
    let blobs: HashMap<usize, String> = futures_util::stream::iter(sent).buffer_unordered(BLOBS).try_collect().await?;
    let gone = delete.iter().map(|path| (json!({"path": path, "mode": "100644", "type": "blob", "sha": null}), 0));
    let files = write.iter().enumerate().map(|(at, file)| {
        let mut entry = json!({"path": file.path, "mode": mode(file.mode), "type": "blob"});
        if let Some(sha) = blobs.get(&at) {
            entry["sha"] = json!(sha);
            return (entry, 0);
        }
        let text = inline(file).unwrap_or_default();
        entry["content"] = json!(text);
        (entry, text.len())
    });
    let mut base = base.map(str::to_owned);
    let mut part: Vec<Value> = Vec::new();
    let mut bytes = 0;
    for (entry, size) in gone.chain(files) {
        if part.len() == TREE_ENTRIES || bytes + size > TREE_BYTES {
            base = Some(send_tree(client, id, base, std::mem::take(&mut part)).await?);
            bytes = 0;
        }
        part.push(entry);
        bytes += size;
    }
    match base {
        Some(base) if part.is_empty() => Ok(base),
        base => send_tree(client, id, base, part).await,
    }
}

async fn send_tree(
    client: &Client,
    id: &RepositoryId,
    base: Option<String>,
    entries: Vec<Value>,
) -> Result<String, Failure> {
    let mut body = json!({"tree": entries});
    if let Some(base) = base {
        body["base_tree"] = json!(base);
    }
    let made: model::Sha = client.ask(Call::post(git(id, ["trees"]), body).repeatable()).await?;
    Ok(made.sha)
}

async fn blob(client: &Client, id: &RepositoryId, file: &NewFile) -> Result<String, Failure> {
    let body = json!({"content": STANDARD.encode(&file.bytes), "encoding": "base64"});
    let made: model::Sha = client.ask(Call::post(git(id, ["blobs"]), body).repeatable()).await?;
    Ok(made.sha)
}

/// The text of a file that goes into the tree.
fn inline(file: &NewFile) -> Option<&str> {
    std::str::from_utf8(&file.bytes).ok().filter(|text| text.len() <= INLINE && !text.contains('\0'))
}

fn mode(mode: FileMode) -> &'static str {
    match mode {
        FileMode::Regular => "100644",
        FileMode::Executable => "100755",
        FileMode::Symlink => "120000",
    }
}

fn signature(who: &Signature) -> Value {
    json!({"name": who.name, "email": who.email, "date": who.time.to_rfc3339()})
}

fn check_sizes(new: &NewCommit) -> Result<(), ForgeError> {
    let (Contents::Tree(files) | Contents::Change { write: files, .. }) = &new.contents;
    match files.iter().find(|file| file.bytes.len() > LARGEST) {
        Some(file) => Err(ForgeError::TooLarge {
            what: format!("file `{}`", file.path),
            limit: crate::forge::Limit::Bytes(LARGEST as u64),
        }),
        None => Ok(()),
    }
}
