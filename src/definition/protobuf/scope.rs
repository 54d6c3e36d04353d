//! The names of a file: messages and enumerations by their full names, and the comments at their places.

use std::collections::HashMap;

use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use crate::definition::model::Anchors;

/// Messages within messages.
const DEPTH: usize = 32;

/// The comments of a file by the path of what they describe.
pub(super) struct Remarks(HashMap<Vec<i32>, String>);

impl Remarks {
    /// Collects them: what stands above counts more than what stands behind.
    pub(super) fn of(file: &FileDescriptorProto) -> Self {
        let places = file.source_code_info.iter().flat_map(|info| &info.location);
        let mut found = HashMap::new();
        for place in places {
            let above = [place.leading_comments(), place.trailing_comments()].into_iter().map(cleaned);
            let mut text = above.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n");
            // Above `syntax` stands what is said of the file, mostly after a licence.
            if text.is_empty() && matches!(place.path[..], [12 | 2]) {
                text = place.leading_detached_comments.last().map(|text| cleaned(text)).unwrap_or_default();
            }
            if !text.is_empty() {
                found.insert(place.path.clone(), text);
            }
        }
        Self(found)
    }

    /// What stands at a path.
    pub(super) fn at(&self, path: &[i32]) -> &str {
        self.0.get(path).map_or("", String::as_str)
    }

    /// What is said of the whole file: above its package, or above its syntax.
    pub(super) fn of_file(&self) -> &str {
        let own = self.at(&[2]);
        let first = self.at(&[12]);
        if own.is_empty() && !first.starts_with("Copyright") { first } else { own }
    }
}

/// A comment without the blank that follows its marks on every line.
fn cleaned(text: &str) -> String {
    let lines = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// A message with where it stands.
pub(super) struct Message<'a> {
    pub(super) proto: &'a DescriptorProto,
    /// With package and outer messages.
    pub(super) full: String,
    /// With outer messages.
    pub(super) short: String,
    pub(super) path: Vec<i32>,
}

impl Message<'_> {
    /// The path of something inside it.
    pub(super) fn at(&self, kind: i32, number: i32) -> Vec<i32> {
        [&self.path[..], &[kind, number]].concat()
    }
}

/// An enumeration with where it stands.
pub(super) struct Enumeration<'a> {
    pub(super) proto: &'a EnumDescriptorProto,
    pub(super) short: String,
    pub(super) path: Vec<i32>,
}

enum Named<'a> {
    Message(Message<'a>),
    Enumeration(Enumeration<'a>),
}

/// All names of a file.
pub(super) struct Scope<'a> {
    all: Vec<(Named<'a>, String)>,
    places: HashMap<String, usize>,
}

impl<'a> Scope<'a> {
    /// Collects them.
    pub(super) fn of(file: &'a FileDescriptorProto, _: &Remarks) -> Self {
        let mut scope = Self { all: Vec::new(), places: HashMap::new() };
        let mut anchors = Anchors::default();
        let outer = (file.package(), "");
        for (message, number) in file.message_type.iter().zip(0i32..) {
            scope.add(message, outer, &[4, number], 0, &mut anchors);
        }
        for (proto, number) in file.enum_type.iter().zip(0i32..) {
            scope.add_enumeration(proto, outer, vec![5, number], &mut anchors);
        }
        scope
    }

    fn add(
        &mut self,
        proto: &'a DescriptorProto,
        outer: (&str, &str),
        path: &[i32],
        depth: usize,
        anchors: &mut Anchors,
    ) {
        if depth > DEPTH {
            return;
        }
        let (full, short) = (joined(outer.0, proto.name()), joined(outer.1, proto.name()));
        let anchor = anchors.take(&short);
        self.places.insert(full.clone(), self.all.len());
        let message = Message { proto, full: full.clone(), short: short.clone(), path: path.to_vec() };
        self.all.push((Named::Message(message), anchor));
        for (inner, number) in proto.nested_type.iter().zip(0i32..) {
            self.add(inner, (&full, &short), &[path, &[3, number]].concat(), depth + 1, anchors);
        }
        for (inner, number) in proto.enum_type.iter().zip(0i32..) {
            self.add_enumeration(inner, (&full, &short), [path, &[4, number]].concat(), anchors);
        }
    }

    fn add_enumeration(
        &mut self,
        proto: &'a EnumDescriptorProto,
        outer: (&str, &str),
        path: Vec<i32>,
        anchors: &mut Anchors,
    ) {
        let (full, short) = (joined(outer.0, proto.name()), joined(outer.1, proto.name()));
        let anchor = anchors.take(&short);
        self.places.insert(full, self.all.len());
        self.all.push((Named::Enumeration(Enumeration { proto, short, path }), anchor));
    }

    /// What a name means inside a message or package: the innermost that has it.
    pub(super) fn find(&self, inside: &str, name: &str) -> Option<usize> {
        if let Some(full) = name.strip_prefix('.') {
            return self.places.get(full).copied();
        }
        let mut inside = inside;
        loop {
            if let Some(place) = self.places.get(&joined(inside, name)) {
                return Some(*place);
            }
            if inside.is_empty() {
                return None;
            }
            inside = inside.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
    }

    /// A message by its number.
    pub(super) fn message(&self, place: usize) -> Option<&Message<'a>> {
        match self.all.get(place) {
            Some((Named::Message(message), _)) => Some(message),
            _ => None,
        }
    }

    /// An enumeration by its number.
    pub(super) fn enumeration(&self, place: usize) -> Option<&Enumeration<'a>> {
        match self.all.get(place) {
            Some((Named::Enumeration(found), _)) => Some(found),
            _ => None,
        }
    }

    /// The names of an enumeration's values.
    pub(super) fn values(&self, place: usize) -> Vec<String> {
        self.enumeration(place)
            .map(|found| found.proto.value.iter().map(|value| value.name().to_owned()).collect())
            .unwrap_or_default()
    }

    /// Key and value of a map, which the parser writes as a message of its own.
    pub(super) fn map_of(&self, place: usize) -> Option<(&'a FieldDescriptorProto, &'a FieldDescriptorProto)> {
        let message = self.message(place)?;
        let is_map = message.proto.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry);
        match &message.proto.field[..] {
            [key, value] if is_map => Some((key, value)),
            _ => None,
        }
    }

    /// The message that a map's values are.
    pub(super) fn entry_of(&self, place: usize) -> Option<usize> {
        let (_, value) = self.map_of(place)?;
        let inner = self.find(&self.message(place)?.full, value.type_name())?;
        self.message(inner).map(|_| inner)
    }

    /// The anchor of a type, if it is shown by itself.
    pub(super) fn anchor(&self, place: usize) -> Option<&str> {
        let shown = if self.map_of(place).is_some() { self.entry_of(place)? } else { place };
        self.all.get(shown).map(|(_, anchor)| anchor.as_str())
    }

    /// Every type that is shown by itself, with its anchor.
    pub(super) fn anchors(&self) -> impl Iterator<Item = (usize, &str)> {
        let all = self.all.iter().enumerate().map(|(place, (_, anchor))| (place, anchor.as_str()));
        all.filter(|(place, _)| self.map_of(*place).is_none())
    }
}

fn joined(outer: &str, name: &str) -> String {
    if outer.is_empty() { name.to_owned() } else { format!("{outer}.{name}") }
}
