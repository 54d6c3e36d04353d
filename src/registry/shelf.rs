//! What a page shows of an image: its newest tags.
//!
//! Harbor tells what was pushed last. Others tell tags by name only, so the highest versions are looked at, and what they
//! are says when they were built. What is behind a digest never changes and is kept; which tags there are is taken for
//! true for some seconds, and of one image one thing is asked at a time. Failures are kept as long as answers: a registry
//! in trouble is not asked more often for it.

use std::cmp::Ordering;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use lru::LruCache;
use tokio::time::Instant;

use super::image::Content;
use super::{Facts, ImageName, Registry, RegistryError};

/// Tags that are shown, and those that are looked at for it.
const SHOWN: usize = 20;
const LOOKED_AT: usize = 40;
/// Requests for one image at a time.
const AT_ONCE: usize = 6;
/// How long an answer is taken for true.
const FRESH: Duration = Duration::from_secs(15);
/// How long a page waits for all of it.
const LIMIT: Duration = Duration::from_secs(20);
/// Images of which the tags, and digests of which the facts are kept.
const IMAGES: NonZeroUsize = NonZeroUsize::new(256).unwrap();
const DIGESTS: NonZeroUsize = NonZeroUsize::new(2048).unwrap();

/// The newest tags of an image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Shelf {
    /// The newest first, as far as they say when they were built.
    pub(crate) tags: Vec<Tag>,
    /// How many there are; with Harbor, of digests.
    pub(crate) total: usize,
    /// Whether there may be newer ones among those that were not looked at.
    pub(crate) is_part: bool,
}

/// What one digest stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    /// Its tags: `1.4.2`, `latest`.
    pub(crate) names: Vec<String>,
    /// When it was pushed, where the registry tells.
    pub(crate) pushed: Option<DateTime<Utc>>,
    /// What it is.
    pub(crate) facts: Arc<Facts>,
}

/// What a registry told, or why it did not.
type Told = Result<Arc<Shelf>, RegistryError>;
/// What is kept of one image; whoever asks holds it.
type Kept = Arc<tokio::sync::Mutex<Option<(Instant, Told)>>>;

/// What a registry told lately.
pub(super) struct Shelves {
    images: Mutex<LruCache<ImageName, Kept>>,
    digests: Mutex<LruCache<(ImageName, String), Arc<Facts>>>,
}

impl Default for Shelves {
    fn default() -> Self {
        Self { images: Mutex::new(LruCache::new(IMAGES)), digests: Mutex::new(LruCache::new(DIGESTS)) }
    }
}

impl Registry {
    /// The newest tags of an image, as they were some seconds ago at most.
    pub(crate) async fn shelf(&self, image: &ImageName) -> Told {
        let kept = {
            let mut images = self.0.shelves.images.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(images.get_or_insert(image.clone(), Kept::default))
        };
        let mut kept = kept.lock().await;
        if let Some((at, told)) = &*kept
            && at.elapsed() < FRESH
        {
            return told.clone();
        }
        let late = || {
            let reason = format!("it did not tell all tags within {} s", LIMIT.as_secs());
            Err(RegistryError::Away { registry: self.name().to_owned(), reason })
        };
        let told = tokio::time::timeout(LIMIT, self.look(image)).await.unwrap_or_else(|_| late()).map(Arc::new);
        *kept = Some((Instant::now(), told.clone()));
        told
    }

    async fn look(&self, image: &ImageName) -> Result<Shelf, RegistryError> {
        let (candidates, total, is_part) = self.candidates(image).await?;
        let found: Vec<Tag> = stream::iter(candidates)
            .map(|(digest, names, pushed)| async move {
                Ok::<_, RegistryError>(Tag { names, pushed, facts: self.kept_facts(image, &digest).await? })
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut tags: Vec<Tag> = found.into_iter().filter(|tag| tag.facts.content != Content::Other).collect();
        tags.sort_by_key(|tag| std::cmp::Reverse(tag.at()));
        tags.truncate(SHOWN);
        Ok(Shelf { tags, total, is_part })
    }

    /// Digests with their tags that are worth a look, how many tags there are, and whether there may be newer ones.
    async fn candidates(
        &self,
        image: &ImageName,
    ) -> Result<(Vec<(String, Vec<String>, Option<DateTime<Utc>>)>, usize, bool), RegistryError> {
        if let Some(harbor) = self.harbor() {
            match harbor.newest(image, SHOWN).await {
                Ok((listed, total)) => {
                    let found = listed.into_iter().map(|one| (one.digest, one.tags, one.pushed)).collect();
                    return Ok((found, total, false));
                }
                // An account for the registry alone does as well, less quickly.
                Err(RegistryError::Forbidden { .. } | RegistryError::Anonymous { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let (mut tags, are_all) = self.tags(image).await?;
        tags.retain(|tag| !is_attachment(tag));
        let total = tags.len();
        tags.sort_by(|one, other| by_version(other, one));
        tags.truncate(LOOKED_AT);
        let looked = tags.len();
        let digests: Vec<(String, Option<String>)> = stream::iter(tags)
            .map(|tag| async move {
                let digest = self.digest(image, &tag).await?;
                Ok::<_, RegistryError>((tag, digest))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut found: Vec<(String, Vec<String>, Option<DateTime<Utc>>)> = Vec::new();
        for (tag, digest) in digests {
            // One that was deleted meanwhile has none.
            let Some(digest) = digest else { continue };
            match found.iter_mut().find(|(known, ..)| *known == digest) {
                Some((_, tags, _)) => tags.push(tag),
                None => found.push((digest, vec![tag], None)),
            }
        }
        Ok((found, total, looked < total || !are_all))
    }

    async fn kept_facts(&self, image: &ImageName, digest: &str) -> Result<Arc<Facts>, RegistryError> {
        let key = (image.clone(), digest.to_owned());
        let lock = || self.0.shelves.digests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(facts) = lock().get(&key) {
            return Ok(Arc::clone(facts));
        }
        let facts = Arc::new(self.facts(image, digest).await?);
        lock().put(key, Arc::clone(&facts));
        Ok(facts)
    }
}

impl Tag {
    /// When it came to be, as far as anybody says so.
    pub(crate) fn at(&self) -> Option<DateTime<Utc>> {
        self.pushed.or(self.facts.created)
    }
}

/// Whether a tag is that of a signature or the like, which stands for another digest.
fn is_attachment(tag: &str) -> bool {
    let hex = tag.strip_prefix("sha256-").unwrap_or_default();
    hex.len() >= 64 && hex.bytes().take(64).all(|byte| byte.is_ascii_hexdigit())
}

/// Versions before names, and numbers in them as numbers: `1.9` is before `1.10`.
fn by_version(one: &str, other: &str) -> Ordering {
    let is_version = |text: &str| text.trim_start_matches('v').starts_with(|letter: char| letter.is_ascii_digit());
    is_version(one).cmp(&is_version(other)).then_with(|| {
        let (mut one, mut other) = (parts(one.trim_start_matches('v')), parts(other.trim_start_matches('v')));
        loop {
            match (one.next(), other.next()) {
                (None, None) => return Ordering::Equal,
                (None, Some(_)) => return Ordering::Less,
                (Some(_), None) => return Ordering::Greater,
                (Some(a), Some(b)) => match a.cmp(&b) {
                    Ordering::Equal => {}
                    unequal => return unequal,
                },
            }
        }
    })
}

/// Runs of digits, as their length and themselves, and runs of other letters.
fn parts(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let is_digit = rest.chars().next()?.is_ascii_digit();
        let end = rest.find(|letter: char| letter.is_ascii_digit() != is_digit).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        rest = after;
        let number = part.trim_start_matches('0');
        Some(if is_digit { (number.len() + 1, number) } else { (0, part) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_comes_last() {
        let mut tags = vec!["1.10.0", "main", "1.9.0", "v2.0.0", "1.9.0-rc1", "latest", "10.0.0"];
        tags.sort_by(|one, other| by_version(one, other));
        assert_eq!(tags, ["latest", "main", "1.9.0", "1.9.0-rc1", "1.10.0", "v2.0.0", "10.0.0"]);
    }

    #[test]
    fn signatures_are_no_tags_of_their_own() {
        let digest = "a".repeat(64);
        assert!(is_attachment(&format!("sha256-{digest}.sig")));
        assert!(is_attachment(&format!("sha256-{digest}")));
        assert!(!is_attachment("sha256-abc"));
        assert!(!is_attachment("1.0.0"));
    }
}
