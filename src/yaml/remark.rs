//! The comments of a YAML text, by the node they belong to: so that a text can be read, changed and written again.
//!
//! A comment on its own line belongs to the node that comes next, with blank lines before it; one at the end of a line
//! to the node written there. Comments before a node that is gone are gone with it; those at the end of a document stay.

use std::collections::{BTreeMap, HashMap};

use granit_parser::{Event, Parser, Placement};
use serde_json::Value;

use super::{Document, Positions, pointer_push};

/// Comments by JSON pointer, each with its `#`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Remarks {
    /// Lines above a node; an empty one is a blank line.
    pub(crate) above: HashMap<String, Vec<String>>,
    /// At the end of a node's line.
    pub(crate) beside: HashMap<String, String>,
    /// Lines below the last node, each with its end.
    pub(crate) end: String,
}

impl Remarks {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.above.is_empty() && self.beside.is_empty() && self.end.is_empty()
    }

    /// The comments of each document of a text that could be read.
    pub(crate) fn of(source: &str, documents: &[Document]) -> Vec<Self> {
        let nodes: Vec<BTreeMap<u32, Vec<String>>> = documents.iter().map(nodes_by_line).collect();
        let markers = markers(source);
        let mut remarks = vec![Self::default(); documents.len()];
        for (line, comment) in comments(source) {
            if let Some(index) = document_of(line, &nodes, &markers) {
                remarks[index].add(&nodes[index], line, comment);
            }
        }
        remarks
    }

    fn add(&mut self, nodes: &BTreeMap<u32, Vec<String>>, line: u32, comment: Comment) {
        match comment {
            Comment::Beside(text) => {
                let node = nodes.range(..=line).next_back().and_then(|(_, pointers)| pointers.last());
                if let Some(pointer) = node {
                    self.beside.insert(pointer.clone(), text);
                }
            }
            Comment::Line(text) => match nodes.range(line..).next().and_then(|(_, pointers)| pointers.first()) {
                Some(pointer) => self.above.entry(pointer.clone()).or_default().push(text),
                None if text.is_empty() && self.end.is_empty() => {}
                None => {
                    self.end.push_str(&text);
                    self.end.push('\n');
                }
            },
        }
    }
}

enum Comment {
    /// Alone on its line, or a blank line.
    Line(String),
    /// Behind something.
    Beside(String),
}

/// The comments of a text with their lines, from 1, and one blank line where there are any between nodes.
fn comments(source: &str) -> Vec<(u32, Comment)> {
    let lines: Vec<&str> = source.lines().collect();
    let mut found = Vec::new();
    let mut insides: Vec<bool> = vec![false; lines.len() + 1];
    for (event, span) in Parser::new_from_str(source).flatten() {
        let (start, end) = (span.start.line(), span.end.line());
        match event {
            Event::Comment(text, placement) => {
                let text = format!("#{text}");
                let line = u32::try_from(start).unwrap_or(u32::MAX);
                let comment =
                    if matches!(placement, Placement::Right) { Comment::Beside(text) } else { Comment::Line(text) };
                found.push((line, comment));
            }
            // A blank line inside a text is part of the text.
            Event::Scalar(..) => insides.iter_mut().take(end).skip(start).for_each(|inside| *inside = true),
            _ => {}
        }
    }
    let blank = |index: usize| lines.get(index).is_some_and(|line| line.trim().is_empty());
    for (index, _) in insides.iter().enumerate().take(lines.len()).skip(1).filter(|(_, inside)| !**inside) {
        if blank(index) && !blank(index - 1) {
            found.push((u32::try_from(index + 1).unwrap_or(u32::MAX), Comment::Line(String::new())));
        }
    }
    found.sort_by_key(|(line, _)| *line);
    found
}

/// Which document a line is in: the one between the same markers, else the next, else the last.
fn document_of(line: u32, nodes: &[BTreeMap<u32, Vec<String>>], markers: &[u32]) -> Option<usize> {
    let from = markers.iter().rfind(|marker| **marker <= line).copied().unwrap_or(0);
    let to = markers.iter().find(|marker| **marker > line).copied().unwrap_or(u32::MAX);
    let first = |nodes: &BTreeMap<u32, Vec<String>>| nodes.keys().next().copied();
    let here = nodes.iter().position(|nodes| first(nodes).is_some_and(|first| (from..to).contains(&first)));
    let next = || nodes.iter().position(|nodes| first(nodes).is_some_and(|first| first > line));
    here.or_else(next).or_else(|| nodes.len().checked_sub(1))
}

/// Lines of `---`.
fn markers(source: &str) -> Vec<u32> {
    let is_marker =
        |line: &str| line.strip_prefix("---").is_some_and(|rest| rest.trim_start().is_empty() || rest.starts_with(' '));
    let numbered = source.lines().zip(1_u32..);
    numbered.filter(|(line, _)| is_marker(line)).map(|(_, number)| number).collect()
}

/// The pointers of the nodes that begin on each line, outer ones first.
fn nodes_by_line(document: &Document) -> BTreeMap<u32, Vec<String>> {
    let mut nodes = BTreeMap::new();
    collect(&document.value, &document.positions, &mut String::new(), &mut nodes);
    nodes
}

fn collect(value: &Value, positions: &Positions, pointer: &mut String, nodes: &mut BTreeMap<u32, Vec<String>>) {
    let length = pointer.len();
    let mut below = |step: &str, value: &Value| {
        pointer_push(pointer, step);
        if let Some(position) = positions.key(pointer) {
            nodes.entry(position.line).or_default().push(pointer.clone());
        }
        collect(value, positions, pointer, nodes);
        pointer.truncate(length);
    };
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| below(&index.to_string(), item)),
        Value::Object(map) => map.iter().for_each(|(key, value)| below(key, value)),
        _ => {}
    }
}
