//! Making a commit: check it, build its objects, store them, move the branch; in this order, so that a process that
//! is killed leaves either the old branch or the new one.

use std::collections::{BTreeSet, HashSet};

use gix::{
    ObjectId,
    lock::acquire::Fail,
    objs::{Kind, Tree, tree::EntryKind as GitKind},
    refs::{
        FullName, Target,
        transaction::{Change, PreviousValue, RefEdit, RefLog},
    },
};

use super::{MAX_FILE_BYTES, MAX_FILES, durable, name, object::NewObjects, read::Reader};
use crate::forge::{
    Commit, Contents, FileMode, ForgeError, Limit, Missing, NameError, NewCommit, NewFile, Parent, Signature,
    error::Doing,
};

/// Adds a commit to a branch. The caller holds the repository's writer lock.
pub(super) fn commit(reader: &Reader<'_>, new: &NewCommit) -> Result<Commit, ForgeError> {
    let reference = check(new)?;
    let parent = expected_parent(reader, new, &reference)?;
    let base = parent.map(|parent| reader.root(parent)).transpose()?;
    let mut objects = NewObjects::new(reader.git);
    let tree = build_tree(reader, &mut objects, base.as_ref(), &new.contents)?;
    let finished = Finished {
        tree,
        parents: parent.into_iter().collect(),
        message: &new.message,
        author: &new.author,
        committer: &new.committer,
    };
    let at = match &new.parent {
        Parent::Tip(_) => parent,
        Parent::Root | Parent::Fork(_) => None,
    };
    land(reader, objects, &reference, at, finished)
}

/// A commit whose tree is built.
pub(super) struct Finished<'a> {
    pub(super) tree: ObjectId,
    pub(super) parents: Vec<ObjectId>,
    pub(super) message: &'a str,
    pub(super) author: &'a Signature,
    pub(super) committer: &'a Signature,
}

/// Stores a commit with its objects, and moves the branch to it from where it is; none: from nowhere.
pub(super) fn land(
    reader: &Reader<'_>,
    mut objects: NewObjects<'_>,
    branch: &FullName,
    at: Option<ObjectId>,
    finished: Finished<'_>,
) -> Result<Commit, ForgeError> {
    let Finished { tree, parents, message, author, committer } = finished;
    let id = objects.encode(&gix::objs::Commit {
        tree,
        parents: parents.into(),
        author: git_signature(author),
        committer: git_signature(committer),
        encoding: None,
        message: format!("{}\n", message.strip_suffix('\n').unwrap_or(message)).into(),
        extra_headers: Vec::new(),
    })?;
    objects.store()?;
    point(reader, branch, at, id)?;
    reader.commit(id)
}

/// Everything that can be said of a commit without looking at the repository.
fn check(new: &NewCommit) -> Result<FullName, ForgeError> {
    name::check_message(&new.message)?;
    name::check_signature(&new.author)?;
    name::check_signature(&new.committer)?;
    let (files, deleted): (&[NewFile], &[String]) = match &new.contents {
        Contents::Tree(files) => (files, &[]),
        Contents::Change { write, delete } => (write, delete),
    };
    if files.len() > MAX_FILES {
        return Err(ForgeError::TooLarge { what: "the commit".to_owned(), limit: Limit::Files(MAX_FILES) });
    }
    for path in deleted {
        name::check_file_path(path, false)?;
    }
    for file in files {
        name::check_file_path(&file.path, file.mode == FileMode::Symlink)?;
        if file.bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(ForgeError::TooLarge { what: format!("`{}`", file.path), limit: Limit::Bytes(MAX_FILE_BYTES) });
        }
        if file.mode == FileMode::Symlink {
            name::check_symlink(&file.path, &file.bytes)?;
        }
    }
    check_overlap(files)?;
    Ok(name::branch_reference(&new.branch)?)
}

/// No path twice, and none that is a file and a folder.
fn check_overlap(files: &[NewFile]) -> Result<(), NameError> {
    let mut paths = HashSet::with_capacity(files.len());
    for file in files {
        if !paths.insert(file.path.as_str()) {
            return Err(NameError::new("file path", &file.path, "is given twice; give each file once"));
        }
    }
    for file in files {
        if let Some(folder) = ancestors(&file.path).find(|folder| paths.contains(folder)) {
            let rule = format!("lies below {folder:?}, which is a file of the same commit; rename one of them");
            return Err(NameError::new("file path", &file.path, rule));
        }
    }
    Ok(())
}

/// The folders above a path, innermost first, without the root.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(path.rsplit_once('/').map(|(above, _)| above), |path| {
        path.rsplit_once('/').map(|(above, _)| above)
    })
}

/// The commit's parent, if the branch is where the caller expects it.
fn expected_parent(reader: &Reader<'_>, new: &NewCommit, branch: &FullName) -> Result<Option<ObjectId>, ForgeError> {
    let found = reader.reference(&branch.to_string())?.map(|id| id.to_string());
    let expected = match &new.parent {
        Parent::Tip(tip) => Some(tip.clone()),
        Parent::Root | Parent::Fork(_) => None,
    };
    if found != expected {
        return Err(ForgeError::Conflict { branch: new.branch.clone(), expected, found });
    }
    match &new.parent {
        Parent::Root => Ok(None),
        Parent::Tip(commit) | Parent::Fork(commit) => {
            let missing = || Missing::Revision { repository: reader.id.clone(), revision: commit.clone() };
            let id = commit.parse::<ObjectId>().map_err(|_| ForgeError::NotFound(missing()))?;
            let known = reader.find_commit_id(commit)?.is_some();
            if known { Ok(Some(id)) } else { Err(ForgeError::NotFound(missing())) }
        }
    }
}

/// Builds the trees and blobs of the new state, and gives the root tree.
fn build_tree(
    reader: &Reader<'_>,
    objects: &mut NewObjects<'_>,
    base: Option<&gix::Tree<'_>>,
    contents: &Contents,
) -> Result<ObjectId, ForgeError> {
    let doing = || format!("build the tree of a commit to {}", reader.id);
    let empty = Tree::empty();
    let (root, files, deleted): (Tree, &[NewFile], &[String]) = match (contents, base) {
        (Contents::Tree(files), _) => (empty, files, &[]),
        (Contents::Change { write, delete }, None) => (empty, write, delete),
        (Contents::Change { write, delete }, Some(base)) => {
            check_against_base(reader, base, write, delete)?;
            let decoded = base.decode().map(Tree::from).doing(doing())?;
            (decoded, write, delete)
        }
    };
    if base.is_none()
        && let Some(path) = deleted.first()
    {
        return Err(NameError::new("file path", path, "is to be deleted, but the branch has no files yet").into());
    }
    let mut editor = gix::objs::tree::Editor::new(root, &reader.git.objects, gix::hash::Kind::Sha1);
    for path in deleted {
        editor.remove(path.split('/')).doing(doing())?;
    }
    for file in files {
        let blob = objects.add(Kind::Blob, file.bytes.clone())?;
        editor.upsert(file.path.split('/'), git_kind(file.mode), blob).doing(doing())?;
    }
    editor.write(|tree| objects.encode(tree))
}

/// What is deleted exists, no file takes the place of a folder that stays or the other way round, and the new tree is
/// within the limit.
fn check_against_base(
    reader: &Reader<'_>,
    base: &gix::Tree<'_>,
    write: &[NewFile],
    delete: &[String],
) -> Result<(), ForgeError> {
    let mut files = files_of(reader, base)?;
    for path in delete {
        let below = format!("{path}/");
        let inside = files.range(below.clone()..).take_while(|file| file.starts_with(&below));
        let inside: Vec<String> = inside.cloned().collect();
        if !files.remove(path) && inside.is_empty() {
            return Err(NameError::new("file path", path, "is to be deleted, but is not in the repository").into());
        }
        for file in inside {
            files.remove(&file);
        }
    }
    for NewFile { path, .. } in write {
        if let Some(file) = ancestors(path).find(|folder| files.contains(*folder)) {
            let rule = format!("lies below {file:?}, which is a file or symlink; delete that in the same commit");
            return Err(NameError::new("file path", path, rule).into());
        }
        let below = format!("{path}/");
        if files.range(below.clone()..).next().is_some_and(|file| file.starts_with(&below)) {
            return Err(NameError::new("file path", path, "is a folder; delete that in the same commit").into());
        }
    }
    files.extend(write.iter().map(|file| file.path.clone()));
    if files.len() > MAX_FILES {
        let what = format!("the new tree of {}", reader.id);
        return Err(ForgeError::TooLarge { what, limit: Limit::Files(MAX_FILES) });
    }
    Ok(())
}

fn files_of(reader: &Reader<'_>, base: &gix::Tree<'_>) -> Result<BTreeSet<String>, ForgeError> {
    let files = base.traverse().breadthfirst.files().doing(format_args!("read the files of {}", reader.id))?;
    Ok(files.into_iter().filter(|file| !file.mode.is_tree()).map(|file| file.filepath.to_string()).collect())
}

/// Points a reference to `id` if it still is where it was; synced before it counts.
pub(super) fn point(
    reader: &Reader<'_>,
    reference: &FullName,
    at: Option<ObjectId>,
    id: ObjectId,
) -> Result<(), ForgeError> {
    let doing = || format!("move {reference} of {}", reader.id);
    let previous = at.map_or(PreviousValue::MustNotExist, |at| PreviousValue::MustExistAndMatch(Target::Object(at)));
    let edit = RefEdit::update(reference.clone(), id, previous, "");
    let transaction = reader.git.refs.transaction();
    let prepared = transaction.prepare([edit], Fail::Immediately, Fail::Immediately).doing(doing())?;
    // gix does not sync: the lock file it will rename is the new reference.
    let path = reader.git.git_dir().join(reference.to_string());
    let mut lock = path.clone().into_os_string();
    lock.push(".lock");
    std::fs::File::open(lock).and_then(|file| file.sync_all()).doing(doing())?;
    prepared.commit(None).doing(doing())?;
    // A branch with slashes has folders of its own, up to `refs/heads`.
    let mut folders =
        path.ancestors().skip(1).take_while(|folder| folder.starts_with(reader.git.git_dir().join("refs")));
    folders.try_for_each(durable::sync_folder).doing(doing())
}

/// Removes a reference that is at `tip`.
pub(super) fn remove(reader: &Reader<'_>, reference: &FullName, tip: ObjectId) -> Result<(), ForgeError> {
    let doing = || format!("remove {reference} of {}", reader.id);
    let edit = RefEdit {
        change: Change::Delete {
            expected: PreviousValue::MustExistAndMatch(Target::Object(tip)),
            log: RefLog::AndReference,
        },
        name: reference.clone(),
        deref: false,
    };
    let transaction = reader.git.refs.transaction();
    let prepared = transaction.prepare([edit], Fail::Immediately, Fail::Immediately).doing(doing())?;
    prepared.commit(None).doing(doing())?;
    durable::sync_folder(&reader.git.git_dir().join("refs/heads")).doing(doing())
}

fn git_kind(mode: FileMode) -> GitKind {
    match mode {
        FileMode::Regular => GitKind::Blob,
        FileMode::Executable => GitKind::BlobExecutable,
        FileMode::Symlink => GitKind::Link,
    }
}

fn git_signature(signature: &Signature) -> gix::actor::Signature {
    gix::actor::Signature {
        name: signature.name.trim().into(),
        email: signature.email.as_str().into(),
        time: gix::date::Time {
            seconds: signature.time.timestamp(),
            offset: signature.time.offset().local_minus_utc(),
        },
    }
}
