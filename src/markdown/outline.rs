//! Headings of a document, their anchors, and its plain text by heading.

use std::collections::{HashMap, HashSet};

/// A heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    /// 1 to 6, as in the source.
    pub(crate) level: u8,
    /// What follows `#` in a link to it.
    pub(crate) anchor: String,
    /// Its words.
    pub(crate) text: String,
}

/// The text below a heading, up to the next one; the first has no heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    /// The words of the heading.
    pub(crate) heading: String,
    /// Its anchor; empty at the beginning of the page.
    pub(crate) anchor: String,
    /// The words below it.
    pub(crate) text: String,
}

/// The anchors of one document.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    taken: HashSet<String>,
    /// The last number that was put behind an anchor.
    numbers: HashMap<String, u64>,
}

impl Anchors {
    /// The anchor of a heading, made the way Python-Markdown makes it.
    pub(super) fn make(&mut self, text: &str, unicode: bool) -> String {
        let anchor = slug(text, unicode);
        if !anchor.is_empty() && self.taken.insert(anchor.clone()) {
            return anchor;
        }
        // `a_2` that is taken is followed by `a_3`.
        let numbered = anchor.rsplit_once('_').and_then(|(stem, number)| Some((stem, number.parse::<u64>().ok()?)));
        let (stem, first) = numbered.unwrap_or((&anchor, 0));
        let number = self.numbers.entry(stem.to_owned()).or_default();
        *number = first.max(*number);
        loop {
            *number = number.saturating_add(1);
            let next = format!("{stem}_{number}");
            if self.taken.insert(next.clone()) {
                return next;
            }
        }
    }

    /// Notes an anchor that is given.
    pub(super) fn note(&mut self, anchor: &str) {
        self.taken.insert(anchor.to_owned());
    }
}

/// Lower case, `-` for spaces, nothing but letters, digits, `_` and `-`.
fn slug(text: &str, unicode: bool) -> String {
    let mut slug = String::with_capacity(text.len());
    let kept = text.chars().filter_map(|letter| if unicode { Some(letter) } else { ascii(letter) });
    let kept: String = kept
        .filter(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-') || letter.is_whitespace())
        .collect();
    let mut in_gap = false;
    for letter in kept.trim().chars() {
        if letter.is_whitespace() || letter == '-' {
            if !in_gap {
                slug.push('-');
            }
            in_gap = true;
        } else {
            slug.extend(letter.to_lowercase());
            in_gap = false;
        }
    }
    slug
}

/// A letter without its accent; `None` if nothing of ASCII is left.
fn ascii(letter: char) -> Option<char> {
    if letter.is_ascii() {
        return Some(letter);
    }
    let index = |from: &str, to: &str| from.chars().position(|one| one == letter).and_then(|at| to.chars().nth(at));
    index(
        "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿ\u{A0}ĀāĂăĄąĆćČčĎďĒēĘęĚěĞğĪīİŁŃńŇňŌōŐőŘřŚśŞşŠšŤťŪūŮůŰűŹźŻżŽž",
        "AAAAAACEEEEIIIINOOOOOUUUUYaaaaaaceeeeiiiinooooouuuuyy AaAaAaCcCcDdEeEeEeGgIiILNnNnOoOoRrSsSsSsTtUuUuUuZzZzZz",
    )
}

/// Plain text, gathered while a document is written.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) sections: Vec<Section>,
    heading: String,
    anchor: String,
    text: String,
    pub(super) is_paused: bool,
}

impl Gathered {
    pub(super) fn add(&mut self, text: &str) {
        if !self.is_paused {
            self.text.push_str(text);
        }
    }

    /// A gap between words.
    pub(super) fn gap(&mut self) {
        if !self.is_paused && !self.text.ends_with([' ', '\n']) && !self.text.is_empty() {
            self.text.push(' ');
        }
    }

    /// Begins the section of a heading.
    pub(super) fn begin(&mut self, heading: &str, anchor: &str) {
        self.end();
        heading.clone_into(&mut self.heading);
        anchor.clone_into(&mut self.anchor);
    }

    /// Ends the last section.
    pub(super) fn end(&mut self) {
        let text = std::mem::take(&mut self.text);
        let (heading, anchor) = (std::mem::take(&mut self.heading), std::mem::take(&mut self.anchor));
        let text = text.trim();
        if !text.is_empty() || !anchor.is_empty() {
            self.sections.push(Section { heading, anchor, text: text.to_owned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_those_of_python_markdown() {
        let mut anchors = Anchors::default();
        for (text, expected) in [
            ("Getting started", "getting-started"),
            ("Getting started", "getting-started_1"),
            ("Getting started", "getting-started_2"),
            ("What's `new`? (v1.2)", "whats-new-v12"),
            ("a -- b", "a-b"),
            ("Über uns", "uber-uns"),
            ("日本", "_1"),
            ("snake_case", "snake_case"),
        ] {
            assert_eq!(anchors.make(text, false), expected, "{text}");
        }
        assert_eq!(slug("Über 日本", true), "über-日本");
    }
}
