//! One operation in full: parameters, body, answers.

use serde_json::Value;

use super::curl::{self, Call, preferred};
use super::{list, object, security, text};
use crate::definition::model::{Detail, Direction, Fact, Field, Section};
use crate::definition::schema::{Schemas, followed};

/// Fields of one operation, all sections together.
const FIELDS: usize = 1000;

/// Where parameters stand, with what each place is called.
const PLACES: [(&str, &str); 5] = [
    ("path", "Path parameters"),
    ("query", "Query parameters"),
    ("header", "Headers"),
    ("cookie", "Cookies"),
    ("formData", "Form fields"),
];

/// The operation at `paths` or `webhooks`, a path and a method.
pub(in crate::definition) fn detail(root: &Value, [key, path, method]: [&str; 3]) -> Detail {
    let item = root.get(key).and_then(|paths| paths.get(path)).map_or(&Value::Null, |item| followed(root, item));
    let Some(operation) = item.get(method) else { return Detail::default() };
    let parameters = parameters(root, item, operation);
    let schemas = Schemas::new(root, FIELDS);
    schemas.face(Direction::In);
    let mut sections: Vec<Section> =
        PLACES.iter().filter_map(|(place, title)| placed(&schemas, &parameters, place, title)).collect();
    let (request, body) = request(root, &schemas, operation, &parameters);
    sections.extend(request);
    schemas.face(Direction::Out);
    for (status, response) in object(operation, "responses") {
        answer(root, &schemas, operation, status, followed(root, response), &mut sections);
    }
    sections.extend(callbacks(root, operation));
    let call = Call { root, path, method, operation, parameters: &parameters, body };
    Detail {
        about: text(operation, "description").to_owned(),
        facts: facts(root, operation),
        snippet: (key == "paths").then(|| call.command()),
        sections,
    }
}

fn facts(root: &Value, operation: &Value) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(id) = operation.get("operationId").and_then(Value::as_str) {
        facts.push(("Operation id", id.to_owned()));
    }
    if let Some(asked) = security::asked(root, operation) {
        facts.push(("Who may call", asked));
    }
    let others: Vec<&str> = list(operation, "tags").skip(1).filter_map(Value::as_str).collect();
    if !others.is_empty() {
        facts.push(("Also in", others.join(", ")));
    }
    if let Some(url) = operation.get("externalDocs").map(|docs| text(docs, "url")).filter(|url| !url.is_empty()) {
        facts.push(("See", url.to_owned()));
    }
    facts
}

/// The parameters of the path and of the operation; the operation's count more.
fn parameters<'a>(root: &'a Value, item: &'a Value, operation: &'a Value) -> Vec<&'a Value> {
    let mut found: Vec<&Value> = list(operation, "parameters").map(|parameter| followed(root, parameter)).collect();
    for shared in list(item, "parameters").map(|parameter| followed(root, parameter)) {
        let same = |own: &&Value| text(own, "name") == text(shared, "name") && text(own, "in") == text(shared, "in");
        if !found.iter().any(same) {
            found.push(shared);
        }
    }
    found
}

fn placed<'a>(schemas: &Schemas<'a>, parameters: &[&'a Value], place: &str, title: &str) -> Option<Section> {
    let of_place = parameters.iter().filter(|parameter| text(parameter, "in") == place);
    let fields: Vec<Field> = of_place.map(|parameter| field(schemas, parameter)).collect();
    (!fields.is_empty()).then(|| Section {
        title: title.to_owned(),
        direction: Direction::In,
        fields,
        ..Section::default()
    })
}

/// A parameter or a header: what it says of itself, around its schema.
fn field<'a>(schemas: &Schemas<'a>, parameter: &'a Value) -> Field {
    let content = parameter.get("content").and_then(preferred).and_then(|(_, media)| media.get("schema"));
    // Swagger 2 writes the schema into the parameter itself.
    let schema = parameter.get("schema").or(content).unwrap_or(parameter);
    let required = parameter.get("required").and_then(Value::as_bool) == Some(true);
    let mut field = schemas.field(text(parameter, "name"), schema, required);
    if !text(parameter, "description").is_empty() {
        text(parameter, "description").trim().clone_into(&mut field.about);
    }
    field.deprecated |= parameter.get("deprecated").and_then(Value::as_bool) == Some(true);
    if let Some(example) = parameter.get("example").filter(|example| !example.is_object()) {
        field.facts.retain(|fact| fact.rule != "e.g.");
        field.facts.push(Fact { rule: "e.g.", value: crate::definition::schema::shown(example) });
    }
    field
}

/// The section of what is sent, and what an example of it is.
fn request<'a>(
    root: &'a Value,
    schemas: &Schemas<'a>,
    operation: &'a Value,
    parameters: &[&'a Value],
) -> (Option<Section>, Option<(&'a str, String)>) {
    if let Some(body) = parameters.iter().find(|parameter| text(parameter, "in") == "body") {
        let kind = consumed(root, operation);
        let section = media(schemas, body, kind, "Request body", text(body, "description"), Direction::In);
        let required = body.get("required").and_then(Value::as_bool) == Some(true);
        let example = section.example.clone().unwrap_or_default();
        return (Some(Section { required, ..section }), Some((kind, example)));
    }
    let Some(body) = operation.get("requestBody").map(|body| followed(root, body)) else { return (None, None) };
    let Some((kind, content)) = body.get("content").and_then(preferred) else { return (None, None) };
    let section = media(schemas, content, kind, "Request body", text(body, "description"), Direction::In);
    let required = body.get("required").and_then(Value::as_bool) == Some(true);
    let example = section.example.clone().unwrap_or_default();
    let note = with_others(section.note.clone(), body, kind);
    (Some(Section { note, required, ..section }), Some((kind, example)))
}

fn consumed<'a>(root: &'a Value, operation: &'a Value) -> &'a str {
    let own = list(operation, "consumes").chain(list(root, "consumes")).find_map(Value::as_str);
    own.unwrap_or("application/json")
}

fn media<'a>(
    schemas: &Schemas<'a>,
    media: &'a Value,
    kind: &str,
    title: &str,
    about: &str,
    direction: Direction,
) -> Section {
    let root = schemas.root();
    let (what, fields) = media.get("schema").map_or_else(Default::default, |schema| schemas.body(schema));
    let example = match direction {
        Direction::In => curl::example(root, media, direction),
        _ => curl::given(root, media),
    };
    let note = [kind, what.as_str()].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · ");
    Section {
        title: title.to_owned(),
        note,
        direction,
        about: about.to_owned(),
        fields,
        example: example.filter(|example| !example.is_empty()),
        ..Section::default()
    }
}

/// Names the media types that are taken or given besides the shown one.
fn with_others(note: String, body: &Value, shown: &str) -> String {
    let others: Vec<&str> =
        object(body, "content").map(|(kind, _)| kind.as_str()).filter(|kind| *kind != shown).collect();
    if others.is_empty() { note } else { format!("{note} · also {}", others.join(", ")) }
}

fn answer<'a>(
    root: &'a Value,
    schemas: &Schemas<'a>,
    operation: &'a Value,
    status: &str,
    response: &'a Value,
    sections: &mut Vec<Section>,
) {
    let title = format!("Answer {status}");
    let about = text(response, "description");
    let mut section = if let Some((kind, content)) = response.get("content").and_then(preferred) {
        let section = media(schemas, content, kind, &title, about, Direction::Out);
        Section { note: with_others(section.note.clone(), response, kind), ..section }
    } else if response.get("schema").is_some() {
        let kind = list(operation, "produces").chain(list(root, "produces")).find_map(Value::as_str);
        media(schemas, response, kind.unwrap_or("application/json"), &title, about, Direction::Out)
    } else {
        Section { title, direction: Direction::Out, about: about.to_owned(), ..Section::default() }
    };
    section.hue = match status.bytes().next() {
        Some(b'2') => "green",
        Some(b'3') => "blue",
        Some(b'4') => "amber",
        Some(b'5') => "red",
        _ => "grey",
    };
    let hue = section.hue;
    sections.push(section);
    let named = |(name, header): (&String, &'a Value)| {
        let header = followed(root, header);
        Field { name: name.clone(), ..field(schemas, header) }
    };
    let headers: Vec<Field> = object(response, "headers").map(named).collect();
    if !headers.is_empty() {
        let title = format!("Headers of answer {status}");
        sections.push(Section { title, direction: Direction::Out, fields: headers, hue, ..Section::default() });
    }
}

/// What is called back, by name.
fn callbacks(root: &Value, operation: &Value) -> Option<Section> {
    let mut fields = Vec::new();
    for (name, callback) in object(operation, "callbacks") {
        for (address, item) in followed(root, callback).as_object().into_iter().flatten() {
            let methods = super::METHODS.into_iter().filter(|method| item.get(method).is_some());
            let methods: Vec<String> = methods.map(str::to_uppercase).collect();
            fields.push(Field {
                name: name.clone(),
                kind: methods.join(", "),
                about: format!("to `{address}`"),
                ..Field::default()
            });
        }
    }
    (!fields.is_empty()).then(|| Section { title: "Callbacks".to_owned(), fields, ..Section::default() })
}
