//! The lines of a graph: relations, with their way back put together where that is wanted.

use crate::catalog::Neighbourhood;

/// Relations and their ways back, as Backstage pairs them.
pub(in crate::web::pages) const PAIRS: [(&str, &str); 7] = [
    ("ownerOf", "ownedBy"),
    ("consumesApi", "apiConsumedBy"),
    ("providesApi", "apiProvidedBy"),
    ("hasPart", "partOf"),
    ("parentOf", "childOf"),
    ("hasMember", "memberOf"),
    ("dependsOn", "dependencyOf"),
];

/// Lines of one graph; more would be a blot.
pub(in crate::web::pages) const MOST: usize = 900;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web::pages) struct Strand {
    /// Where it begins, by number.
    pub(in crate::web::pages) from: usize,
    /// Where its arrow is, by number.
    pub(in crate::web::pages) to: usize,
    /// `ownerOf / ownedBy`
    pub(in crate::web::pages) label: String,
}

/// All lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::web::pages) struct Strands(pub(in crate::web::pages) Vec<Strand>);

impl Strands {
    /// The lines of what was met. With `is_forward` only those that lead away from the start, as the walk went.
    pub(in crate::web::pages) fn of(found: &Neighbourhood, merges: bool, is_forward: bool) -> Self {
        let mut strands: Vec<Strand> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for link in &found.links {
            // Numbers are given in the order of the walk.
            if is_forward && link.to <= link.from {
                continue;
            }
            let pair = PAIRS.iter().find(|(one, other)| [*one, *other].contains(&&*link.relation)).filter(|_| merges);
            let strand = match pair {
                Some((one, other)) if *one == &*link.relation => {
                    Strand { from: link.from, to: link.to, label: format!("{one} / {other}") }
                }
                Some((one, other)) => Strand { from: link.to, to: link.from, label: format!("{one} / {other}") },
                None => Strand { from: link.from, to: link.to, label: link.relation.to_string() },
            };
            if strands.len() < MOST && seen.insert((strand.from, strand.to, strand.label.clone())) {
                strands.push(strand);
            }
        }
        Self(strands)
    }
}
