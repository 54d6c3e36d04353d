//! What a forge tells of itself: providers hear of it, and after a push everything is read that came from a file that
//! the push touched.
//!
//! Whoever was told does this, one process of all: what others must know goes through the store.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use globset::GlobBuilder;
use url::Url;

use super::provider::Connection;
use super::{Catalog, CatalogError, LocationRef, store};
use crate::forge::{FileLocation, Forge, LocationKind, Push, Told};

/// Sources that are read at the same time because of one push.
const AT_ONCE: usize = 8;

/// Something that happened on a forge.
#[derive(Debug, Clone)]
pub(crate) struct ForgeEvent {
    /// The forge.
    pub(crate) host: String,
    /// What happened.
    pub(crate) told: Told,
    /// When this was told.
    pub(crate) received_at: DateTime<Utc>,
}

impl Catalog {
    /// Brings the catalog up to what happened; the effect is visible when this returns.
    pub(crate) async fn hear(&self, event: &ForgeEvent) -> anyhow::Result<()> {
        let heard = self.inner.providers.iter().map(|provider| async move {
            let connection = Connection::new(self.clone(), provider.name());
            let heard = provider.hear(event, &connection).await;
            heard.map_err(|error| error.context(format!("{} cannot follow what {} told", provider.name(), event.host)))
        });
        let heard = join_all(heard).await;
        // Whatever became of the providers: what was pushed is there.
        if let Told::Push(push) = &event.told {
            self.pushed(event, push).await?;
        }
        heard.into_iter().collect()
    }

    /// Reads the sources that lead to a file that a push touched.
    async fn pushed(&self, event: &ForgeEvent, push: &Push) -> Result<(), CatalogError> {
        let mut touched = Vec::new();
        for source in self.touched(event, push).await? {
            if !self.is_read_since(&source, event, push).await? {
                touched.push(source);
            }
        }
        if touched.is_empty() {
            return Ok(());
        }
        let pool = &self.inner.pool;
        let (before, after) = (push.before.as_deref(), push.after.as_deref());
        // A push that was told too late does not take a branch back: it moves only what is where it came from.
        store::move_tips(pool, &touched, before, after, event.received_at).await?;
        let read = stream::iter(touched).map(|source| {
            let catalog = self.clone();
            async move { catalog.read_source(&source).await }
        });
        let read = read.buffer_unordered(AT_ONCE);
        read.collect::<Vec<_>>().await.into_iter().collect()
    }

    /// Whether a provider that heard of the same push had the source read.
    async fn is_read_since(&self, source: &str, event: &ForgeEvent, push: &Push) -> Result<bool, CatalogError> {
        let Some(known) = store::source(&self.inner.pool, source).await? else { return Ok(true) };
        let is_since = |time: Option<DateTime<Utc>>| time.is_some_and(|time| time > event.received_at);
        let is_there = known.tip.is_some() && known.tip == push.after;
        Ok(is_since(known.asked_at) || (is_there && is_since(known.last_read_at)))
    }

    async fn touched(&self, event: &ForgeEvent, push: &Push) -> Result<HashSet<String>, CatalogError> {
        let Ok(forge) = self.reader().forges().by_host(&event.host).cloned() else {
            return Ok(HashSet::new());
        };
        let prefixes = locations_of_branch(&forge, push);
        let leading = store::leading_below(&self.inner.pool, &prefixes).await?;
        let Some(files) = &push.files else {
            return Ok(leading.into_iter().map(|(source, _)| source).collect());
        };
        let templates = self.templates_below(&prefixes);
        let touches = |location: &String| {
            let url = LocationRef::parse(location).and_then(|location| Url::parse(&location.target).ok());
            let Some(file) = url.and_then(|url| forge.locate(&url)) else { return false };
            let folder = templates.contains(location).then(|| file.folder().to_owned());
            files.iter().any(|touched| {
                fits(&file.path, touched) || folder.as_ref().is_some_and(|folder| is_within(folder, touched))
            })
        };
        Ok(leading.into_iter().filter(|(_, location)| touches(location)).map(|(source, _)| source).collect())
    }

    /// The files of templates: everything beside one belongs to it.
    fn templates_below(&self, prefixes: &[String]) -> HashSet<String> {
        let index = self.index();
        let templates = index.records().filter(|record| record.positions.is_some());
        let below = |location: &&str| prefixes.iter().any(|prefix| location.starts_with(prefix.as_str()));
        templates.map(|record| &*record.location).filter(below).map(str::to_owned).collect()
    }
}

/// How the locations of all files and folders begin that are on the branch of a push: that of its root, and `/`.
pub(crate) fn locations_of_branch(forge: &Arc<dyn Forge>, push: &Push) -> Vec<String> {
    let revisions = std::iter::once(push.branch.as_str()).chain(push.is_default.then_some("HEAD"));
    let roots = revisions.flat_map(|revision| [LocationKind::Blob, LocationKind::Tree].map(|kind| (revision, kind)));
    let prefix = |(revision, kind): (&str, LocationKind)| {
        let (repository, revision) = (push.repository.clone(), revision.to_owned());
        let root = FileLocation { repository, revision, path: String::new(), kind };
        format!("url:{}/", forge.canonical_url(&root).as_str().trim_end_matches('/'))
    };
    roots.map(prefix).collect()
}

/// Whether a path, which may have wildcards, is that of a file.
fn fits(path: &str, file: &str) -> bool {
    if path == file {
        return true;
    }
    path.contains(['*', '?', '[', '{'])
        && GlobBuilder::new(path)
            .literal_separator(true)
            .build()
            .is_ok_and(|glob| glob.compile_matcher().is_match(file))
}

fn is_within(folder: &str, file: &str) -> bool {
    folder.is_empty() || file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_touched_by_its_path_or_by_a_pattern() {
        assert!(fits("a/b.yaml", "a/b.yaml") && !fits("a/b.yaml", "b.yaml"));
        assert!(fits("**/info.yaml", "x/y/info.yaml") && !fits("*/info.yaml", "x/y/info.yaml"));
        assert!(is_within("", "x") && is_within("a", "a/b") && !is_within("a", "ab"));
    }
}
