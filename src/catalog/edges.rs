//! The relations that an entity states, in few allocations: every entity has some, and all are read at every start.
//!
//! The stored form is a list of `[source, relation, target]`, in which the entity itself is the empty text.

use std::borrow::Cow;

use serde::Deserialize;

use crate::entity::Edge;

/// What one entity states of itself and of others.
#[derive(Debug, Clone, Default)]
pub(super) struct Edges {
    /// All texts, one after the other.
    text: String,
    /// Where each of them ends; three belong together.
    ends: Vec<usize>,
}

/// One text of the stored form.
#[derive(Deserialize)]
struct Part<'a>(#[serde(borrow)] Cow<'a, str>);

impl Edges {
    /// Those of the entity with a canonical reference.
    pub(super) fn of(own: &str, edges: &[Edge]) -> Self {
        let mut all = Self::default();
        edges.iter().flat_map(|edge| parts(own, edge)).for_each(|part| all.push(part));
        all
    }

    /// Reads the stored form.
    pub(super) fn read(json: &str) -> Result<Self, serde_json::Error> {
        let parts: Vec<[Part<'_>; 3]> = serde_json::from_str(json)?;
        let mut all =
            Self { text: String::with_capacity(json.len()), ends: Vec::with_capacity(parts.as_flattened().len()) };
        parts.as_flattened().iter().for_each(|part| all.push(&part.0));
        Ok(all)
    }

    /// Source, relation and target of each; the entity itself is the empty text.
    pub(super) fn iter(&self) -> impl Iterator<Item = [&str; 3]> {
        let mut start = 0;
        self.ends.chunks_exact(3).map(move |ends| {
            let all = [(start, ends[0]), (ends[0], ends[1]), (ends[1], ends[2])];
            start = ends[2];
            all.map(|(from, to)| &self.text[from..to])
        })
    }

    fn push(&mut self, part: &str) {
        self.text.push_str(part);
        self.ends.push(self.text.len());
    }
}

/// The stored form of the edges of an entity.
pub(super) fn write(own: &str, edges: &[Edge]) -> String {
    // Lists of texts always serialise.
    serde_json::to_string(&edges.iter().map(|edge| parts(own, edge)).collect::<Vec<_>>()).unwrap_or_default()
}

fn parts<'a>(own: &str, edge: &'a Edge) -> [&'a str; 3] {
    let other = |reference: &'a str| if reference == own { "" } else { reference };
    [other(&edge.source), &edge.relation.kind, other(&edge.relation.target)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Relation;

    #[test]
    fn what_is_written_is_read() {
        let edge = |source: &str, kind: &str, target: &str| Edge {
            source: source.to_owned(),
            relation: Relation { kind: kind.to_owned(), target: target.to_owned() },
        };
        let own = "component:default/a";
        let edges = [edge(own, "ownedBy", "group:default/\"größe\""), edge("group:default/\"größe\"", "ownerOf", own)];
        let expected = [["", "ownedBy", "group:default/\"größe\""], ["group:default/\"größe\"", "ownerOf", ""]];
        let read = Edges::read(&write(own, &edges)).unwrap();
        assert_eq!(read.iter().collect::<Vec<_>>(), expected);
        assert_eq!(Edges::of(own, &edges).iter().collect::<Vec<_>>(), expected);
        assert_eq!(Edges::read("[]").unwrap().iter().count(), 0);
        assert!(Edges::read(r#"[["", "ownedBy"]]"#).is_err());
    }
}
