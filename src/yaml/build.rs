//! Parser events to a value and its positions.
//!
//! A stack of open collections stands for recursion; the JSON pointer of the node being read grows and shrinks with it.

use std::collections::HashMap;

use granit_parser::Event;
use serde_json::{Map, Value};

use super::control::Controls;
use super::position::{Position, Positions, pointer_push};
use super::scalar::{self, Key};
use super::{Document, Limits, YamlError};

/// What is left of the limits; shared by all documents of a source.
pub(super) struct Budget {
    limits: Limits,
    nodes: usize,
    aliases: usize,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, nodes: limits.nodes, aliases: limits.aliases }
    }

    /// Whether reading on makes no sense.
    pub(super) fn is_spent(&self) -> bool {
        self.nodes == 0 || self.aliases == 0
    }

    fn nodes(&mut self, count: usize, position: Position) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_sub(count);
        if self.nodes > 0 {
            return Ok(());
        }
        let message =
            format!("too many nodes: at most {} are read, aliases counted as often as used", self.limits.nodes);
        Err(YamlError { position, message })
    }

    fn alias(&mut self, position: Position) -> Result<(), YamlError> {
        self.aliases = self.aliases.saturating_sub(1);
        if self.aliases > 0 {
            return Ok(());
        }
        Err(YamlError { position, message: format!("too many aliases: at most {} are read", self.limits.aliases) })
    }
}

/// What is told of a document that nests further than the limit.
pub(super) fn too_deep(limit: usize) -> String {
    format!("nested too deeply: at most {limit} levels are read")
}

/// An open collection.
struct Frame {
    collection: Collection,
    anchor: usize,
    /// Nodes in it so far, itself included.
    size: usize,
    /// Length of the pointer to this collection.
    pointer: usize,
    position: Position,
}

enum Collection {
    List(Vec<Value>),
    /// With the key whose value comes next.
    Map(Entries),
}

/// An open mapping.
#[derive(Default)]
struct Entries {
    map: Map<String, Value>,
    /// The key whose value comes next.
    pending: Option<(String, Position)>,
    /// Which kinds of keys gave a name, where that was more than a text: `1` and `'1'` are two keys of one name.
    kinds: HashMap<String, u8>,
}

impl Entries {
    /// Whether the same key was there before. Collections, aliases and not-a-number are the same as nothing.
    fn is_repeated(&mut self, key: &Key) -> bool {
        if key.kind == Key::TEXT && !self.map.contains_key(&key.name) {
            return false;
        }
        let default = if self.map.contains_key(&key.name) { Key::TEXT } else { 0 };
        let kinds = self.kinds.entry(key.name.clone()).or_insert(default);
        let is_repeated = *kinds & key.kind != 0;
        *kinds |= key.kind;
        is_repeated
    }
}

/// Builds one document.
pub(super) struct Builder<'a> {
    budget: &'a mut Budget,
    controls: Controls,
    stack: Vec<Frame>,
    pointer: String,
    positions: Positions,
    anchors: HashMap<usize, (Value, usize)>,
    root: Value,
    /// Open collections that are part of a key: their nodes have no pointer.
    key_depth: Option<usize>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(budget: &'a mut Budget, controls: Controls) -> Self {
        Self {
            budget,
            controls,
            stack: Vec::new(),
            pointer: String::new(),
            positions: Positions::default(),
            anchors: HashMap::new(),
            root: Value::Null,
            key_depth: None,
        }
    }

    pub(super) fn finish(self) -> Document {
        Document { value: self.root, positions: self.positions }
    }

    pub(super) fn event(&mut self, event: Event<'_>, position: Position) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let text = self.controls.restore(text);
                let value = scalar::resolve(&text, style, tag.as_deref());
                self.budget.nodes(1, position)?;
                if self.is_key() {
                    let key = Key::scalar(&value, &text);
                    return self.attach(value, key, anchor, 1, position);
                }
                self.enter(position);
                self.attach(value, Key::default(), anchor, 1, position)
            }
            Event::Alias(anchor) => {
                self.budget.alias(position)?;
                let Some((value, size)) = self.anchors.get(&anchor) else {
                    let message = "an alias inside the node it stands for has no end".to_owned();
                    return Err(YamlError { position, message });
                };
                let size = *size;
                self.budget.nodes(size, position)?;
                let value = value.clone();
                if self.is_key() {
                    let key = Key::of(&value);
                    return self.attach(value, key, 0, size, position);
                }
                self.enter(position);
                self.attach(value, Key::default(), 0, size, position)
            }
            Event::SequenceStart(_, anchor, _) => self.open(Collection::List(Vec::new()), anchor, position),
            Event::MappingStart(_, anchor, _) => self.open(Collection::Map(Entries::default()), anchor, position),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            // Stream and document starts; nothing else is asked of the parser.
            _ => Ok(()),
        }
    }

    fn open(&mut self, collection: Collection, anchor: usize, position: Position) -> Result<(), YamlError> {
        self.budget.nodes(1, position)?;
        if self.stack.len() >= self.budget.limits.depth {
            return Err(YamlError { position, message: too_deep(self.budget.limits.depth) });
        }
        if self.is_key() {
            self.key_depth.get_or_insert(self.stack.len());
        } else {
            self.enter(position);
        }
        self.stack.push(Frame { collection, anchor, size: 1, pointer: self.pointer.len(), position });
        Ok(())
    }

    fn close(&mut self) -> Result<(), YamlError> {
        let frame = self.stack.pop().expect("the parser closes only what it opened");
        let value = match frame.collection {
            Collection::List(items) => Value::Array(items),
            Collection::Map(entries) => Value::Object(entries.map),
        };
        if self.key_depth == Some(self.stack.len()) {
            self.key_depth = None;
        }
        let key = if self.is_key() { Key::of(&value) } else { Key::default() };
        self.attach(value, key, frame.anchor, frame.size, frame.position)
    }

    /// Whether the next node is a key.
    fn is_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { collection: Collection::Map(Entries { pending: None, .. }), .. }))
    }

    /// Moves the pointer to the node that begins here and notes where that is.
    fn enter(&mut self, value: Position) {
        if self.key_depth.is_some() {
            return;
        }
        let mut key = None;
        if let Some(frame) = self.stack.last() {
            self.pointer.truncate(frame.pointer);
            match &frame.collection {
                Collection::List(items) => pointer_push(&mut self.pointer, &items.len().to_string()),
                Collection::Map(entries) => {
                    if let Some((name, position)) = &entries.pending {
                        pointer_push(&mut self.pointer, name);
                        key = Some(*position);
                    }
                }
            }
        }
        self.positions.insert(self.pointer.clone(), key, value);
    }

    /// Puts a finished node where it belongs; `key` counts where a key is expected.
    fn attach(
        &mut self,
        value: Value,
        key: Key,
        anchor: usize,
        size: usize,
        position: Position,
    ) -> Result<(), YamlError> {
        if anchor > 0 {
            self.anchors.insert(anchor, (value.clone(), size));
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = value;
            return Ok(());
        };
        frame.size += size;
        match &mut frame.collection {
            Collection::List(items) => items.push(value),
            Collection::Map(entries) => {
                if let Some((name, _)) = entries.pending.take() {
                    entries.map.insert(name, value);
                } else if entries.is_repeated(&key) {
                    return Err(YamlError { position, message: format!("the key \"{}\" is there twice", key.name) });
                } else {
                    entries.pending = Some((key.name, position));
                }
            }
        }
        Ok(())
    }
}
