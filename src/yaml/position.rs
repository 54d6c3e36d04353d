//! Where the nodes of a document were written.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// A place in a text, both counted from one; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Line, from 1.
    pub(crate) line: u32,
    /// Column, from 1.
    pub(crate) column: u32,
}

impl Position {
    /// The first character.
    pub(crate) const START: Self = Self { line: 1, column: 1 };

    pub(super) fn of(marker: &granit_parser::Marker) -> Self {
        let bounded = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { line: bounded(marker.line().max(1)), column: bounded(marker.col() + 1) }
    }
}

/// Positions by JSON pointer; `""` is the root. A node that came from an alias has the alias's position, and
/// the nodes below it none of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Positions(HashMap<String, Place>);

/// Line and column of the key (of the value again, in a list) and of the value: four numbers keep the stored form small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Place(u32, u32, u32, u32);

impl Positions {
    pub(super) fn insert(&mut self, pointer: String, key: Option<Position>, value: Position) {
        let key = key.unwrap_or(value);
        self.0.insert(pointer, Place(key.line, key.column, value.line, value.column));
    }

    /// Where the key of a node is; for list items and the root, where the node itself begins.
    pub(crate) fn key(&self, pointer: &str) -> Option<Position> {
        self.0.get(pointer).map(|place| Position { line: place.0, column: place.1 })
    }

    /// Where a node's value begins.
    pub(crate) fn value(&self, pointer: &str) -> Option<Position> {
        self.0.get(pointer).map(|place| Position { line: place.2, column: place.3 })
    }

    /// Where a node is, or the closest node above it that was written: for what is missing or came from an alias.
    pub(crate) fn nearest(&self, pointer: &str) -> Position {
        let mut pointer = pointer;
        loop {
            if let Some(position) = self.key(pointer) {
                return position;
            }
            match pointer.rfind('/') {
                Some(cut) => pointer = &pointer[..cut],
                None => return Position::START,
            }
        }
    }
}

/// Appends one step to a JSON pointer, escaped.
pub(crate) fn pointer_push(pointer: &mut String, step: &str) {
    pointer.push('/');
    for character in step.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}
