//! Searching within a site.

use std::sync::Arc;

use super::site::Site;
use super::survey::DocumentSection;
use super::{Docs, DocsError, TechDocs, store};

/// A place that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The page.
    pub(crate) page: usize,
    /// The heading, if it is not the page itself.
    pub(crate) heading: String,
    /// Its anchor.
    pub(crate) anchor: String,
    /// A piece of the text around the first word: what is found, and what is not, in turn, beginning with what is not.
    pub(crate) excerpt: Vec<String>,
}

/// How many places are given.
const MOST: usize = 50;
/// Words of a search that count.
const MOST_WORDS: usize = 8;
/// Letters of an excerpt.
const EXCERPT: usize = 180;

impl TechDocs {
    /// The places of a site where every word stands, the best first.
    pub(crate) async fn find(&self, docs: &Docs, text: &str) -> Result<Vec<Found>, DocsError> {
        let said = self.said(docs).await?;
        let (site, text) = (Arc::clone(&docs.site), text.to_owned());
        let found = tokio::task::spawn_blocking(move || site.find(&said, &text)).await;
        found.map_err(|error| DocsError::Unread(error.to_string()))
    }

    /// What is said in a site; read once.
    pub(crate) async fn said(&self, docs: &Docs) -> Result<Arc<Vec<DocumentSection>>, DocsError> {
        if let Some(said) = docs.site.said.get() {
            return Ok(Arc::clone(said));
        }
        let said = Arc::new(store::sections(&self.inner.pool, &docs.source).await?);
        Ok(Arc::clone(docs.site.said.get_or_init(|| said)))
    }
}

impl Site {
    /// The places where every word stands, the best first.
    pub(super) fn find(&self, said: &[DocumentSection], text: &str) -> Vec<Found> {
        let lower = text.to_lowercase();
        let is_gap = |letter: char| !letter.is_alphanumeric() && !matches!(letter, '_' | '-' | '.');
        let words: Vec<&str> = lower.split(is_gap).filter(|word| !word.is_empty()).take(MOST_WORDS).collect();
        if words.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<(u32, Found)> = Vec::new();
        for section in said {
            let Some(&page) = self.by_url.get(&section.path) else { continue };
            let title = section.title.to_lowercase();
            let (heading, body) = (section.heading.to_lowercase(), section.text.to_lowercase());
            let is_first = section.anchor.is_empty() || heading == title;
            let mut score = 0;
            let every = words.iter().all(|word| {
                let of_title = if is_first { points(&title, word, 20) } else { 0 };
                let points = points(&heading, word, 12) + body_points(&body, word) + of_title;
                score += points;
                points > 0 || title.contains(word)
            });
            if every && score > 0 {
                let (heading, anchor) =
                    if is_first { Default::default() } else { (section.heading.clone(), section.anchor.clone()) };
                found.push((score, Found { page, heading, anchor, excerpt: excerpt(&section.text, &words) }));
            }
        }
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.truncate(MOST);
        found.into_iter().map(|(_, found)| found).collect()
    }
}

/// A word in a heading: more if it stands there as a whole.
fn points(text: &str, word: &str, worth: u32) -> u32 {
    let Some(at) = text.find(word) else { return 0 };
    let begins = !text[..at].ends_with(char::is_alphanumeric);
    let ends = !text[at + word.len()..].starts_with(char::is_alphanumeric);
    worth + u32::from(begins) * worth / 2 + u32::from(begins && ends) * worth
}

fn body_points(text: &str, word: &str) -> u32 {
    let count = text.matches(word).take(5).count();
    u32::try_from(count).unwrap_or_default()
}

/// A piece of a text around the first word that stands in it.
fn excerpt(text: &str, words: &[&str]) -> Vec<String> {
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = flat.to_lowercase();
    // Lower case may have other lengths; then nothing is pointed out.
    let same = lower.len() == flat.len();
    let first = words.iter().filter_map(|word| lower.find(word)).min().unwrap_or_default();
    let start = if same { flat.floor_char_boundary(first.saturating_sub(EXCERPT / 3)) } else { 0 };
    let start = if start == 0 { 0 } else { flat[start..].find(' ').map_or(start, |gap| start + gap + 1) };
    let end = flat.floor_char_boundary(start + EXCERPT);
    let piece = &flat[start..end];
    let mut parts = Vec::new();
    let mut at = 0;
    if same {
        let low = &lower[start..end];
        while let Some((found, word)) = words
            .iter()
            .filter_map(|word| low[at..].find(word).map(|found| (at + found, *word)))
            .min_by_key(|(found, word)| (*found, std::cmp::Reverse(word.len())))
        {
            parts.push(piece[at..found].to_owned());
            parts.push(piece[found..found + word.len()].to_owned());
            at = found + word.len();
        }
    }
    parts.push(format!("{}{}", &piece[at..], if end < flat.len() { "…" } else { "" }));
    if start > 0 {
        parts[0].insert(0, '…');
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::super::site::{Place, SiteFiles};
    use super::*;

    #[test]
    fn the_page_about_it_comes_first() {
        let docs = [
            ("a.md", "# Other\n\nOutbox is named here."),
            ("b.md", "# Outbox\n\nAbout it.\n\n## Growing outbox\n\nÉ words <b>x</b>"),
        ];
        let docs = docs.map(|(path, text)| (path.to_owned(), text.to_owned().into()));
        let site = Site::new(SiteFiles { docs: docs.into(), ..SiteFiles::default() }, String::new(), Place::default());
        let said = site.survey().sections;
        let found = site.find(&said, "OUTBOX");
        let places: Vec<_> = found.iter().map(|found| (&*site.pages[found.page].path, &*found.anchor)).collect();
        assert_eq!(places, [("b.md", ""), ("b.md", "growing-outbox"), ("a.md", "")]);
        assert_eq!(found[2].excerpt, ["", "Outbox", " is named here."]);
        assert_eq!(site.find(&said, "growing words").len(), 1);
        for nothing in ["", "  ", "%", "nowhere", "outbox nowhere"] {
            assert_eq!(site.find(&said, nothing), [], "{nothing}");
        }
    }

    #[test]
    fn an_excerpt_is_cut_between_words() {
        let text = format!("{} needle {}", "before ".repeat(100), "after ".repeat(100));
        let parts = excerpt(&text, &["needle"]);
        assert_eq!(parts[1], "needle");
        assert!(parts[0].starts_with("…before") && parts[2].ends_with('…') && parts.concat().len() < 220, "{parts:?}");
    }
}
