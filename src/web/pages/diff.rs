//! Line differences of two texts, with a few lines around each change.

use std::time::Duration;

use askama::Template;
use similar::{ChangeTag, TextDiff};

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;
/// More lines than this are not shown.
const LINES: usize = 600;
/// Larger texts are not compared.
const BYTES: usize = 512 * 1024;

/// The differences, as a table.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "diff.html")]
pub(crate) struct Diff {
    /// What the table is about, for those who hear it.
    pub(crate) name: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) added: usize,
    pub(crate) removed: usize,
    /// Only the beginning is shown.
    pub(crate) cut: bool,
}

impl askama::filters::HtmlSafe for Diff {}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// Lines are left out here.
    Gap,
    Same {
        old: usize,
        new: usize,
        text: String,
    },
    Added {
        new: usize,
        text: String,
    },
    Removed {
        old: usize,
        text: String,
    },
}

impl Diff {
    /// Compares two texts; `None` when they are too large for it.
    pub(crate) fn new(name: impl Into<String>, old: &str, new: &str) -> Option<Self> {
        if old.len() + new.len() > BYTES {
            return None;
        }
        let compared = TextDiff::configure().timeout(Duration::from_millis(20)).diff_lines(old, new);
        let mut diff = Self { name: name.into(), lines: Vec::new(), added: 0, removed: 0, cut: false };
        for (index, group) in compared.grouped_ops(CONTEXT).iter().enumerate() {
            if index > 0 {
                diff.lines.push(Line::Gap);
            }
            for change in group.iter().flat_map(|operation| compared.iter_changes(operation)) {
                let text = change.value().trim_end_matches(['\n', '\r']).to_owned();
                let at = |index: Option<usize>| index.map_or(0, |index| index + 1);
                let (old, new) = (at(change.old_index()), at(change.new_index()));
                diff.push(match change.tag() {
                    ChangeTag::Equal => Line::Same { old, new, text },
                    ChangeTag::Insert => Line::Added { new, text },
                    ChangeTag::Delete => Line::Removed { old, text },
                });
            }
        }
        Some(diff)
    }

    /// The differences that a unified diff of one file tells.
    pub(crate) fn unified(name: impl Into<String>, text: &str) -> Self {
        let mut diff = Self { name: name.into(), lines: Vec::new(), added: 0, removed: 0, cut: false };
        let (mut old, mut new) = (0, 0);
        for line in text.lines() {
            if let Some(place) = line.strip_prefix("@@ ") {
                if !diff.lines.is_empty() {
                    diff.lines.push(Line::Gap);
                }
                let start = |part: Option<&str>| {
                    let number = part.and_then(|part| part[1..].split(',').next()?.parse().ok());
                    number.unwrap_or(1)
                };
                let mut parts = place.split(' ').filter(|part| part.len() > 1);
                (old, new) = (start(parts.next()), start(parts.next()));
            } else if let Some(text) = line.strip_prefix('+').filter(|_| !line.starts_with("+++ ")) {
                diff.push(Line::Added { new, text: text.to_owned() });
                new += 1;
            } else if let Some(text) = line.strip_prefix('-').filter(|_| !line.starts_with("--- ")) {
                diff.push(Line::Removed { old, text: text.to_owned() });
                old += 1;
            } else if let Some(text) = line.strip_prefix(' ') {
                diff.push(Line::Same { old, new, text: text.to_owned() });
                (old, new) = (old + 1, new + 1);
            }
        }
        diff
    }

    fn push(&mut self, line: Line) {
        match line {
            Line::Added { .. } => self.added += 1,
            Line::Removed { .. } => self.removed += 1,
            Line::Same { .. } | Line::Gap => {}
        }
        if self.lines.len() < LINES {
            self.lines.push(line);
        } else {
            self.cut = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_shown_with_their_surroundings() {
        let old: Vec<String> = (1..=20).map(|number| number.to_string()).collect();
        let mut new = old.clone();
        new[1] = "two".to_owned();
        new.remove(17);
        let diff = Diff::new("x", &old.join("\n"), &new.join("\n")).unwrap();
        assert_eq!((diff.added, diff.removed), (1, 2));
        assert_eq!(diff.lines.iter().filter(|line| **line == Line::Gap).count(), 1);
        assert!(diff.lines.contains(&Line::Removed { old: 2, text: "2".to_owned() }));
        assert!(diff.lines.contains(&Line::Added { new: 2, text: "two".to_owned() }));
        assert!(diff.lines.contains(&Line::Removed { old: 18, text: "18".to_owned() }));
    }

    #[test]
    fn a_unified_diff_is_the_same_table() {
        let (old, new) = ("a\nb\nc\nd\ne\nf\ng\nh\ni\n", "a\nB\nc\nd\ne\nf\ng\nh\ni\nj\n");
        let text = TextDiff::from_lines(old, new).unified_diff().context_radius(CONTEXT).to_string();
        assert_eq!(Diff::unified("x", &text), Diff::new("x", old, new).unwrap());
    }

    #[test]
    fn large_texts_are_cut_or_left_alone() {
        let many = "x\n".repeat(LINES + 5);
        let diff = Diff::new("x", "", &many).unwrap();
        assert!(diff.cut);
        assert_eq!(diff.lines.len(), LINES);
        assert_eq!(diff.added, LINES + 5);
        assert_eq!(Diff::new("x", &"y".repeat(BYTES), "z"), None);
    }
}
