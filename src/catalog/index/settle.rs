//! Finishing entities: what one thread can find out about each, while another one puts it into the index.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use crate::catalog::facts::Facts;
use crate::catalog::graph::{Graph, Shown};
use crate::catalog::record::{Record, Row};

/// From how many entities on a second thread is worth it.
const MANY: usize = 256;
/// Entities that are handed over at once, and how many such packs may wait.
const PACK: usize = 64;
const WAITING: usize = 4;

/// What an entity is to be.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// The new row, where it has one.
    row: Option<Row>,
    is_gone: bool,
    /// What it showed before, where that is something else now.
    pub(super) before: Option<Arc<[Shown]>>,
}

/// An entity with everything that the index needs of it.
pub(super) struct Prepared {
    pub(super) slot: u32,
    /// The entity as it is now; none if it is gone.
    pub(super) record: Option<Arc<Record>>,
    /// What it was and is found by, if that changed.
    pub(super) facts: Option<(Facts, Facts)>,
    /// The relations it was found by.
    pub(super) before: Arc<[Shown]>,
}

impl Touched {
    /// Has another row, or none any more.
    pub(super) fn new(row: Option<Row>) -> Self {
        Self { is_gone: row.is_none(), row, before: None }
    }
}

/// Finishes one entity. None for a name that is only referred to.
pub(super) fn prepare(graph: &Graph, slot: u32, touched: Touched) -> Option<Prepared> {
    let Touched { row, is_gone, before } = touched;
    let node = graph.node(slot);
    let old = node.record.as_ref();
    let relations = || graph.relations_json(node.shown());
    let (record, has_other_row) = match (row, old) {
        (Some(row), _) => (Record::finish(&node.reference, &row, &relations()), true),
        (None, Some(old)) if !is_gone => (Some(old.related(&relations())), false),
        (None, Some(_)) => (None, true),
        (None, None) => return None,
    };
    let facts = has_other_row.then(|| {
        let old = old.map(|record| record.facts()).unwrap_or_default();
        (old, record.as_ref().map(Record::facts).unwrap_or_default())
    });
    let shown_before = || node.shown().into();
    let before = if old.is_some() { before.unwrap_or_else(shown_before) } else { Arc::default() };
    Some(Prepared { slot, record: record.map(Arc::new), facts, before })
}

/// Does the first step for each item on another thread, and the second here, in the same order.
pub(super) fn pipeline<I: Send, P: Send>(
    items: Vec<I>,
    first: impl Fn(I) -> Option<P> + Sync,
    mut second: impl FnMut(P),
) {
    if items.len() < MANY {
        items.into_iter().filter_map(first).for_each(second);
        return;
    }
    std::thread::scope(|threads| {
        let (sender, receiver) = sync_channel(WAITING);
        let first = &first;
        threads.spawn(move || {
            let mut items = items.into_iter().filter_map(first).peekable();
            while items.peek().is_some() {
                let pack: Vec<P> = items.by_ref().take(PACK).collect();
                // The receiver goes only when this scope does.
                if sender.send(pack).is_err() {
                    return;
                }
            }
        });
        receiver.into_iter().flatten().for_each(&mut second);
    });
}
