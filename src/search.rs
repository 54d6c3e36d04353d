//! Search: everything the portal knows, found by its words as they are typed.
//!
//! Entities, sections of documentation and runs become documents (`collate`) with words (`words`) in segments
//! (`segment`, `postings`) that never change; what is searched at one moment is a few of them (`reading`). The index
//! follows the catalog and the documentation in the background (`follow`), so a change costs what it touches; runs are
//! looked up when somebody searches (`runs`). A query (`query`) is matched and ranked (`find`, misspellings by `near`),
//! and what is shown is told why it was found (`mark`).
//!
//! Invariants:
//! - it can be thrown away at any time: everything in it is somewhere else;
//! - nothing is found that whoever asks may not see: each hit is asked for from the room it comes from;
//! - no request builds or changes the index; one that comes before it is there is told so.

mod collate;
mod document;
mod find;
mod follow;
mod mark;
mod near;
mod postings;
mod query;
mod reading;
mod runs;
mod segment;
mod words;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, Notify, watch};

pub(crate) use self::collate::{Line, Run, Section};
pub(crate) use self::document::{Facet, Field, Fields, Sort};
pub(crate) use self::find::Fit;
use self::find::{Hit, Wish};
pub(crate) use self::mark::{Marker, Piece};
pub(crate) use self::query::{Filter, Query};
use self::reading::Reading;
use self::runs::Runs;
use crate::catalog::{Catalog, Record};
use crate::permission::Credentials;
use crate::scaffolder::Scaffolder;
use crate::techdocs::TechDocs;

/// Search. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Search {
    inner: Arc<Inner>,
}

struct Inner {
    catalog: Catalog,
    scaffolder: Scaffolder,
    techdocs: TechDocs,
    /// The catalog and its documentation.
    reading: ArcSwap<Reading>,
    /// Held by whoever makes the next reading.
    writing: Mutex<()>,
    runs: Runs,
    /// The last change of the catalog that can be found; none before the index is built.
    known: watch::Sender<Option<i64>>,
    /// How often the documentation was looked at.
    documented: watch::Sender<u64>,
    /// Somebody searches, so the index is wanted now.
    wanted: Notify,
}

/// What is searched for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) query: Query,
    pub(crate) offset: usize,
    pub(crate) limit: usize,
    /// Only words in these fields count.
    pub(crate) fields: Fields,
    /// Whether every word may be the start of one, not only the last.
    pub(crate) are_starts: bool,
    /// Whether misspelled words are looked for, and documents with some of the words.
    pub(crate) is_forgiving: bool,
    /// Whether everything is counted, and not only the next page looked for.
    pub(crate) is_counted: bool,
}

impl Asked {
    /// The first hits for a query, as people search.
    pub(crate) fn first(query: Query, limit: usize) -> Self {
        Self { query, offset: 0, limit, fields: Fields::ALL, are_starts: false, is_forgiving: true, is_counted: false }
    }
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) items: Vec<Item>,
    /// How many there are, where they were counted.
    pub(crate) total: usize,
    pub(crate) counts: Counts,
    pub(crate) fit: Fit,
    /// Words that nothing has, and what they were taken for.
    pub(crate) corrected: Vec<(String, String)>,
    /// Whether the index is still being built, so that something may be missing.
    pub(crate) is_early: bool,
    pub(crate) marker: Marker,
}

/// How many there are of each sort and value. Values of a facet that is filtered by are counted as if it were not.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sorts: Vec<(Sort, usize)>,
    /// The most frequent first.
    pub(crate) facets: Vec<(Facet, Vec<(String, usize)>)>,
}

/// One thing that was found.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// An entity; of an API also the operations and types that have the words.
    Entity(Arc<Record>, Vec<Line>),
    /// A section of an entity's documentation.
    Section(Arc<Record>, Section),
    Run(Run),
}

/// How long a search waits for an index that is being built.
const PATIENCE: Duration = Duration::from_millis(800);
/// Lines of a definition that are shown with an API.
const MOST_LINES: usize = 3;

impl Search {
    /// Nothing is read yet: see [`Search::work`].
    pub(crate) fn new(catalog: Catalog, scaffolder: Scaffolder, techdocs: TechDocs) -> Self {
        let inner = Inner {
            catalog,
            scaffolder,
            techdocs,
            reading: ArcSwap::default(),
            writing: Mutex::default(),
            runs: Runs::default(),
            known: watch::Sender::new(None),
            documented: watch::Sender::new(0),
            wanted: Notify::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Finds what somebody may see.
    pub(crate) async fn find(&self, who: &Credentials, asked: Asked) -> Found {
        let is_early = !self.is_there().await;
        self.inner.runs.look(&self.inner.scaffolder, who).await;
        let reading = self.inner.reading.load().beside(&self.inner.runs.reading());
        let (catalog, who) = (self.inner.catalog.clone(), who.clone());
        let looking = {
            let who = who.clone();
            aside(move || look(&catalog, &who, &reading, &asked)).await
        };
        let Looked { items, total, counts, fit, corrected, marker } = looking;
        let mut shown = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Item::Run(run) => shown.extend(self.run_now(&who, run).await.map(Item::Run)),
                other => shown.push(other),
            }
        }
        Found { items: shown, total, counts, fit, corrected, is_early, marker }
    }

    /// A run as it is now, if whoever asks may see it.
    async fn run_now(&self, who: &Credentials, run: Run) -> Option<Run> {
        let task = self.inner.scaffolder.task(who, run.id).await.ok()?;
        Some(Run::of(&task))
    }

    /// Whether the index is built; waits a little for one that is about to be.
    async fn is_there(&self) -> bool {
        let mut known = self.inner.known.subscribe();
        if known.borrow_and_update().is_some() {
            return true;
        }
        self.inner.wanted.notify_one();
        tokio::time::timeout(PATIENCE, known.wait_for(Option::is_some)).await.is_ok_and(|known| known.is_ok())
    }

    /// How many documents can be found, and the bytes that takes, about.
    pub(crate) fn size(&self) -> (usize, usize) {
        let reading = self.inner.reading.load();
        (reading.len(), reading.size())
    }

    /// Waits until everything that the catalog shows now can be found.
    #[cfg(test)]
    pub(crate) async fn settled(&self) {
        let version = self.inner.catalog.version();
        self.inner.wanted.notify_one();
        let mut known = self.inner.known.subscribe();
        known.wait_for(|known| known.is_some_and(|known| known >= version)).await.unwrap();
    }

    /// Waits until the documentation was looked at once more.
    #[cfg(test)]
    pub(crate) async fn documented(&self) {
        let mut documented = self.inner.documented.subscribe();
        let before = *documented.borrow_and_update();
        self.keep_docs_up(&mut std::collections::HashMap::new()).await;
        documented.wait_for(|now| *now > before).await.unwrap();
    }
}

/// What came of a search, runs as the index knows them.
struct Looked {
    items: Vec<Item>,
    total: usize,
    counts: Counts,
    fit: Fit,
    corrected: Vec<(String, String)>,
    marker: Marker,
}

fn look(catalog: &Catalog, who: &Credentials, reading: &Reading, asked: &Asked) -> Looked {
    let mine: Vec<String> = who.ownership().iter().map(ToString::to_string).collect();
    let Asked { query, fields, are_starts, is_forgiving, .. } = asked;
    let wish = Wish { query, fields: *fields, are_starts: *are_starts, is_forgiving: *is_forgiving, mine: &mine };
    let found = find::matches(reading, &wish);
    let marker = Marker::new(query, found.fit, *are_starts);
    let eyes = Eyes { catalog, who, reading };
    let (mut hits, mut counts) = (found.hits, Counts::default());
    if asked.is_counted {
        let mut seen = HashMap::new();
        hits.retain(|hit| eyes.may_see(hit, &mut seen));
        let almost: Vec<_> = found.almost.into_iter().filter(|(hit, _)| eyes.may_see(hit, &mut seen)).collect();
        counts = counted(reading, &hits, &almost);
    }
    let total = hits.len();
    // A little more than is asked for, in place of what nobody may see or is gone.
    let best = find::best(reading, hits, asked.offset + asked.limit + asked.limit / 2 + 4);
    let items = best.iter().skip(asked.offset).filter_map(|hit| eyes.item(hit, &marker)).take(asked.limit).collect();
    Looked { items, total, counts, fit: found.fit, corrected: found.corrected, marker }
}

/// Somebody who looks at what was found.
struct Eyes<'a> {
    catalog: &'a Catalog,
    who: &'a Credentials,
    reading: &'a Reading,
}

impl Eyes<'_> {
    fn entity(&self, reference: &str) -> Option<Arc<Record>> {
        self.catalog.entity(self.who, &reference.parse().ok()?)
    }

    /// Whether the catalog shows the entity that a hit is or belongs to.
    fn may_see(&self, hit: &Hit, seen: &mut HashMap<(u32, u32), bool>) -> bool {
        let segment = &self.reading.parts[hit.part as usize].segment;
        let entry = &segment.entries[hit.doc as usize];
        let look = || self.entity(segment.text(entry.entity)).is_some();
        match entry.sort {
            Sort::Run => true,
            Sort::Docs => *seen.entry((hit.part, entry.entity)).or_insert_with(look),
            _ => look(),
        }
    }

    fn item(&self, hit: &Hit, marker: &Marker) -> Option<Item> {
        let segment = &self.reading.parts[hit.part as usize].segment;
        let entry = &segment.entries[hit.doc as usize];
        let place = segment.text(entry.place);
        if entry.sort == Sort::Run {
            return self.run(hit);
        }
        let record = self.entity(segment.text(entry.entity))?;
        Some(match entry.sort {
            Sort::Docs => Item::Section(record, Section::read(place, &segment.kept(hit.doc))),
            Sort::Api => {
                let lines = Line::read(&segment.kept(hit.doc)).into_iter();
                let fits = |line: &Line| marker.count(&format!("{} {}", line.name, line.summary));
                let mut lines: Vec<(usize, Line)> = lines.map(|line| (fits(&line), line)).collect();
                lines.sort_by_key(|(fits, _)| std::cmp::Reverse(*fits));
                let fitting = lines.into_iter().take_while(|(fits, _)| *fits > 0).map(|(_, line)| line);
                Item::Entity(record, fitting.take(MOST_LINES).collect())
            }
            _ => Item::Entity(record, Vec::new()),
        })
    }

    fn run(&self, hit: &Hit) -> Option<Item> {
        let segment = &self.reading.parts[hit.part as usize].segment;
        Run::read(segment.text(segment.entries[hit.doc as usize].place)).map(Item::Run)
    }
}

/// Values of a facet that are told.
const MOST_VALUES: usize = 100;

fn counted(reading: &Reading, hits: &[Hit], almost: &[(Hit, Option<Facet>)]) -> Counts {
    let sorted = |hits: &mut dyn Iterator<Item = Hit>| find::sorts(reading, hits);
    let out = almost.iter().filter(|(_, facet)| facet.is_none()).map(|(hit, _)| *hit);
    let sorts = sorted(&mut hits.iter().copied().chain(out));
    let facet = |facet: Facet| {
        let out = almost.iter().filter(|(_, other)| *other == Some(facet)).map(|(hit, _)| hit);
        let mut values: HashMap<(u32, u32), usize> = HashMap::new();
        for hit in hits.iter().chain(out) {
            let segment = &reading.parts[hit.part as usize].segment;
            let own = match facet {
                Facet::Tag => segment.tags(hit.doc),
                facet => &segment.entries[hit.doc as usize].values[facet.number()..=facet.number()],
            };
            for value in own {
                *values.entry((hit.part, *value)).or_default() += 1;
            }
        }
        let mut named: HashMap<&str, usize> = HashMap::new();
        for ((part, value), count) in values {
            *named.entry(reading.parts[part as usize].segment.text(value)).or_default() += count;
        }
        let named = named.into_iter().filter(|(value, _)| !value.is_empty());
        let mut named: Vec<(String, usize)> = named.map(|(value, count)| (value.to_owned(), count)).collect();
        named.sort_unstable_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        named.truncate(MOST_VALUES);
        (facet, named)
    };
    Counts { sorts: Sort::ALL.into_iter().zip(sorts).collect(), facets: Facet::ALL.map(facet).into() }
}

/// Computes on a thread that nobody waits for.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()))
}

#[cfg(test)]
mod tests;
