//! Two branches beside each other: what one has that the other has not, and both put together line by line.

use gix::{
    ObjectId,
    merge::{blob::builtin_driver::text::Labels, tree::TreatAsUnresolved},
    objs::Kind,
    revision::walk::Sorting,
    traverse::commit::simple::CommitTimeOrder,
};

use super::read::Reader;
use crate::forge::{Commit, Comparison, ForgeError, error::Doing};

/// Two branches' changes put together.
pub(super) struct Merged {
    pub(super) tree: ObjectId,
    /// What is not stored yet.
    pub(super) objects: Vec<(Kind, Vec<u8>)>,
    /// The paths that do not go together.
    pub(super) conflicts: Vec<String>,
}

impl Merged {
    fn as_is(tree: ObjectId) -> Self {
        Self { tree, objects: Vec::new(), conflicts: Vec::new() }
    }
}

impl Reader<'_> {
    /// What `head` has that `base` has not.
    pub(super) fn compare(&self, base: &str, head: &str, limit: usize) -> Result<Comparison, ForgeError> {
        let (base, head) = (self.commit_id(base)?, self.commit_id(head)?);
        let common = self.common(base, head)?;
        let old = common.map(|commit| self.root(commit)).transpose()?.map(|tree| tree.id);
        Ok(Comparison {
            common: common.map(|commit| commit.to_string()),
            commits: self.ahead(base, head, limit)?,
            changes: self.between(old, self.root(head)?.id)?,
            conflicts: self.merged(common, base, head)?.conflicts,
        })
    }

    /// The newest commit that two have in common.
    pub(super) fn common(&self, one: ObjectId, two: ObjectId) -> Result<Option<ObjectId>, ForgeError> {
        let found = self.git.merge_base(one, two).doing(format_args!("compare {one} and {two} of {}", self.id))?;
        Ok(found.map(gix::Id::detach))
    }

    /// The commits of `head` that `base` has not, newest first.
    pub(super) fn ahead(&self, base: ObjectId, head: ObjectId, limit: usize) -> Result<Vec<Commit>, ForgeError> {
        let doing = || format!("list the commits between {base} and {head} of {}", self.id);
        let sorting = Sorting::ByCommitTime(CommitTimeOrder::NewestFirst);
        let walk = self.git.rev_walk([head]).with_hidden([base]).sorting(sorting).all().doing(doing())?;
        walk.take(limit).map(|step| self.commit(step.doing(doing())?.id)).collect()
    }

    /// The changes of both since the commit in common.
    pub(super) fn merged(
        &self,
        common: Option<ObjectId>,
        base: ObjectId,
        head: ObjectId,
    ) -> Result<Merged, ForgeError> {
        if common == Some(base) {
            return Ok(Merged::as_is(self.root(head)?.id));
        }
        if common == Some(head) {
            return Ok(Merged::as_is(self.root(base)?.id));
        }
        let doing = || format!("merge {head} into {base} of {}", self.id);
        // Merging writes what it makes: to memory, until it is known to be wanted.
        let mut git = self.git.clone().with_object_memory();
        let ancestor =
            common.map_or_else(|| Ok(ObjectId::empty_tree(git.object_hash())), |commit| self.tree(commit))?;
        let labels = Labels { ancestor: None, current: None, other: None };
        let options = git.tree_merge_options().doing(doing())?;
        let mut outcome =
            git.merge_trees(ancestor, self.tree(base)?, self.tree(head)?, labels, options).doing(doing())?;
        let unresolved = outcome.conflicts.iter().filter(|it| it.is_unresolved(TreatAsUnresolved::git()));
        let mut conflicts: Vec<String> = unresolved.map(|it| it.ours.location().to_string()).collect();
        conflicts.sort();
        conflicts.dedup();
        let tree = outcome.tree.write().doing(doing())?.detach();
        drop(outcome);
        let made = git.objects.take_object_memory();
        let objects = made.into_iter().flat_map(|made| made.values().cloned().collect::<Vec<_>>()).collect();
        Ok(Merged { tree, objects, conflicts })
    }

    /// The tree of a commit.
    pub(super) fn tree(&self, commit: ObjectId) -> Result<ObjectId, ForgeError> {
        Ok(self.root(commit)?.id)
    }
}
