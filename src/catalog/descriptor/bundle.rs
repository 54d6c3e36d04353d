//! API descriptions in several files, as one: what `$openapi` and `$asyncapi` bring in.
//!
//! A `$ref` to another file is replaced by what it names, read relative to the file that it stands in by the same reader
//! as everything else. What was brought in once is not repeated: further references to it, also those in a circle, point
//! at where it was put. References within the first file stay. Keys beside `$ref` go over what it names.
//!
//! A description without references to other files stays the text that it is, comments and all; any other is written
//! anew as YAML. Depth, files, bytes and nodes are bounded, and every error says where the reference stands.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use super::Include;
use super::pointer::{fragment, parse_fragment, step};
use crate::catalog::location::LocationRef;
use crate::catalog::reader::{Fetched, Reader};
use crate::forge::LocationKind;
use crate::yaml::{self, Positions, pointer_push};

/// Levels of the result, and references that lead to references.
const MAX_DEPTH: usize = 100;
/// Files brought in, and their bytes together.
const MAX_FILES: usize = 100;
const MAX_BYTES: usize = 10 * 1024 * 1024;
/// Nodes of the result.
const MAX_NODES: usize = 200_000;

/// One description on its way to be in one file.
pub(super) struct Bundle<'a> {
    reader: &'a Reader,
    includes: &'a mut Vec<Include>,
    files: HashMap<String, Arc<File>>,
    /// By file: what was brought in from it, and where in the result that is. Both are JSON pointers.
    placed: HashMap<String, Vec<(String, String)>>,
    root: String,
    bytes: usize,
    nodes: usize,
}

/// A file with references.
struct File {
    location: LocationRef,
    value: Value,
    positions: Positions,
}

/// Where a node was written.
#[derive(Clone)]
struct Origin {
    file: Arc<File>,
    pointer: String,
}

impl Origin {
    fn below(&self, step: &str) -> Self {
        let mut pointer = self.pointer.clone();
        pointer_push(&mut pointer, step);
        Self { file: Arc::clone(&self.file), pointer }
    }

    /// A message with its place.
    fn error(&self, message: impl std::fmt::Display) -> String {
        let at = self.file.positions.nearest(&self.pointer);
        format!("{message} at {}, line {}, column {}", self.file.location, at.line, at.column)
    }
}

/// What a reference names.
struct Target {
    file: Arc<File>,
    pointer: String,
}

impl<'a> Bundle<'a> {
    /// `includes` is told of every file that is read.
    pub(super) fn new(reader: &'a Reader, includes: &'a mut Vec<Include>) -> Self {
        let (files, placed) = (HashMap::new(), HashMap::new());
        Self { reader, includes, files, placed, root: String::new(), bytes: 0, nodes: 0 }
    }

    /// The text of a description with everything it refers to.
    pub(super) async fn of(mut self, text: &str, location: &LocationRef) -> Result<String, String> {
        if !may_refer_elsewhere(text) {
            return Ok(text.to_owned());
        }
        let root = Arc::new(parse(text, location)?);
        self.root = location.to_string();
        self.files.insert(self.root.clone(), Arc::clone(&root));
        let origin = Origin { file: Arc::clone(&root), pointer: String::new() };
        let bundled = self.visit(root.value.clone(), origin, String::new(), 0).await?;
        if self.files.len() == 1 {
            return Ok(text.to_owned());
        }
        serde_yaml::to_string(&bundled).map_err(|error| error.to_string())
    }

    /// A node with the references below it replaced; `at` is where it is in the result.
    fn visit(
        &mut self,
        value: Value,
        origin: Origin,
        at: String,
        depth: usize,
    ) -> BoxFuture<'_, Result<Value, String>> {
        Box::pin(async move {
            self.nodes += 1;
            if self.nodes > MAX_NODES {
                return Err(origin.error(format!("too many nodes, at most {MAX_NODES} are brought together")));
            }
            if depth > MAX_DEPTH {
                return Err(origin.error(format!("nested too deeply, at most {MAX_DEPTH} levels are brought together")));
            }
            match value {
                Value::Array(items) => {
                    let mut visited = Vec::with_capacity(items.len());
                    for (index, item) in items.into_iter().enumerate() {
                        let name = index.to_string();
                        visited.push(self.visit(item, origin.below(&name), below(&at, &name), depth + 1).await?);
                    }
                    Ok(Value::Array(visited))
                }
                Value::Object(map) => match map.get("$ref") {
                    Some(Value::String(reference)) => {
                        let reference = reference.clone();
                        self.reference(map, &reference, origin, at, depth).await
                    }
                    _ => Ok(Value::Object(self.members(map, &origin, &at, depth).await?)),
                },
                scalar => Ok(scalar),
            }
        })
    }

    async fn members(
        &mut self,
        map: Map<String, Value>,
        origin: &Origin,
        at: &str,
        depth: usize,
    ) -> Result<Map<String, Value>, String> {
        let mut visited = Map::with_capacity(map.len());
        for (key, value) in map {
            let value = self.visit(value, origin.below(&key), below(at, &key), depth + 1).await?;
            visited.insert(key, value);
        }
        Ok(visited)
    }

    /// A node that is a reference: what it names, or a reference to where that already is.
    async fn reference(
        &mut self,
        mut map: Map<String, Value>,
        reference: &str,
        origin: Origin,
        at: String,
        depth: usize,
    ) -> Result<Value, String> {
        let here = origin.below("$ref");
        let is_written_here = reference.starts_with('#') && origin.file.location.to_string() == self.root;
        if is_written_here {
            return Ok(Value::Object(self.members(map, &origin, &at, depth).await?));
        }
        let (location, pointer) = self.named(reference, &here)?;
        let file = location.to_string();
        let known = if file == self.root { Some(pointer.clone()) } else { self.place_of(&file, &pointer) };
        if let Some(known) = known {
            if known == at {
                return Err(here.error(format!("$ref \"{reference}\" leads to itself")));
            }
            map.insert("$ref".to_owned(), Value::String(fragment(&known)));
            return Ok(Value::Object(self.members(map, &origin, &at, depth).await?));
        }
        let target = self.find(location, pointer.clone(), reference, &here).await?;
        map.shift_remove("$ref");
        // With keys of its own beside it, it is not what others mean by the same reference; but circles end here.
        let is_plain = map.is_empty();
        let places = self.placed.entry(file.clone()).or_default();
        places.push((pointer, at.clone()));
        let beside = self.members(map, &origin, &at, depth).await?;
        let value = target.file.value.pointer(&target.pointer).cloned().unwrap_or_default();
        let inner = Origin { file: target.file, pointer: target.pointer };
        let mut value = self.visit(value, inner, at.clone(), depth + 1).await?;
        if !is_plain {
            if let Some(places) = self.placed.get_mut(&file) {
                places.retain(|(_, place)| *place != at);
            }
            if let Value::Object(value) = &mut value {
                value.extend(beside);
            }
        }
        Ok(value)
    }

    /// The file that a reference means, and the pointer in it.
    fn named(&self, reference: &str, here: &Origin) -> Result<(LocationRef, String), String> {
        let (file, hash) = reference.split_once('#').unwrap_or((reference, ""));
        let wrong = |reason: String| here.error(format!("$ref \"{reference}\" cannot be followed, {reason}"));
        let pointer = parse_fragment(hash).map_err(wrong)?;
        if file.is_empty() {
            return Ok((here.file.location.clone(), pointer));
        }
        let location = self.reader.resolve(&here.file.location, file, LocationKind::Blob);
        Ok((location.map_err(|error| wrong(error.to_string()))?, pointer))
    }

    /// Where something was put, on its own or as part of something larger.
    fn place_of(&self, file: &str, pointer: &str) -> Option<String> {
        let places = self.placed.get(file)?;
        places.iter().find_map(|(brought, at)| {
            let rest = pointer.strip_prefix(brought.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{at}{rest}"))
        })
    }

    /// The node of a file that a pointer names, through the references on the way to it.
    async fn find(
        &mut self,
        location: LocationRef,
        pointer: String,
        reference: &str,
        here: &Origin,
    ) -> Result<Target, String> {
        let (mut location, mut pointer) = (location, pointer);
        for _ in 0..MAX_DEPTH {
            let file = self.load(&location, reference, here).await?;
            let Some((crossing, rest)) = step(&file.value, &pointer) else {
                return Ok(Target { file, pointer });
            };
            let origin = Origin { file: Arc::clone(&file), pointer: crossing.clone() };
            let onward = file.value.pointer(&crossing).and_then(|value| value.get("$ref")).and_then(Value::as_str);
            let Some(onward) = onward else {
                let missing = format!("$ref \"{reference}\" names {pointer}, which is not in {location}");
                return Err(here.error(missing));
            };
            let (next, base) = self.named(onward, &origin.below("$ref"))?;
            (location, pointer) = (next, format!("{base}{rest}"));
        }
        Err(here.error(format!("$ref \"{reference}\" leads through more than {MAX_DEPTH} references")))
    }

    async fn load(&mut self, location: &LocationRef, reference: &str, here: &Origin) -> Result<Arc<File>, String> {
        let key = location.to_string();
        if let Some(file) = self.files.get(&key) {
            return Ok(Arc::clone(file));
        }
        if self.files.len() > MAX_FILES {
            return Err(here.error(format!("too many files, at most {MAX_FILES} are brought together")));
        }
        let fetched = self.reader.read(location).await;
        let Fetched { bytes, version, stamp } =
            fetched.map_err(|error| here.error(format!("$ref \"{reference}\" cannot be followed, {error}")))?;
        self.includes.push(Include { location: key.clone(), stamp, version });
        self.bytes += bytes.len();
        if self.bytes > MAX_BYTES {
            let limit = MAX_BYTES / 1024 / 1024;
            return Err(here.error(format!("the files are too large, at most {limit} MiB are brought together")));
        }
        let file = Arc::new(parse(&String::from_utf8_lossy(&bytes), location)?);
        self.files.insert(key, Arc::clone(&file));
        Ok(file)
    }
}

/// Whether a text can hold a reference to another file: a `$ref` whose value does not begin with `#`.
fn may_refer_elsewhere(text: &str) -> bool {
    text.match_indices("$ref").any(|(at, key)| {
        let value = text[at + key.len()..].trim_start_matches(['"', '\'', ' ', '\t', '\r', '\n', ':']);
        !value.starts_with('#')
    })
}

fn parse(text: &str, location: &LocationRef) -> Result<File, String> {
    let mut documents = yaml::documents(text);
    match (documents.pop(), documents.len()) {
        (Some(Ok(document)), 0) => {
            Ok(File { location: location.clone(), value: document.value, positions: document.positions })
        }
        (Some(Err(error)), 0) => Err(format!("{location}: {error}")),
        (last, before) => {
            let count = before + usize::from(last.is_some());
            Err(format!("{location} has {count} documents, exactly one is expected"))
        }
    }
}

fn below(at: &str, name: &str) -> String {
    let mut at = at.to_owned();
    pointer_push(&mut at, name);
    at
}
