//! Searching within a site.

use super::site::Site;

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

impl Site {
    /// The places where every word stands, the best first.
    pub(crate) fn find(&self, text: &str) -> Vec<Found> {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower.split(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '_' | '-' | '.')).filter(|word| !word.is_empty()).take(MOST_WORDS).collect();
        if words.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<(u32, Found)> = Vec::new();
        for (number, page) in self.pages.iter().enumerate() {
            let title = page.title.to_lowercase();
            for section in &self.content(number).sections {
                let (heading, body) = (section.heading.to_lowercase(), section.text.to_lowercase());
                let is_first = section.anchor.is_empty() || heading == title;
                let mut score = 0;
                let every = words.iter().all(|word| {
                    let points = points(&heading, word, 12) + body_points(&body, word) + if is_first { points(&title, word, 20) } else { 0 };
                    score += points;
                    points > 0 || title.contains(word)
                });
                if every && score > 0 {
                    let (heading, anchor) = if is_first { (String::new(), String::new()) } else { (section.heading.clone(), section.anchor.clone()) };
                    found.push((score, Found { page: number, heading, anchor, excerpt: excerpt(&section.text, &words) }));
                }
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
        while let Some((found, word)) =
            words.iter().filter_map(|word| low[at..].find(word).map(|found| (at + found, *word))).min_by_key(|(found, word)| (*found, std::cmp::Reverse(word.len())))
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
