//! How single facts look on every page: references, moments, sizes, durations, words for numbers.
//!
//! Each type is a small template of its own and marked as safe HTML, so `{{ owner }}` shows a link.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};

use crate::catalog::{Catalog, EntityFilter};
use crate::entity::{Entity, EntityRef};
use crate::web::session::Viewer;
use crate::web::url as link;

/// A link to an entity with the picture of its kind.
#[derive(Debug, Clone, Template, PartialEq, Eq, PartialOrd, Ord)]
#[template(path = "entity_link.html")]
pub(crate) struct EntityLink {
    /// What is shown.
    pub(crate) name: String,
    /// The whole reference, on hover.
    pub(crate) reference: String,
    /// Kind, lower case.
    pub(crate) kind: String,
    /// The page.
    pub(crate) link: String,
    /// Whether the catalog has it.
    pub(crate) known: bool,
}

impl askama::filters::HtmlSafe for EntityLink {}

impl EntityLink {
    /// A link to an entity that the catalog has, with its title.
    pub(crate) fn titled(reference: &EntityRef, title: impl Into<String>) -> Self {
        Self {
            name: title.into(),
            reference: reference.to_string(),
            kind: reference.kind().to_owned(),
            link: link::entity(reference),
            known: true,
        }
    }

    /// A link to an entity that something refers to and the catalog does not have.
    pub(crate) fn missing(reference: &EntityRef) -> Self {
        Self { known: false, ..Self::titled(reference, reference.short(Some(reference.kind()))) }
    }

    /// A link with the title the catalog knows, or marked as missing there.
    pub(crate) fn find(catalog: &Catalog, viewer: &Viewer, reference: &EntityRef) -> Self {
        match catalog.entity(&viewer.credentials, reference) {
            Some(record) => Self::titled(reference, &*record.title),
            None => Self::missing(reference),
        }
    }

    /// The same for a written reference; none if it is no reference.
    pub(crate) fn read(catalog: &Catalog, viewer: &Viewer, reference: &str) -> Option<Self> {
        Some(Self::find(catalog, viewer, &reference.parse().ok()?))
    }

    fn icon(&self) -> &str {
        icon_of(&self.kind)
    }
}

/// The entity's first owner.
pub(crate) fn owner(catalog: &Catalog, viewer: &Viewer, entity: &Entity) -> Option<EntityLink> {
    let relation = entity.relations().into_iter().find(|relation| relation.kind == "ownedBy")?;
    EntityLink::read(catalog, viewer, &relation.target)
}

/// The system an entity is part of.
pub(crate) fn system(catalog: &Catalog, viewer: &Viewer, entity: &Entity) -> Option<EntityLink> {
    let relation = entity.relations().into_iter().find(|relation| relation.kind == "partOf")?;
    EntityLink::read(catalog, viewer, &relation.target)
}

/// How many entities there are of each kind, which is in lower case.
pub(crate) fn kind_counts(catalog: &Catalog, viewer: &Viewer) -> BTreeMap<String, usize> {
    let counted = catalog.counts(&viewer.credentials, "").values(&EntityFilter::default(), "kind");
    let mut counts = BTreeMap::new();
    for (kind, count) in counted {
        *counts.entry(kind.to_lowercase()).or_default() += count;
    }
    counts
}

/// The symbol of an entity's kind.
pub(crate) fn icon_of(kind: &str) -> &str {
    match kind {
        "component" | "api" | "resource" | "system" | "domain" | "group" | "user" | "location" | "template" => kind,
        _ => "file",
    }
}

/// A moment: relative to now, the exact time on hover; `times.js` keeps it current.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Template)]
#[template(
    source = r#"<time datetime="{{ self.machine() }}" title="{{ self.exact() }}" data-ago>{{ self.relative() }}</time>"#,
    ext = "html"
)]
pub(crate) struct Moment(pub(crate) DateTime<Utc>);

impl askama::filters::HtmlSafe for Moment {}

impl Moment {
    fn machine(self) -> String {
        self.0.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }

    /// `22 Nov 2026, 22:49:11 UTC`
    pub(crate) fn exact(self) -> String {
        self.0.format("%-d %b %Y, %H:%M:%S UTC").to_string()
    }

    fn relative(self) -> String {
        relative(self.0, Utc::now())
    }
}

/// The distance of two moments in words; a date beyond a month.
fn relative(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - then).num_seconds();
    let (count, unit) = match seconds.abs() {
        0..45 => return "just now".to_owned(),
        45..5400 => (((seconds.abs() + 30) / 60).max(1), "min"),
        5400..129_600 => ((seconds.abs() + 1800) / 3600, "h"),
        129_600..2_592_000 => ((seconds.abs() + 43_200) / 86_400, "days"),
        _ => return then.format("%-d %b %Y").to_string(),
    };
    if seconds < 0 { format!("in {count} {unit}") } else { format!("{count} {unit} ago") }
}

/// A number of bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "rounded to one decimal anyway")]
    let exact = bytes as f64;
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{:.1} kB", exact / 1e3),
        _ => format!("{:.1} MB", exact / 1e6),
    }
}

/// A duration for people: `340 ms`, `1.2 s`, `3 min 5 s`.
pub(crate) fn duration(milliseconds: i64) -> String {
    let milliseconds = milliseconds.max(0);
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        1000..60_000 => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
        _ => format!("{} min {} s", milliseconds / 60_000, milliseconds % 60_000 / 1000),
    }
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{} {word}", grouped(number))
}

/// Digits in groups of three.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// The badge colour of a lifecycle.
pub(crate) fn lifecycle_hue(lifecycle: &str) -> &'static str {
    match lifecycle {
        "production" => "green",
        "experimental" => "blue",
        "deprecated" => "amber",
        _ => "grey",
    }
}

/// One of the design's hues; grey for a name that is none.
pub(crate) fn hue(name: &str) -> &str {
    match name {
        "green" | "amber" | "red" | "blue" | "violet" | "teal" | "plum" => name,
        _ => "grey",
    }
}

/// A text with parts of it made place-holders.
pub(crate) fn pattern(text: &str, holders: &[(&str, &str)]) -> String {
    holders.iter().fold(text.to_owned(), |text, (part, holder)| text.replace(part, holder))
}

/// A word as a heading: first letter upper case.
pub(crate) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// A kind's name in the plural, for headings: `component` → `Components`.
pub(crate) fn kind_plural(kind: &str) -> String {
    match kind {
        "api" => "APIs".to_owned(),
        other if other.ends_with('y') => format!("{}ies", capital(other.trim_end_matches('y'))),
        other => format!("{}s", capital(other)),
    }
}

/// A kind's name: `api` → `API`.
pub(crate) fn kind_name(kind: &str) -> String {
    if kind == "api" { "API".to_owned() } else { capital(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let sizes = [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_340_000, "2.3 MB")];
        for (bytes, expected) in sizes {
            assert_eq!(size(bytes), expected);
        }
        let durations = [(-5, "0 ms"), (340, "340 ms"), (1270, "1.2 s"), (185_000, "3 min 5 s")];
        for (milliseconds, expected) in durations {
            assert_eq!(duration(milliseconds), expected);
        }
        assert_eq!(count(1, "file", "files"), "1 file");
        assert_eq!(count(0, "file", "files"), "0 files");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(kind_plural("api"), "APIs");
        assert_eq!(kind_plural("component"), "Components");
    }

    #[test]
    fn distances_read_well() {
        let now = DateTime::parse_from_rfc3339("2026-11-22T12:00:00Z").unwrap().to_utc();
        let check = |seconds: i64, expected: &str| {
            assert_eq!(relative(now - chrono::Duration::seconds(seconds), now), expected);
        };
        check(3, "just now");
        check(50, "1 min ago");
        check(3000, "50 min ago");
        check(7200, "2 h ago");
        check(3 * 86_400, "3 days ago");
        check(-3600, "in 60 min");
        check(60 * 86_400, "23 Sep 2026");
    }

    #[test]
    fn a_link_escapes_what_it_shows() {
        let shown = EntityLink::titled(&EntityRef::new("component", "default", "a"), "<b>").to_string();
        assert!(shown.contains("&#60;b&#62;"), "{shown}");
    }
}
