//! Which commits and objects a client lacks: walks over the commit graph.

use std::collections::{HashMap, HashSet, VecDeque};

use gix::{ObjectId, objs::Kind};

use super::{advertisement::Reference, request::Deepen};
use crate::forge::{ForgeError, error::Doing, local::read::Reader};

/// A set of objects.
pub(super) type Objects = HashSet<ObjectId>;

/// A commit as far as walks need it.
#[derive(Debug, Clone)]
struct Node {
    parents: Vec<ObjectId>,
    tree: ObjectId,
    time: i64,
}

/// The commits of a repository, read as walks come to them.
pub(super) struct Graph<'a> {
    reader: &'a Reader<'a>,
    nodes: HashMap<ObjectId, Node>,
}

/// The part of the history a client is to have.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// The commits, newest first as far as a breadth-first walk gives it.
    pub(super) commits: Vec<ObjectId>,
    /// Those with a parent that is left out.
    pub(super) boundary: Objects,
}

impl<'a> Graph<'a> {
    /// The graph of a repository.
    pub(super) fn new(reader: &'a Reader<'a>) -> Self {
        Self { reader, nodes: HashMap::new() }
    }

    /// What an object leads to through annotated tags: a commit, and the tags on the way. `None` if it is not stored
    /// or leads to something else.
    pub(super) fn peel(&self, id: ObjectId) -> Result<Option<(ObjectId, Vec<ObjectId>)>, ForgeError> {
        let doing = || format!("read object {id} of {}", self.reader.id);
        let mut tags = Vec::new();
        let mut at = id;
        loop {
            let Some(object) = self.reader.git.try_find_object(at).doing(doing())? else {
                return Ok(None);
            };
            match object.kind {
                Kind::Commit => return Ok(Some((at, tags))),
                Kind::Tag => {
                    tags.push(at);
                    let tag = object.try_into_tag().doing(doing())?;
                    at = tag.target_id().doing(doing())?.detach();
                }
                Kind::Tree | Kind::Blob => return Ok(None),
            }
        }
    }

    /// Everything reachable from `from` without passing a commit in `ends`.
    pub(super) fn reachable(
        &mut self,
        from: impl IntoIterator<Item = ObjectId>,
        ends: &Objects,
    ) -> Result<Objects, ForgeError> {
        let mut seen = Objects::new();
        let mut queue: Vec<ObjectId> = from.into_iter().collect();
        while let Some(id) = queue.pop() {
            if seen.insert(id) && !ends.contains(&id) {
                queue.extend(self.parents(id)?);
            }
        }
        Ok(seen)
    }

    /// Whether each of `wants` leads to one of `goals`.
    pub(super) fn all_reach(&mut self, wants: &[ObjectId], goals: &Objects) -> Result<bool, ForgeError> {
        for want in wants {
            let mut seen = Objects::new();
            let mut queue = VecDeque::from([*want]);
            let found = loop {
                let Some(id) = queue.pop_front() else { break false };
                if goals.contains(&id) {
                    break true;
                }
                if seen.insert(id) {
                    queue.extend(self.parents(id)?);
                }
            };
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The whole history of `wants`, not passing a commit in `ends` (the client's boundary, which it keeps).
    pub(super) fn whole(&mut self, wants: &[ObjectId], ends: &Objects) -> Result<Selection, ForgeError> {
        let distances = self.distances(wants, ends)?;
        Ok(Selection { commits: distances.into_iter().map(|(id, _)| id).collect(), boundary: Objects::new() })
    }

    /// The history of `wants` as far as `deepen` says; `shallow` is the client's present boundary.
    pub(super) fn cut(
        &mut self,
        wants: &[ObjectId],
        deepen: &Deepen,
        shallow: &Objects,
    ) -> Result<Selection, ForgeError> {
        let mut excluded = Vec::new();
        for name in &deepen.not {
            let found = self.reader.find_commit_id(name)?;
            let found = found.ok_or_else(|| ForgeError::Protocol(format!("deepen-not: no reference {name:?}")))?;
            excluded.push(found);
        }
        let excluded = self.reachable(excluded, &Objects::new())?;
        let distances = self.distances(wants, &Objects::new())?;
        let present = distances.iter().filter(|(id, _)| shallow.contains(id)).map(|(_, distance)| *distance).max();
        let base = present.filter(|_| deepen.relative).unwrap_or(0);
        let depth = deepen.depth.map_or(u32::MAX, |depth| depth.saturating_add(base));
        let mut commits = Vec::new();
        for (id, distance) in distances {
            let recent = match deepen.since {
                Some(since) => self.node(id)?.time >= since,
                None => true,
            };
            if distance <= depth && recent && !excluded.contains(&id) {
                commits.push(id);
            }
        }
        if commits.is_empty() {
            return Err(ForgeError::Protocol("no commits selected for shallow requests".to_owned()));
        }
        let included: Objects = commits.iter().copied().collect();
        let mut boundary = Objects::new();
        for id in &commits {
            if self.parents(*id)?.iter().any(|parent| !included.contains(parent)) {
                boundary.insert(*id);
            }
        }
        Ok(Selection { commits, boundary })
    }

    /// Every commit reachable from `from` with its distance, counted from 1, nearest first.
    fn distances(&mut self, from: &[ObjectId], ends: &Objects) -> Result<Vec<(ObjectId, u32)>, ForgeError> {
        let mut seen = Objects::new();
        let mut found = Vec::new();
        let mut queue: VecDeque<(ObjectId, u32)> = from.iter().map(|id| (*id, 1)).collect();
        while let Some((id, distance)) = queue.pop_front() {
            if !seen.insert(id) {
                continue;
            }
            found.push((id, distance));
            if !ends.contains(&id) {
                queue.extend(self.parents(id)?.into_iter().map(|parent| (parent, distance.saturating_add(1))));
            }
        }
        Ok(found)
    }

    /// All objects of `commits`, the commits first, without what a client with the commits `has` surely has.
    pub(super) fn objects(
        &mut self,
        commits: &[ObjectId],
        has: &Objects,
        shallow: &Objects,
    ) -> Result<Vec<ObjectId>, ForgeError> {
        // Only the client's commits next to those sent, above and below, are compared: what others share with them is
        // rarely worth the walk.
        let mut near: Objects = shallow.intersection(has).copied().collect();
        for commit in commits {
            near.extend(self.parents(*commit)?.into_iter().filter(|parent| has.contains(parent)));
        }
        let mut seen = Objects::new();
        for commit in near {
            let tree = self.node(commit)?.tree;
            self.tree_objects(tree, &mut seen, &mut Vec::new())?;
        }
        let mut objects = commits.to_vec();
        for commit in commits {
            let tree = self.node(*commit)?.tree;
            self.tree_objects(tree, &mut seen, &mut objects)?;
        }
        Ok(objects)
    }

    /// Adds a tree and what is in it to `objects`, but what is in `seen`.
    fn tree_objects(&self, tree: ObjectId, seen: &mut Objects, objects: &mut Vec<ObjectId>) -> Result<(), ForgeError> {
        let mut trees = vec![tree];
        while let Some(id) = trees.pop() {
            if !seen.insert(id) {
                continue;
            }
            objects.push(id);
            let doing = || format!("read tree {id} of {}", self.reader.id);
            let tree = self.reader.git.find_tree(id).doing(doing())?;
            for entry in tree.iter() {
                let entry = entry.doing(doing())?;
                if entry.mode().is_tree() {
                    trees.push(entry.object_id());
                } else if !entry.mode().is_commit() && seen.insert(entry.object_id()) {
                    objects.push(entry.object_id());
                }
            }
        }
        Ok(())
    }

    /// The annotated tags among `references` that point to one of `commits`.
    pub(super) fn tags_of(references: &[Reference], commits: &Objects) -> Vec<ObjectId> {
        let tagged = references.iter().filter(|r| r.peeled.is_some_and(|commit| commits.contains(&commit)));
        tagged.map(|reference| reference.target).collect()
    }

    fn parents(&mut self, id: ObjectId) -> Result<Vec<ObjectId>, ForgeError> {
        self.node(id).map(|node| node.parents.clone())
    }

    fn node(&mut self, id: ObjectId) -> Result<&Node, ForgeError> {
        use std::collections::hash_map::Entry;
        match self.nodes.entry(id) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let doing = || format!("read commit {id} of {}", self.reader.id);
                let commit = self.reader.git.find_commit(id).doing(doing())?;
                let parents = commit.parent_ids().map(gix::Id::detach).collect();
                let tree = commit.tree_id().doing(doing())?.detach();
                let time = commit.time().map_or(0, |time| time.seconds);
                Ok(place.insert(Node { parents, tree, time }))
            }
        }
    }
}
