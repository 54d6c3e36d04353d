//! Everything that has a name in the catalog, by number, and who is related to whom.
//!
//! A node is an entity, or a name that some entity refers to. An entity *states* relations, of itself and of others
//! towards it; what a node *shows* is everything that is stated about it, however often. Numbers of nodes are the
//! slots of the index; they are used again when nobody refers to a node any more. Copies share what they can.

use std::cmp::Ordering;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;

use super::edges::Edges;
use super::record::Record;
use super::table::Table;

/// Nodes in one shared piece.
const PIECE: usize = 256;

/// All nodes. Cheap to copy.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    pieces: Vec<Arc<Vec<Node>>>,
    names: Table<u32>,
    free: Vec<u32>,
    hasher: DefaultHashBuilder,
    kinds: Vec<Arc<str>>,
}

/// One entity, or one name that is referred to.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Canonical reference; empty while the number is free.
    pub(super) reference: Arc<str>,
    pub(super) record: Option<Arc<Record>>,
    stated: Option<Arc<[Stated]>>,
    shown: Option<Arc<[Shown]>>,
}

/// One relation that somebody states: `from` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Stated {
    from: u32,
    kind: u16,
    to: u32,
}

/// One relation that a node shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    kind: u16,
    to: u32,
    /// How often it is stated.
    times: u32,
}

/// A relation that is stated once more or once less.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shift {
    edge: Stated,
    is_new: bool,
}

impl Graph {
    /// The number of a name.
    pub(super) fn find(&self, reference: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(reference);
        self.names.find(hash, |slot| &*self.node(*slot).reference == reference).copied()
    }

    /// The node with a number that is in use.
    pub(super) fn node(&self, slot: u32) -> &Node {
        node_in(&self.pieces, slot)
    }

    /// The entity with a number, if there is one.
    pub(super) fn record(&self, slot: u32) -> Option<&Arc<Record>> {
        self.pieces.get(slot as usize / PIECE)?.get(slot as usize % PIECE)?.record.as_ref()
    }

    /// Every entity, in no particular order.
    pub(super) fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.pieces.iter().flat_map(|piece| piece.iter()).filter_map(|node| node.record.as_ref())
    }

    /// Every entity that is not as it was in an earlier graph, with its reference; none where it is gone.
    pub(super) fn changed_since(&self, before: &Self) -> Vec<(Arc<str>, Option<Arc<Record>>)> {
        let mut changed = Vec::new();
        for at in 0..self.pieces.len().max(before.pieces.len()) {
            let (new, old) = (self.pieces.get(at), before.pieces.get(at));
            if new.zip(old).is_some_and(|(new, old)| Arc::ptr_eq(new, old)) {
                continue;
            }
            let node =
                |piece: Option<&Arc<Vec<Node>>>, at| piece.and_then(|piece: &Arc<Vec<Node>>| piece.get(at).cloned());
            for at in 0..PIECE {
                let (new, old) = (node(new, at), node(old, at));
                let is_same = |new: &Node, old: &Node| match (&new.record, &old.record) {
                    (Some(new), Some(old)) => Arc::ptr_eq(new, old),
                    (None, None) => true,
                    _ => false,
                };
                if new.as_ref().zip(old.as_ref()).is_some_and(|(new, old)| is_same(new, old)) {
                    continue;
                }
                // The number may have become another entity's, and this one may have got another number.
                let gone = old.filter(|old| old.record.is_some()).map(|old| old.reference);
                let came = new.filter(|new| new.record.is_some()).map(|new| new.reference);
                for reference in gone.into_iter().chain(came) {
                    let now = self.find(&reference).and_then(|slot| self.record(slot)).cloned();
                    changed.push((reference, now));
                }
            }
        }
        changed.sort_by(|one, other| one.0.cmp(&other.0));
        changed.dedup_by(|one, other| one.0 == other.0);
        changed
    }

    /// What a node shows, with the name of the relation and the reference of the other end; sorted by both.
    pub(super) fn relations<'g>(&'g self, shown: &[Shown]) -> impl Iterator<Item = (&'g str, &'g Arc<str>)> {
        shown.iter().map(|shown| (&*self.kinds[usize::from(shown.kind)], &self.node(shown.to).reference))
    }

    /// What the node with a number shows: the name of the relation and the number of the other end, in the same order.
    pub(super) fn ends(&self, slot: u32) -> impl Iterator<Item = (&Arc<str>, u32)> {
        self.node(slot).shown().iter().map(|shown| (&self.kinds[usize::from(shown.kind)], shown.to))
    }

    /// What a node shows as JSON, as Backstage writes it.
    pub(super) fn relations_json(&self, shown: &[Shown]) -> String {
        let mut json = String::with_capacity(2 + shown.len() * 80);
        json.push('[');
        for (kind, target) in self.relations(shown) {
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str("{\"type\":");
            push_json(&mut json, kind);
            json.push_str(",\"targetRef\":");
            push_json(&mut json, target);
            json.push('}');
        }
        json.push(']');
        json
    }

    /// The number of a name, given one if it has none.
    pub(super) fn take(&mut self, reference: &str) -> u32 {
        self.find(reference).unwrap_or_else(|| self.add(reference.into()))
    }

    /// The same for a text that is to be kept.
    pub(super) fn take_shared(&mut self, reference: &Arc<str>) -> u32 {
        self.find(reference).unwrap_or_else(|| self.add(Arc::clone(reference)))
    }

    fn add(&mut self, reference: Arc<str>) -> u32 {
        let hash = self.hasher.hash_one(&*reference);
        let node = Node { reference, record: None, stated: None, shown: None };
        let slot = match self.free.pop() {
            Some(slot) => {
                *self.node_mut(slot) = node;
                slot
            }
            None => self.push(node),
        };
        let Self { names, pieces, hasher, .. } = self;
        names.insert(hash, slot, |slot| hasher.hash_one(&*node_in(pieces, *slot).reference));
        slot
    }

    fn push(&mut self, node: Node) -> u32 {
        match self.pieces.last_mut() {
            Some(piece) if piece.len() < PIECE => Arc::make_mut(piece).push(node),
            _ => {
                let mut piece = Vec::with_capacity(PIECE);
                piece.push(node);
                self.pieces.push(Arc::new(piece));
            }
        }
        let last = self.pieces.last().map_or(0, |piece| piece.len());
        let count = (self.pieces.len() - 1) * PIECE + last;
        u32::try_from(count - 1).expect("a catalog of four thousand million entities does not fit in memory")
    }

    fn node_mut(&mut self, slot: u32) -> &mut Node {
        &mut Arc::make_mut(&mut self.pieces[slot as usize / PIECE])[slot as usize % PIECE]
    }

    /// Puts an entity in its place, or takes it away.
    pub(super) fn set(&mut self, slot: u32, record: Option<Arc<Record>>) {
        self.node_mut(slot).record = record;
    }

    /// Gives a number back if nothing needs it any more.
    pub(super) fn release(&mut self, slot: u32) {
        let node = self.node(slot);
        if node.record.is_some() || node.stated.is_some() || node.shown.is_some() {
            return;
        }
        let reference = Arc::clone(&node.reference);
        let hash = self.hasher.hash_one(&*reference);
        self.names.remove(hash, |other| *other == slot);
        self.node_mut(slot).reference = Arc::default();
        self.free.push(slot);
    }

    /// Replaces what an entity states. The shifts are to be given to [`Graph::shift`], with those of others.
    pub(super) fn state(&mut self, by: u32, edges: Option<&Edges>, shifts: &mut Vec<Shift>) {
        let edges = edges.into_iter().flat_map(Edges::iter);
        let mut stated: Vec<Stated> = edges
            .map(|[source, kind, target]| {
                let mut end = |reference: &str| if reference.is_empty() { by } else { self.take(reference) };
                let (from, to) = (end(source), end(target));
                Stated { from, kind: self.kind(kind), to }
            })
            .collect();
        stated.sort_unstable();
        stated.dedup();
        let before = self.node(by).stated.clone();
        let before = before.as_deref().unwrap_or_default();
        if before == stated {
            return;
        }
        let (old, new) = (before.iter(), stated.iter());
        let gone = old.filter(|edge| stated.binary_search(edge).is_err());
        shifts.extend(gone.map(|edge| Shift { edge: *edge, is_new: false }));
        let come = new.filter(|edge| before.binary_search(edge).is_err());
        shifts.extend(come.map(|edge| Shift { edge: *edge, is_new: true }));
        self.node_mut(by).stated = (!stated.is_empty()).then(|| stated.into());
    }

    fn kind(&mut self, name: &str) -> u16 {
        let known = self.kinds.iter().position(|kind| **kind == *name);
        let at = known.unwrap_or_else(|| {
            self.kinds.push(name.into());
            self.kinds.len() - 1
        });
        u16::try_from(at).expect("a model has fewer than 65536 kinds of relations")
    }

    /// Makes what is shown follow what is stated. Gives the nodes that show something else now, each once, with what
    /// they showed before.
    pub(super) fn shift(&mut self, mut shifts: Vec<Shift>) -> Vec<(u32, Arc<[Shown]>)> {
        shifts.sort_unstable_by(|a, b| {
            a.edge.from.cmp(&b.edge.from).then_with(|| self.compare((a.edge.kind, a.edge.to), (b.edge.kind, b.edge.to)))
        });
        let mut changed = Vec::new();
        for group in shifts.chunk_by(|a, b| a.edge.from == b.edge.from) {
            let from = group[0].edge.from;
            let before = self.node(from).shown.clone();
            let after = self.merged(before.as_deref().unwrap_or_default(), group);
            let is_same = before.as_deref().unwrap_or_default().iter().map(Shown::end).eq(after.iter().map(Shown::end));
            self.node_mut(from).shown = (!after.is_empty()).then(|| after.into());
            if !is_same {
                changed.push((from, before.unwrap_or_default()));
            }
        }
        changed
    }

    /// What a node shows after some shifts; both lists are in the order of [`Graph::compare`].
    fn merged(&self, before: &[Shown], shifts: &[Shift]) -> Vec<Shown> {
        let mut after = Vec::with_capacity(before.len() + shifts.len());
        let mut old = before.iter().copied().peekable();
        for group in shifts.chunk_by(|a, b| a.edge == b.edge) {
            let edge = group[0].edge;
            while let Some(shown) =
                old.next_if(|shown| self.compare(shown.end(), (edge.kind, edge.to)) == Ordering::Less)
            {
                after.push(shown);
            }
            let known = old.next_if(|shown| shown.end() == (edge.kind, edge.to)).map_or(0, |shown| shown.times);
            let (new, gone): (Vec<&Shift>, Vec<&Shift>) = group.iter().partition(|shift| shift.is_new);
            let times = (known as usize + new.len()).saturating_sub(gone.len());
            if let Some(times) = u32::try_from(times).ok().filter(|times| *times > 0) {
                after.push(Shown { kind: edge.kind, to: edge.to, times });
            }
        }
        after.extend(old);
        after
    }

    /// The order in which relations are told: by name, then by the other end's reference.
    fn compare(&self, a: (u16, u32), b: (u16, u32)) -> Ordering {
        if a == b {
            return Ordering::Equal;
        }
        let kind = |end: (u16, u32)| &self.kinds[usize::from(end.0)];
        let target = |end: (u16, u32)| &self.node(end.1).reference;
        kind(a).cmp(kind(b)).then_with(|| target(a).cmp(target(b)))
    }
}

impl Node {
    /// What it shows.
    pub(super) fn shown(&self) -> &[Shown] {
        self.shown.as_deref().unwrap_or_default()
    }
}

impl Shown {
    /// Relation and other end.
    pub(super) fn end(&self) -> (u16, u32) {
        (self.kind, self.to)
    }
}

fn node_in(pieces: &[Arc<Vec<Node>>], slot: u32) -> &Node {
    &pieces[slot as usize / PIECE][slot as usize % PIECE]
}

fn push_json(json: &mut String, text: &str) {
    // Most names need no escapes.
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        json.push_str(&serde_json::Value::from(text).to_string());
    }
}
