//! Looking at sources: when somebody asks, and in the background now and then.
//!
//! A source that is due is claimed (`SKIP LOCKED`) by one process, for a limited time; a claim that is not let go ends by
//! itself. Sources that do not answer are asked less and less often. Other processes hear of a change by `NOTIFY`, and by a slow poll.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::site::Site;
use super::source::{self, Reading};
use super::store::{self, NewSite, SiteRow};
use super::{AT_A_LOOK, DocsError, TechDocs, Where};
use crate::catalog::{ForgeEvent, LocationRef, locations_of_branch};
use crate::db;
use crate::entity::EntityRef;
use crate::forge::Told;
use crate::permission::Credentials;

/// How often a source is looked at that nobody asks for, if it changed of late.
const EVERY: chrono::Duration = chrono::Duration::minutes(10);
/// The same of one that did not change for long, or that cannot be read, at most.
const LONGEST: chrono::Duration = chrono::Duration::hours(6);
/// A claim ends after this.
const IN_HAND: chrono::Duration = chrono::Duration::minutes(5);
/// How old a look may be when somebody reads a page: of a source that is near, and of one that costs a request.
const FRESH_NEAR: chrono::Duration = chrono::Duration::seconds(2);
const FRESH_FAR: chrono::Duration = chrono::Duration::minutes(1);
/// How often it is noted that the catalog still refers to the same sources.
const WANT_EVERY: chrono::Duration = chrono::Duration::hours(1);
/// Without any notification, how often it is looked for changes and for what is due.
const POLL: Duration = Duration::from_mins(1);
/// After the database failed.
const PAUSE: Duration = Duration::from_secs(2);
/// How often what nobody refers to is forgotten.
const SWEEP_EVERY: chrono::Duration = chrono::Duration::hours(1);

impl TechDocs {
    /// Looks at sources that are due and follows changes, until `shutdown`.
    pub(crate) async fn work(self, shutdown: CancellationToken) {
        let follow = self.clone().follow(shutdown.clone());
        let look = self.look_forever(shutdown);
        tokio::join!(follow, look);
    }

    /// Reads the source of an entity again if it changed; gives whether the site is another one now.
    pub(crate) async fn sync(&self, who: &Credentials, entity: &EntityRef) -> Result<bool, DocsError> {
        match self.place(who, entity)? {
            Where::Own(source) => self.refresh(&source).await,
            Where::Borrowed(other, path) => Err(DocsError::Borrowed(entity.clone(), other, path)),
        }
    }

    /// Looks at a source now; gives whether its site changed. A source that cannot be read is no error here: the row says so.
    pub(super) async fn refresh(&self, source: &LocationRef) -> Result<bool, DocsError> {
        let name = source.to_string();
        let lock = self.reading(&name);
        let asked = Utc::now();
        let _reading = lock.lock().await;
        let row = store::site(&self.inner.pool, &name).await?;
        // Somebody else looked while this one waited.
        if row.as_ref().is_some_and(|row| row.asked_at.is_some_and(|at| at >= asked)) {
            return Ok(false);
        }
        let known = row.as_ref().filter(|row| row.failure.is_none()).and_then(|row| row.version.as_deref());
        let read = source::read(self.inner.catalog.reader(), source, known).await;
        let now = Utc::now();
        match read {
            Ok(Some(reading)) if row.as_ref().and_then(|row| row.digest.as_deref()) != Some(&*reading.digest) => {
                self.take(&name, reading, now).await?;
                Ok(true)
            }
            Ok(unchanged) => {
                let version = unchanged.map(|reading| reading.version).or_else(|| known.map(str::to_owned));
                let due = now + pause_of_unchanged(row.as_ref().and_then(|row| row.read_at), now);
                store::checked(&self.inner.pool, &name, &version.unwrap_or_default(), now, due).await?;
                Ok(false)
            }
            Err(reason) => {
                let failures = row.as_ref().map_or(0, |row| row.failures);
                let pause = (chrono::Duration::seconds(30) * (1 << failures.clamp(0, 10))).min(LONGEST);
                store::want(&self.inner.pool, std::slice::from_ref(&name), now).await?;
                store::failed(&self.inner.pool, &name, &reason, now, now + pause).await?;
                tracing::debug!(source = name, reason, "documentation cannot be read");
                Ok(false)
            }
        }
    }

    /// Keeps what was read.
    async fn take(&self, source: &str, reading: Reading, now: DateTime<Utc>) -> Result<(), DocsError> {
        let Reading { files, version, digest, place, changed_at, problems } = reading;
        let shown = serde_json::to_value(&place).unwrap_or_default();
        let surveyed = tokio::task::spawn_blocking({
            let (files, digest) = (files.clone(), digest.clone());
            move || Site::new(files, digest, place).survey()
        });
        let mut survey = surveyed.await.map_err(|error| DocsError::Unread(error.to_string()))?;
        survey.problems.splice(0..0, problems.into_iter().map(|problem| ("docs".to_owned(), problem)));
        let new = NewSite {
            version: &version,
            digest: &digest,
            files: &files,
            place: shown,
            problems: serde_json::to_value(&survey.problems).unwrap_or_default(),
            changed_at,
            sections: &survey.sections,
        };
        let mut transaction = self.inner.pool.begin().await?;
        let revision = store::write(&mut transaction, source, &new, now, now + EVERY).await?;
        transaction.commit().await?;
        tracing::debug!(source, revision, files = files.docs.len(), "documentation read");
        self.stir();
        Ok(())
    }

    /// Before a page is shown: what is near is looked at, anything else soon.
    pub(super) async fn look_again(&self, source: &LocationRef, row: &SiteRow) {
        let near = self.is_near(source);
        let fresh = if near { FRESH_NEAR } else { FRESH_FAR };
        if row.asked_at.is_some_and(|asked| Utc::now() - asked < fresh) {
            return;
        }
        if near {
            let looked = tokio::time::timeout(AT_A_LOOK, self.refresh(source)).await;
            if let Ok(Err(error)) = looked {
                tracing::debug!(%error, "cannot look at documentation");
            }
        } else if store::hasten(&self.inner.pool, &source.to_string(), Utc::now()).await.unwrap_or_default() {
            self.inner.due.notify_one();
        }
    }

    /// Whether looking at a source costs no request: a forge of our own.
    fn is_near(&self, source: &LocationRef) -> bool {
        let url = Url::parse(&source.target).ok().filter(|_| source.is_url());
        url.and_then(|url| self.inner.catalog.reader().locate(&url)).is_some_and(|(forge, _)| forge.github().is_none())
    }

    /// Tells this process's listeners that there may be something new.
    fn stir(&self) {
        self.inner.changed.send_modify(|number| *number += 1);
    }

    /// Notes what the catalog refers to, and looks at everything that is due now; gives how much that was.
    pub(crate) async fn look_due(&self) -> Result<usize, DocsError> {
        self.want_all().await?;
        let mut looked = 0;
        while let Some(source) = store::claim(&self.inner.pool, Utc::now(), Utc::now() + IN_HAND).await? {
            if let Some(location) = LocationRef::parse(&source) {
                self.refresh(&location).await?;
            }
            looked += 1;
        }
        Ok(looked)
    }

    /// Notes what the catalog refers to, if that is not known to be noted.
    async fn want_all(&self) -> Result<(), DocsError> {
        let (entities, now) = (self.entities(), Utc::now());
        {
            let wanted = self.inner.wanted.lock().unwrap_or_else(PoisonError::into_inner);
            if wanted.as_ref().is_some_and(|(all, at)| Arc::ptr_eq(all, &entities) && now - at < WANT_EVERY) {
                return Ok(());
            }
        }
        let mut sources: Vec<String> = entities.by_source.keys().cloned().collect();
        sources.sort();
        store::want(&self.inner.pool, &sources, now).await?;
        *self.inner.wanted.lock().unwrap_or_else(PoisonError::into_inner) = Some((entities, now));
        Ok(())
    }

    /// Looks soon at every site that is on the branch of a push.
    pub(crate) async fn hear(&self, event: &ForgeEvent) -> Result<(), DocsError> {
        let Told::Push(push) = &event.told else { return Ok(()) };
        let Ok(forge) = self.inner.catalog.reader().forges().by_host(&event.host).cloned() else { return Ok(()) };
        if store::hasten_below(&self.inner.pool, &locations_of_branch(&forge, push), Utc::now()).await? > 0 {
            self.inner.due.notify_one();
        }
        Ok(())
    }

    async fn look_forever(&self, shutdown: CancellationToken) {
        let mut catalog = self.inner.catalog.watch();
        let mut swept = None;
        loop {
            let pause = match shutdown.run_until_cancelled(self.look_due()).await {
                None => return,
                Some(Ok(_)) => self.pause().await,
                Some(Err(error)) => {
                    tracing::warn!(%error, "cannot look at documentation");
                    PAUSE
                }
            };
            let now = Utc::now();
            if swept.is_none_or(|at| now - at > SWEEP_EVERY) {
                swept = Some(now);
                if let Err(error) = store::sweep(&self.inner.pool, now).await {
                    tracing::warn!(%error, "cannot forget documentation that nobody refers to");
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.inner.due.notified() => {}
                changed = catalog.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.stir();
                    // Many changes come together.
                    tokio::time::sleep(PAUSE).await;
                }
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn pause(&self) -> Duration {
        let next = store::next_due(&self.inner.pool).await.ok().flatten();
        next.map_or(POLL, |next| (next - Utc::now()).to_std().unwrap_or(PAUSE)).clamp(PAUSE, POLL)
    }

    async fn follow(self, shutdown: CancellationToken) {
        db::keep_listening("changes of documentation", &shutdown, || self.listen()).await;
    }

    /// Tells listeners of what other processes read; ends with an error when the connection does.
    async fn listen(&self) -> Result<(), DocsError> {
        let mut listener = PgListener::connect_with(&self.inner.pool).await?;
        listener.listen(store::CHANNEL).await?;
        let mut known = (0, 0);
        loop {
            let newest = store::newest(&self.inner.pool).await?;
            if newest != known {
                known = newest;
                self.stir();
            }
            // Nothing told and a lost connection both mean: look.
            if let Ok(told) = tokio::time::timeout(POLL, listener.try_recv()).await {
                told?;
            }
        }
    }
}

/// How long a site rests that was read at a time and is unchanged since: what did not change for a day will hardly
/// change within minutes.
fn pause_of_unchanged(read_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> chrono::Duration {
    read_at.map_or(EVERY, |read| ((now - read) / 10).clamp(EVERY, LONGEST))
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    #[test]
    fn what_rarely_changes_is_rarely_looked_at() {
        let now = Utc::now();
        let pause = |age: Option<Duration>| pause_of_unchanged(age.map(|age| now - age), now);
        for (age, expected) in [
            (None, Duration::minutes(10)),
            (Some(Duration::seconds(5)), Duration::minutes(10)),
            (Some(Duration::hours(5)), Duration::minutes(30)),
            (Some(Duration::days(1)), Duration::minutes(144)),
            (Some(Duration::days(300)), Duration::hours(6)),
            (Some(Duration::days(-1)), Duration::minutes(10)),
        ] {
            assert_eq!(pause(age), expected, "{age:?}");
        }
    }
}
