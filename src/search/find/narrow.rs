//! Filters, made ready for a reading: for each value of each part, whether it passes.

use super::super::document::{Facet, Sort};
use super::super::query::{By, Filter};
use super::super::reading::Reading;
use super::super::segment::{Entry, Segment};

/// The filters of one query.
#[derive(Debug)]
pub(super) struct Narrowing {
    parts: Vec<Narrowed>,
}

/// The filters for one segment.
#[derive(Debug)]
struct Narrowed {
    checks: Vec<Check>,
    /// Texts that are references of what the viewer owns by.
    mine: Vec<u32>,
}

#[derive(Debug)]
struct Check {
    by: Passing,
    is_not: bool,
}

#[derive(Debug)]
enum Passing {
    Sorts(Vec<Sort>),
    /// By number of the text.
    Values(Facet, Vec<bool>),
}

/// What the filters say of a document.
pub(super) enum Verdict {
    Pass,
    /// One of them alone keeps it out: that by this facet, or by sort.
    Almost(Option<Facet>),
    Out,
}

impl Narrowing {
    pub(super) fn of(reading: &Reading, filters: &[Filter], mine: &[String]) -> Self {
        let narrowed = |segment: &Segment| {
            let checks = filters.iter().map(|filter| Check::of(segment, filter, mine)).collect();
            let texts = 0..u32::try_from(segment.text_count()).unwrap_or(u32::MAX);
            let is_mine = |text: &u32| mine.iter().any(|own| own == segment.text(*text));
            let mine = if mine.is_empty() { Vec::new() } else { texts.filter(is_mine).collect() };
            Narrowed { checks, mine }
        };
        Self { parts: reading.parts.iter().map(|part| narrowed(&part.segment)).collect() }
    }

    /// Whether a document is the viewer's.
    pub(super) fn is_mine(&self, part: u32, entry: &Entry) -> bool {
        self.parts[part as usize].mine.contains(&entry.values[Facet::Owner.number()])
    }

    pub(super) fn judge(&self, reading: &Reading, part: u32, doc: u32) -> Verdict {
        let segment = &reading.parts[part as usize].segment;
        let mut failed = None;
        for check in &self.parts[part as usize].checks {
            if !check.passes(segment, doc) {
                if failed.is_some() {
                    return Verdict::Out;
                }
                failed = Some(check);
            }
        }
        match failed {
            None => Verdict::Pass,
            Some(Check { is_not: true, .. }) => Verdict::Out,
            Some(Check { by: Passing::Sorts(_), .. }) => Verdict::Almost(None),
            Some(Check { by: Passing::Values(facet, _), .. }) => Verdict::Almost(Some(*facet)),
        }
    }
}

impl Check {
    fn of(segment: &Segment, filter: &Filter, mine: &[String]) -> Self {
        let by = match &filter.by {
            By::Sort(sorts) => Passing::Sorts(sorts.clone()),
            By::Exactly(facet, values) => {
                let texts = 0..u32::try_from(segment.text_count()).unwrap_or(u32::MAX);
                let passes =
                    |text: &str| values.iter().any(|value| value == if text.is_empty() { "other" } else { text });
                Passing::Values(*facet, texts.map(|text| passes(segment.text(text))).collect())
            }
            By::Facet(facet, values) => {
                let texts = 0..u32::try_from(segment.text_count()).unwrap_or(u32::MAX);
                let passes = |text: &str| values.iter().any(|value| is_meant(*facet, value, text, mine));
                Passing::Values(*facet, texts.map(|text| passes(segment.text(text))).collect())
            }
        };
        Self { by, is_not: filter.is_not }
    }

    fn passes(&self, segment: &Segment, doc: u32) -> bool {
        let entry = &segment.entries[doc as usize];
        let passes = match &self.by {
            Passing::Sorts(sorts) => sorts.contains(&entry.sort),
            Passing::Values(Facet::Tag, passing) => segment.tags(doc).iter().any(|tag| passing[*tag as usize]),
            Passing::Values(facet, passing) => passing[entry.values[facet.number()] as usize],
        };
        passes != self.is_not
    }
}

/// Whether a value of a document is what a filter means: the same in any case, and of a reference also its name.
fn is_meant(facet: Facet, wanted: &str, value: &str, mine: &[String]) -> bool {
    let is_reference = matches!(facet, Facet::Owner | Facet::System);
    match wanted {
        "none" => value.is_empty(),
        "me" if facet == Facet::Owner => mine.iter().any(|own| own == value),
        _ if value.is_empty() => false,
        _ if value.eq_ignore_ascii_case(wanted) => true,
        _ if is_reference => {
            let (kind, rest) = value.split_once(':').unwrap_or(("", value));
            let name = rest.rsplit_once('/').map_or(rest, |(_, name)| name);
            match wanted.split_once(':') {
                Some((wanted_kind, wanted)) => {
                    kind.eq_ignore_ascii_case(wanted_kind)
                        && (name.eq_ignore_ascii_case(wanted) || rest.eq_ignore_ascii_case(wanted))
                }
                None => name.eq_ignore_ascii_case(wanted) || rest.eq_ignore_ascii_case(wanted),
            }
        }
        _ => value.to_lowercase() == wanted.to_lowercase(),
    }
}
