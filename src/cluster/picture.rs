//! What the watches of a cluster have seen: its objects, trimmed, and how each watch goes.
//!
//! Written by `watch`, read by everybody. A list that is begun anew replaces the old one when it is complete, so readers
//! never see half of it. [`Picture::revision`] grows with every change, and [`Picture::changed`] wakes who waits.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::ClusterError;
use super::object::{Thing, ThingKind};

/// Where an object stands: namespace and name.
type Place = (Box<str>, Box<str>);

/// What is known of a cluster.
pub(crate) struct Picture {
    kinds: RwLock<HashMap<ThingKind, Kept>>,
    revision: watch::Sender<u64>,
    closed: CancellationToken,
}

#[derive(Default)]
struct Kept {
    things: BTreeMap<Place, Arc<Thing>>,
    /// A list under way that will replace the things.
    coming: Option<BTreeMap<Place, Arc<Thing>>>,
    state: WatchState,
}

/// How the watch of a kind goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum WatchState {
    /// Not begun, or the first list is under way.
    #[default]
    Connecting,
    /// Every change is seen.
    Live,
    /// The cluster does not know the kind.
    Absent,
    /// Nothing is seen; what was seen before is kept.
    Broken {
        /// Why.
        error: ClusterError,
        /// Since when.
        since: DateTime<Utc>,
    },
}

/// Which objects are meant, by their labels: `app=api,tier in (web,api),!canary`.
///
/// Source: <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Selector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    wants: Wants,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Wants {
    In(Vec<String>),
    NotIn(Vec<String>),
    Present,
    Absent,
}

/// Why a selector is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no label selector; write `key=value`, `key in (a,b)`, `key` or `!key`, with commas between")]
pub(crate) struct SelectorError(String);

impl Default for Picture {
    fn default() -> Self {
        Self { kinds: RwLock::default(), revision: watch::Sender::new(0), closed: CancellationToken::new() }
    }
}

impl Picture {
    /// Grows with every change.
    pub(crate) fn revision(&self) -> u64 {
        *self.revision.borrow()
    }

    /// Wakes with every change.
    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Ends the watches.
    pub(super) fn close(&self) {
        self.closed.cancel();
    }

    /// Fires when the cluster is no longer wanted.
    pub(super) fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    /// Objects of a kind in a namespace, or in all, that `wanted` holds for.
    pub(crate) fn select(
        &self,
        kind: ThingKind,
        namespace: Option<&str>,
        mut wanted: impl FnMut(&Thing) -> bool,
    ) -> Vec<Arc<Thing>> {
        let kinds = self.kinds.read().unwrap_or_else(PoisonError::into_inner);
        let Some(kept) = kinds.get(&kind) else { return Vec::new() };
        match namespace {
            Some(namespace) => {
                let from: Place = (namespace.into(), "".into());
                let within = kept.things.range(from..).take_while(|((name, _), _)| &**name == namespace);
                within.map(|(_, thing)| thing).filter(|thing| wanted(thing)).cloned().collect()
            }
            None => kept.things.values().filter(|thing| wanted(thing)).cloned().collect(),
        }
    }

    /// One object.
    pub(crate) fn find(&self, kind: ThingKind, namespace: &str, name: &str) -> Option<Arc<Thing>> {
        let kinds = self.kinds.read().unwrap_or_else(PoisonError::into_inner);
        kinds.get(&kind)?.things.get(&(namespace.into(), name.into())).cloned()
    }

    /// How many objects of a kind are known.
    pub(crate) fn count(&self, kind: ThingKind) -> usize {
        let kinds = self.kinds.read().unwrap_or_else(PoisonError::into_inner);
        kinds.get(&kind).map_or(0, |kept| kept.things.len())
    }

    /// How the watch of a kind goes.
    pub(crate) fn state(&self, kind: ThingKind) -> WatchState {
        let kinds = self.kinds.read().unwrap_or_else(PoisonError::into_inner);
        kinds.get(&kind).map(|kept| kept.state.clone()).unwrap_or_default()
    }

    /// The first trouble of any watch.
    pub(crate) fn trouble(&self) -> Option<(ClusterError, DateTime<Utc>)> {
        ThingKind::ALL.iter().find_map(|kind| match self.state(*kind) {
            WatchState::Broken { error, since } => Some((error, since)),
            _ => None,
        })
    }

    /// Says that something is other which no watch follows.
    pub(super) fn touch(&self) {
        self.revision.send_modify(|revision| *revision += 1);
    }

    fn change(&self, kind: ThingKind, change: impl FnOnce(&mut Kept)) {
        let mut kinds = self.kinds.write().unwrap_or_else(PoisonError::into_inner);
        change(kinds.entry(kind).or_default());
        drop(kinds);
        self.touch();
    }

    /// A list begins.
    pub(super) fn begin(&self, kind: ThingKind) {
        let mut kinds = self.kinds.write().unwrap_or_else(PoisonError::into_inner);
        kinds.entry(kind).or_default().coming = Some(BTreeMap::new());
    }

    /// One of the list.
    pub(super) fn list(&self, thing: Thing) {
        let mut kinds = self.kinds.write().unwrap_or_else(PoisonError::into_inner);
        let kept = kinds.entry(thing.kind).or_default();
        kept.coming.get_or_insert_default().insert(place(&thing), Arc::new(thing));
    }

    /// The list is complete.
    pub(super) fn complete(&self, kind: ThingKind) {
        self.change(kind, |kept| {
            kept.things = kept.coming.take().unwrap_or_default();
            kept.state = WatchState::Live;
        });
    }

    /// An object is new or other.
    pub(super) fn put(&self, thing: Thing) {
        self.change(thing.kind, |kept| {
            kept.state = WatchState::Live;
            kept.things.insert(place(&thing), Arc::new(thing));
        });
    }

    /// An object is gone.
    pub(super) fn remove(&self, thing: &Thing) {
        self.change(thing.kind, |kept| {
            kept.things.remove(&place(thing));
        });
    }

    /// A watch fails, or goes on.
    pub(super) fn tell(&self, kind: ThingKind, state: WatchState) {
        if self.state(kind) != state {
            self.change(kind, |kept| kept.state = state);
        }
    }
}

fn place(thing: &Thing) -> Place {
    (thing.namespace.clone(), thing.name.clone())
}

impl Selector {
    /// Understands the text of an annotation or a query.
    pub(crate) fn parse(text: &str) -> Result<Self, SelectorError> {
        let wrong = || SelectorError(text.to_owned());
        let mut requirements = Vec::new();
        for part in split(text) {
            let part = part.trim();
            let requirement = if let Some((key, values)) = part.split_once(" notin ") {
                Requirement { key: key.trim().to_owned(), wants: Wants::NotIn(list(values).ok_or_else(wrong)?) }
            } else if let Some((key, values)) = part.split_once(" in ") {
                Requirement { key: key.trim().to_owned(), wants: Wants::In(list(values).ok_or_else(wrong)?) }
            } else if let Some((key, value)) = part.split_once("!=") {
                Requirement { key: key.trim().to_owned(), wants: Wants::NotIn(vec![value.trim().to_owned()]) }
            } else if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                Requirement { key: key.trim().to_owned(), wants: Wants::In(vec![value.trim().to_owned()]) }
            } else if let Some(key) = part.strip_prefix('!') {
                Requirement { key: key.trim().to_owned(), wants: Wants::Absent }
            } else {
                Requirement { key: part.to_owned(), wants: Wants::Present }
            };
            let sound = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
            if requirement.key.is_empty() || !requirement.key.chars().all(sound) {
                return Err(wrong());
            }
            requirements.push(requirement);
        }
        if requirements.is_empty() { Err(wrong()) } else { Ok(Self(requirements)) }
    }

    /// Objects with this value of a label.
    pub(crate) fn label(key: &str, value: &str) -> Self {
        Self(vec![Requirement { key: key.to_owned(), wants: Wants::In(vec![value.to_owned()]) }])
    }

    /// Whether an object is meant.
    pub(crate) fn matches(&self, thing: &Thing) -> bool {
        self.0.iter().all(|requirement| {
            let value = thing.label(&requirement.key);
            match &requirement.wants {
                Wants::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
                Wants::NotIn(values) => value.is_none_or(|value| values.iter().all(|one| one != value)),
                Wants::Present => value.is_some(),
                Wants::Absent => value.is_none(),
            }
        })
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = self.0.iter().map(|Requirement { key, wants }| match wants {
            Wants::In(values) if values.len() == 1 => format!("{key}={}", values[0]),
            Wants::In(values) => format!("{key} in ({})", values.join(",")),
            Wants::NotIn(values) => format!("{key} notin ({})", values.join(",")),
            Wants::Present => key.clone(),
            Wants::Absent => format!("!{key}"),
        });
        f.write_str(&parts.collect::<Vec<_>>().join(","))
    }
}

/// At the commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn list(text: &str) -> Option<Vec<String>> {
    let inside = text.trim().strip_prefix('(')?.strip_suffix(')')?;
    Some(inside.split(',').map(|one| one.trim().to_owned()).collect())
}
