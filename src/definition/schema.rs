//! JSON Schema, as OpenAPI and AsyncAPI use it, as trees of fields.
//!
//! References are followed inside the document; one that leads into itself ends there ([`More::Itself`]), and depth and
//! number of fields are bounded ([`More::Cut`]). `allOf` is one object with everything in it; `oneOf` and `anyOf` are
//! alternatives below the field.

use std::cell::Cell;

use serde_json::{Map, Value};

use super::model::{Direction, Fact, Field, More};

/// How deep a tree goes.
const DEPTH: usize = 9;
/// References from one to the next.
const HOPS: usize = 16;
/// Schemas that one `allOf` may bring together.
const PARTS: usize = 48;
/// Values of an enumeration that are kept.
const VALUES: usize = 200;

/// The schemas of one document.
pub(super) struct Schemas<'a> {
    root: &'a Value,
    direction: Cell<Direction>,
    left: Cell<usize>,
}

/// A schema with everything that its references and `allOf` bring.
#[derive(Default)]
struct Gathered<'a> {
    /// What the first reference calls it.
    name: Option<&'a str>,
    parts: Vec<&'a Map<String, Value>>,
    /// The references that led here.
    refs: Vec<&'a str>,
    /// A reference that is followed already, or to nowhere.
    dead: Option<Dead<'a>>,
}

#[derive(Clone, Copy)]
enum Dead<'a> {
    Itself(&'a str),
    Nowhere(&'a str),
}

impl<'a> Schemas<'a> {
    /// The schemas of a document; no tree of one entry has more fields than the limit, all together.
    pub(super) fn new(root: &'a Value, limit: usize) -> Self {
        Self { root, direction: Cell::new(Direction::Both), left: Cell::new(limit) }
    }

    /// The document.
    pub(super) fn root(&self) -> &'a Value {
        self.root
    }

    /// From here on the values go one way: what is only read is not sent, and the other way round.
    pub(super) fn face(&self, direction: Direction) {
        self.direction.set(direction);
    }

    /// A schema under a name.
    pub(super) fn field(&self, name: &str, schema: &'a Value, required: bool) -> Field {
        self.grow(name, schema, required, &mut Vec::new())
    }

    /// What a schema's object has, or the schema itself if it is none; with what it is called.
    pub(super) fn body(&self, schema: &'a Value) -> (String, Vec<Field>) {
        let field = self.field("", schema, false);
        if field.children.is_empty() || field.children.iter().any(|child| child.is_alternative) {
            let kind = field.kind.clone();
            let is_plain = field.about.is_empty() && field.facts.is_empty() && field.values.is_empty();
            let fields = if is_plain && field.children.is_empty() && field.more == More::Nothing {
                Vec::new()
            } else if field.values.is_empty() && field.facts.is_empty() && !field.children.is_empty() {
                field.children
            } else {
                vec![Field { name: "(value)".to_owned(), ..field }]
            };
            return (kind, fields);
        }
        (field.kind, field.children)
    }

    fn grow(&self, name: &str, schema: &'a Value, required: bool, trail: &mut Vec<&'a str>) -> Field {
        let mut field = Field { name: name.to_owned(), required, ..Field::default() };
        if self.left.get() == 0 {
            field.more = More::Cut;
            "…".clone_into(&mut field.kind);
            return field;
        }
        self.left.set(self.left.get() - 1);
        let gathered = self.gather(schema, trail);
        describe(&mut field, &gathered);
        field.kind = self.kind(&gathered, trail, 0);
        if let Some(dead) = gathered.dead.filter(|_| gathered.parts.is_empty()) {
            match dead {
                Dead::Itself(_) => field.more = More::Itself,
                Dead::Nowhere(target) => {
                    field.facts.push(Fact { rule: "refers to what is not here", value: target.to_owned() });
                }
            }
            return field;
        }
        let grows = trail.len();
        trail.extend(&gathered.refs);
        if trail.len() >= DEPTH * 2 || depth(trail) >= DEPTH {
            if has_children(&gathered) {
                field.more = More::Cut;
            }
        } else {
            trail.push("");
            self.children(&mut field, &gathered, trail);
        }
        trail.truncate(grows);
        field
    }

    fn children(&self, field: &mut Field, gathered: &Gathered<'a>, trail: &mut Vec<&'a str>) {
        for (name, schema, required) in self.properties(gathered) {
            if self.left.get() == 0 {
                field.more = More::Cut;
                return;
            }
            field.children.push(self.grow(name, schema, required, trail));
        }
        for (pattern, schema) in
            gathered.parts.iter().filter_map(|part| part.get("patternProperties")?.as_object()).flatten()
        {
            field.children.push(self.grow(&format!("/{pattern}/"), schema, false, trail));
        }
        if let Some(any) = gathered.get("additionalProperties").filter(|any| any.is_object()) {
            let child = self.grow("(any name)", any, false, trail);
            if !child.children.is_empty()
                || !field.children.is_empty()
                || !child.about.is_empty()
                || !child.facts.is_empty()
            {
                field.children.push(child);
            }
        }
        if let Some(items) = gathered.get("items").filter(|items| items.is_object()) {
            let item = self.grow("", items, false, trail);
            if field.children.is_empty() {
                field.children = item.children;
                field.more = item.more;
                field.values = item.values;
                let kept = item.facts.into_iter().filter(|fact| !field.facts.iter().any(|own| own.rule == fact.rule));
                let kept: Vec<Fact> = kept.collect();
                field.facts.extend(kept);
            }
        }
        for (number, item) in gathered.list("prefixItems").enumerate() {
            field.children.push(self.grow(&format!("[{number}]"), item, true, trail));
        }
        self.alternatives(field, gathered, trail);
    }

    fn alternatives(&self, field: &mut Field, gathered: &Gathered<'a>, trail: &mut Vec<&'a str>) {
        let choices: Vec<&'a Value> = choices(gathered);
        if let [only] = choices[..] {
            let only = self.grow("", only, false, trail);
            field.children.extend(only.children);
            field.values.extend(only.values);
            field.facts.extend(only.facts);
            field.more = only.more;
            if field.about.is_empty() {
                field.about = only.about;
            }
            return;
        }
        let mut seen = Vec::new();
        for (number, choice) in choices.into_iter().enumerate() {
            let mut child = self.grow("", choice, false, trail);
            let title = choice.get("title").and_then(Value::as_str);
            child.name = title.map_or_else(|| child.kind.clone(), str::to_owned);
            if seen.contains(&child.name) {
                child.name = format!("{} {}", child.name, number + 1);
            }
            seen.push(child.name.clone());
            child.is_alternative = true;
            field.children.push(child);
        }
        // Plain alternatives are told by the field's kind.
        let is_plain = |child: &Field| {
            child.children.is_empty()
                && child.about.is_empty()
                && child.facts.is_empty()
                && child.values.is_empty()
                && child.more == More::Nothing
        };
        if field.children.iter().all(|child| child.is_alternative && is_plain(child)) {
            field.children.clear();
        }
    }

    /// The properties that go this way.
    fn properties(&self, gathered: &Gathered<'a>) -> Vec<(&'a str, &'a Value, bool)> {
        let required: Vec<&str> =
            gathered.all("required").filter_map(Value::as_array).flatten().filter_map(Value::as_str).collect();
        let mut found: Vec<(&'a str, &'a Value, bool)> = Vec::new();
        for (name, schema) in gathered.parts.iter().filter_map(|part| part.get("properties")?.as_object()).flatten() {
            let hidden = match self.direction.get() {
                Direction::In => "readOnly",
                Direction::Out => "writeOnly",
                Direction::Both => "",
            };
            if schema.get(hidden).and_then(Value::as_bool) == Some(true)
                || found.iter().any(|(known, ..)| known == name)
            {
                continue;
            }
            found.push((name, schema, required.contains(&name.as_str())));
        }
        found
    }

    /// What a schema is, in words.
    fn kind(&self, gathered: &Gathered<'a>, trail: &[&'a str], depth: usize) -> String {
        let name = gathered.name;
        if gathered.parts.is_empty() {
            let end = match gathered.dead {
                Some(Dead::Itself(target) | Dead::Nowhere(target)) => last(target),
                None => "anything",
            };
            return end.to_owned();
        }
        let mut types: Vec<&str> = match gathered.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let nullable = types.len() > 1 && types.contains(&"null")
            || gathered.get("nullable").and_then(Value::as_bool) == Some(true)
            || any_null(gathered);
        if types.len() > 1 {
            types.retain(|kind| *kind != "null");
        }
        let of = |schema: &'a Value| {
            if depth > 3 { "…".to_owned() } else { self.kind(&self.gather(schema, trail), trail, depth + 1) }
        };
        let choices = choices(gathered);
        let kind = if types.contains(&"array") || (types.is_empty() && gathered.get("items").is_some()) {
            gathered.get("items").map_or_else(|| "array".to_owned(), |items| format!("array of {}", of(items)))
        } else if let Some(name) = name {
            name.to_owned()
        } else if !choices.is_empty() && gathered.get("properties").is_none() {
            let mut kinds: Vec<String> = choices.into_iter().take(4).map(of).collect();
            kinds.dedup();
            if kinds.len() > 3 { "one of several".to_owned() } else { kinds.join(" or ") }
        } else if let Some(any) =
            gathered.get("additionalProperties").filter(|any| any.is_object() && gathered.get("properties").is_none())
        {
            format!("map of {}", of(any))
        } else if !types.is_empty() {
            types.join(" or ")
        } else if gathered.get("properties").is_some() {
            "object".to_owned()
        } else if let Some(value) = gathered.get("const") {
            return format!("always {}", shown(value));
        } else if gathered.get("enum").is_some() {
            "string".to_owned()
        } else {
            "anything".to_owned()
        };
        if nullable && kind != "null" { format!("{kind} or null") } else { kind }
    }

    fn gather(&self, schema: &'a Value, trail: &[&'a str]) -> Gathered<'a> {
        let mut gathered = Gathered::default();
        self.gather_into(schema, trail, &mut gathered, true);
        gathered
    }

    fn gather_into(&self, schema: &'a Value, trail: &[&'a str], gathered: &mut Gathered<'a>, is_first: bool) {
        let mut schema = schema;
        for _ in 0..HOPS {
            let Value::Object(map) = schema else { return };
            let Some(target) = map.get("$ref").and_then(Value::as_str) else { break };
            // Since OpenAPI 3.1 a reference may say more beside itself.
            if map.len() > 1 && gathered.parts.len() < PARTS {
                gathered.parts.push(map);
            }
            if trail.contains(&target) || gathered.refs.contains(&target) {
                gathered.dead.get_or_insert(Dead::Itself(target));
                return;
            }
            if is_first && gathered.name.is_none() {
                gathered.name = Some(last(target));
            }
            let Some(found) = resolved(self.root, target) else {
                gathered.dead.get_or_insert(Dead::Nowhere(target));
                return;
            };
            gathered.refs.push(target);
            schema = found;
        }
        let Value::Object(map) = schema else { return };
        if gathered.parts.len() >= PARTS {
            return;
        }
        gathered.parts.push(map);
        let all = map.get("allOf").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for part in all {
            // The name of an object that adds something to another is not the other's name, unless it adds nothing.
            self.gather_into(part, trail, gathered, is_first && all.len() == 1 && !map.contains_key("properties"));
        }
    }
}

impl<'a> Gathered<'a> {
    fn all(&self, key: &str) -> impl Iterator<Item = &'a Value> {
        self.parts.iter().filter_map(move |part| part.get(key))
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.all(key).next()
    }

    fn list(&self, key: &str) -> impl Iterator<Item = &'a Value> {
        self.get(key).and_then(Value::as_array).into_iter().flatten()
    }
}

/// Each level leaves an empty mark in the trail.
fn depth(trail: &[&str]) -> usize {
    trail.iter().filter(|step| step.is_empty()).count()
}

fn has_children(gathered: &Gathered<'_>) -> bool {
    ["properties", "items", "oneOf", "anyOf", "additionalProperties", "prefixItems"]
        .iter()
        .any(|key| gathered.get(key).is_some_and(|value| value.is_object() || value.is_array()))
}

/// What a schema says about its values.
fn describe(field: &mut Field, gathered: &Gathered<'_>) {
    let text = |key: &str| gathered.get(key).and_then(Value::as_str).unwrap_or_default();
    text("description").trim().clone_into(&mut field.about);
    if field.about.is_empty() {
        text("summary").trim().clone_into(&mut field.about);
    }
    field.deprecated = gathered.get("deprecated").and_then(Value::as_bool) == Some(true);
    let values = gathered.get("enum").and_then(Value::as_array);
    field.values = values.into_iter().flatten().take(VALUES).map(shown).collect();
    for (key, rule) in RULES {
        match gathered.get(key) {
            None | Some(Value::Bool(false) | Value::Null) => {}
            Some(Value::Bool(true)) => field.facts.push(Fact { rule, value: String::new() }),
            Some(value @ (Value::String(_) | Value::Number(_))) => {
                field.facts.push(Fact { rule, value: shown(value) });
            }
            Some(value) if *key == "default" => field.facts.push(Fact { rule, value: shown(value) }),
            Some(_) => {}
        }
    }
    let example = gathered.get("example").or_else(|| gathered.list("examples").next());
    if let Some(example) = example.filter(|value| !value.is_object() && !value.is_array()) {
        field.facts.push(Fact { rule: "e.g.", value: shown(example) });
    }
    if let Some(name) = gathered.get("discriminator").and_then(|by| by.get("propertyName").unwrap_or(by).as_str()) {
        field.facts.push(Fact { rule: "told apart by", value: name.to_owned() });
    }
}

/// Rules that are shown, with their words.
const RULES: &[(&str, &str)] = &[
    ("format", "format"),
    ("contentEncoding", "encoded as"),
    ("minimum", "at least"),
    ("exclusiveMinimum", "more than"),
    ("maximum", "at most"),
    ("exclusiveMaximum", "less than"),
    ("multipleOf", "multiple of"),
    ("minLength", "at least this long"),
    ("maxLength", "at most this long"),
    ("pattern", "pattern"),
    ("minItems", "at least this many"),
    ("maxItems", "at most this many"),
    ("uniqueItems", "no two alike"),
    ("minProperties", "at least this many names"),
    ("maxProperties", "at most this many names"),
    ("const", "always"),
    ("default", "default"),
    ("readOnly", "read only"),
    ("writeOnly", "write only"),
];

/// The alternatives of a schema, without `null`.
fn choices<'a>(gathered: &Gathered<'a>) -> Vec<&'a Value> {
    let many = ["oneOf", "anyOf"].iter().flat_map(|key| gathered.all(key)).filter_map(Value::as_array).flatten();
    many.filter(|choice| !is_null(choice)).collect()
}

fn any_null(gathered: &Gathered<'_>) -> bool {
    let mut many = ["oneOf", "anyOf"].iter().flat_map(|key| gathered.all(key)).filter_map(Value::as_array).flatten();
    many.any(is_null)
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

/// The last step of a reference.
fn last(target: &str) -> &str {
    target.rsplit('/').next().unwrap_or(target)
}

/// What a reference inside the document leads to.
pub(super) fn resolved<'a>(root: &'a Value, target: &str) -> Option<&'a Value> {
    let pointer = target.strip_prefix('#')?;
    if !pointer.contains('%') {
        return root.pointer(pointer);
    }
    let mut bytes = Vec::with_capacity(pointer.len());
    let mut rest = pointer.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let code = (*first == b'%')
            .then(|| others.get(..2))
            .flatten()
            .and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &others[2..] } else { others };
    }
    root.pointer(std::str::from_utf8(&bytes).ok()?)
}

/// Follows references to what is not one.
pub(super) fn followed<'a>(root: &'a Value, value: &'a Value) -> &'a Value {
    let mut value = value;
    for _ in 0..HOPS {
        let Some(found) = value.get("$ref").and_then(Value::as_str).and_then(|target| resolved(root, target)) else {
            break;
        };
        value = found;
    }
    value
}

/// A value as text: strings without quotes.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
