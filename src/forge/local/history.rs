//! Reading a local repository's history: the log, and what one commit changed.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset};
use gix::{
    ObjectId, bstr::ByteSlice, objs::tree::EntryMode, revision::walk::Sorting,
    traverse::commit::simple::CommitTimeOrder,
};

use super::read::{Reader, entry_kind, join};
use crate::forge::{Change, ChangeSide, Commit, CommitChanges, ForgeError, LogQuery, Signature, error::Doing};

/// An entry of a tree: mode and object.
type Entry = (EntryMode, ObjectId);
/// A name whose entries differ, and the entry before and after.
type Difference = (String, Option<Entry>, Option<Entry>);

impl Reader<'_> {
    /// The newest commits of a revision, newest first.
    pub(super) fn log(&self, query: &LogQuery) -> Result<Vec<Commit>, ForgeError> {
        let doing = || format!("read the log of {} at {}", self.id, query.revision);
        let start = self.commit_id(&query.revision)?;
        let sorting = Sorting::ByCommitTime(CommitTimeOrder::NewestFirst);
        let walk = self.git.rev_walk([start]).sorting(sorting).all().doing(doing())?;
        let mut skip = query.skip;
        let mut commits = Vec::new();
        for step in walk {
            if commits.len() == query.limit {
                break;
            }
            let id = step.doing(doing())?.id;
            if let Some(path) = &query.path
                && !self.touches(id, path)?
            {
                continue;
            }
            if skip > 0 {
                skip -= 1;
                continue;
            }
            commits.push(self.commit(id)?);
        }
        Ok(commits)
    }

    /// Whether a commit left `path` different from how each of its parents has it.
    fn touches(&self, id: ObjectId, path: &str) -> Result<bool, ForgeError> {
        let here = self.entry(&self.root(id)?, path)?;
        let commit = self.git.find_commit(id).doing(format_args!("read commit {id} of {}", self.id))?;
        let mut parents = commit.parent_ids().peekable();
        if parents.peek().is_none() {
            return Ok(here.is_some());
        }
        for parent in parents {
            if self.entry(&self.root(parent.detach())?, path)? == here {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// One commit.
    pub(super) fn commit(&self, id: ObjectId) -> Result<Commit, ForgeError> {
        let doing = || format!("read commit {id} of {}", self.id);
        let commit = self.git.find_commit(id).doing(doing())?;
        let decoded = commit.decode().doing(doing())?;
        Ok(Commit {
            id: id.to_string(),
            tree: decoded.tree().to_string(),
            parents: decoded.parents().map(|parent| parent.to_string()).collect(),
            author: decoded.author().map(signature).doing(doing())?,
            committer: decoded.committer().map(signature).doing(doing())?,
            message: decoded.message.to_str_lossy().into_owned(),
        })
    }

    /// One commit and what it changed against its first parent.
    pub(super) fn changes(&self, revision: &str) -> Result<CommitChanges, ForgeError> {
        let id = self.commit_id(revision)?;
        let commit = self.commit(id)?;
        let doing = || format!("compare commit {id} of {}", self.id);
        let parent = self.git.find_commit(id).doing(doing())?.parent_ids().next();
        let old = parent.map(|parent| self.root(parent.detach())).transpose()?;
        let changes = self.between(old.map(|tree| tree.id), self.root(id)?.id)?;
        Ok(CommitChanges { commit, changes })
    }

    /// The paths that differ between two trees, sorted.
    pub(super) fn between(&self, old: Option<ObjectId>, new: ObjectId) -> Result<Vec<Change>, ForgeError> {
        let mut changes = Vec::new();
        // Pairs of folders that differ; a queue instead of recursion, as the depth is the repository's to choose.
        let mut folders = vec![(String::new(), old, Some(new))];
        while let Some((folder, old, new)) = folders.pop() {
            for (name, old, new) in self.differences(old, new)? {
                let path = join(&folder, &name);
                let side = |entry: Option<Entry>| match entry {
                    Some((mode, id)) if !mode.is_tree() => {
                        Some(ChangeSide { kind: entry_kind(mode), object_id: id.to_string() })
                    }
                    _ => None,
                };
                let (old_side, new_side) = (side(old), side(new));
                if old_side.is_some() || new_side.is_some() {
                    changes.push(Change { path: path.clone(), old: old_side, new: new_side });
                }
                let tree = |entry: Option<Entry>| entry.filter(|(mode, _)| mode.is_tree()).map(|(_, id)| id);
                if tree(old).is_some() || tree(new).is_some() {
                    folders.push((path, tree(old), tree(new)));
                }
            }
        }
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(changes)
    }

    /// The names whose entries differ between two trees, one of which may be absent.
    fn differences(&self, old: Option<ObjectId>, new: Option<ObjectId>) -> Result<Vec<Difference>, ForgeError> {
        let old = self.named_entries(old)?;
        let mut new = self.named_entries(new)?;
        let mut differences = Vec::new();
        for (name, before) in old {
            let after = new.remove(&name);
            if after != Some(before) {
                differences.push((name, Some(before), after));
            }
        }
        differences.extend(new.into_iter().map(|(name, after)| (name, None, Some(after))));
        Ok(differences)
    }

    fn named_entries(&self, tree: Option<ObjectId>) -> Result<BTreeMap<String, Entry>, ForgeError> {
        let Some(id) = tree else {
            return Ok(BTreeMap::new());
        };
        let doing = || format!("read tree {id} of {}", self.id);
        let tree = self.git.find_tree(id).doing(doing())?;
        let entries = tree.iter().map(|entry| {
            let entry = entry.doing(doing())?;
            Ok((entry.filename().to_str_lossy().into_owned(), (entry.mode(), entry.object_id())))
        });
        entries.collect()
    }
}

/// A commit's author or committer; a time that cannot be understood becomes the epoch.
fn signature(read: gix::actor::SignatureRef<'_>) -> Signature {
    let time = read.time().unwrap_or_default();
    let zone = FixedOffset::east_opt(time.offset).unwrap_or(FixedOffset::east_opt(0).expect("zero is an offset"));
    Signature {
        name: read.name.to_str_lossy().into_owned(),
        email: read.email.to_str_lossy().into_owned(),
        time: DateTime::from_timestamp(time.seconds, 0).unwrap_or_default().with_timezone(&zone),
    }
}
