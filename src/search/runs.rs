//! Runs, looked up when somebody searches: those that began or ended since the last look, which is seldom more than a
//! few.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::collate::{self, Run};
use super::reading::Reading;
use crate::permission::Credentials;
use crate::scaffolder::Scaffolder;

/// The newest runs that can be found.
const MOST: usize = 5_000;
/// How old what is known may be.
const FRESH: Duration = Duration::from_secs(2);
/// Runs that began before another one may be told after it.
const OVERLAP: chrono::Duration = chrono::Duration::seconds(30);
/// How long a search waits for a look.
const PATIENCE: Duration = Duration::from_millis(250);

/// The runs that can be found.
#[derive(Debug, Default)]
pub(super) struct Runs {
    reading: ArcSwap<Reading>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// By when they began.
    runs: BTreeMap<(DateTime<Utc>, Uuid), Run>,
    looked: Option<(Instant, DateTime<Utc>)>,
}

impl Runs {
    pub(super) fn reading(&self) -> Arc<Reading> {
        self.reading.load_full()
    }

    /// Looks for new runs, if the last look was a while ago. What cannot be read within a moment is found next time.
    pub(super) async fn look(&self, scaffolder: &Scaffolder, who: &Credentials) {
        // Whoever looks already looks for everybody.
        let Ok(mut known) = self.known.try_lock() else { return };
        if known.looked.is_some_and(|(at, _)| at.elapsed() < FRESH) {
            return;
        }
        let (at, now) = (Instant::now(), Utc::now());
        let since = known.looked.map(|(_, then)| then - OVERLAP);
        let asked = tokio::time::timeout(PATIENCE, scaffolder.tasks_since(who, since, MOST)).await;
        let Ok(Ok(tasks)) = asked else {
            tracing::debug!("runs cannot be read for the search; those known before are searched");
            return;
        };
        known.looked = Some((at, now));
        let mut is_new = false;
        for run in tasks.iter().map(Run::of) {
            let key = (run.created_at, run.id);
            if known.runs.get(&key) != Some(&run) {
                known.runs.insert(key, run);
                is_new = true;
            }
        }
        while known.runs.len() > MOST {
            known.runs.pop_first();
        }
        if is_new {
            let documents: Vec<_> = known.runs.values().map(collate::run).collect();
            let reading = super::aside(move || Reading::of(documents.into_iter())).await;
            self.reading.store(Arc::new(reading));
        }
    }
}
