//! OpenAPI 3 and Swagger 2: operations by tag.

pub(super) mod checks;
mod curl;
mod detail;
mod security;

use serde_json::{Map, Value};

pub(super) use self::curl::pretty;
pub(super) use self::detail::detail;
pub(super) use self::security::scheme_of;
use super::model::{Anchors, Format, Group, Head, Info, Key, Server, first_line, words};
use super::schema::followed;
use super::{Contents, Definition, Problem, Tree};

/// The methods that a path may have, in the order they are shown.
const METHODS: [&str; 9] = ["get", "query", "post", "put", "patch", "delete", "head", "options", "trace"];

/// More operations than this are not read.
const OPERATIONS: usize = 20_000;

/// Reads a tree that says it is OpenAPI.
pub(super) fn read(tree: Tree, version: &str) -> Result<Definition, Problem> {
    let root = &tree.value;
    if !["paths", "webhooks", "components"].iter().any(|key| root.get(key).is_some_and(Value::is_object)) {
        return Err(Problem::whole("the definition has no `paths`"));
    }
    let groups = groups(root);
    let problems = checks::problems(&tree);
    let info = info(root);
    Ok(Definition {
        format: Format::OpenApi(version.to_owned()),
        info,
        groups,
        problems,
        contents: Contents::OpenApi(tree.value),
    })
}

/// A text of an object.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn object<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// What the `info` of OpenAPI and AsyncAPI says; servers and schemes are told elsewhere.
pub(super) fn said(root: &Value) -> Info {
    let info = root.get("info").unwrap_or(&Value::Null);
    let mut facts = Vec::new();
    if let Some(contact) = info.get("contact") {
        let (name, url, email) = (text(contact, "name"), text(contact, "url"), text(contact, "email"));
        let shown = [name, email, url].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        let link = if url.is_empty() { (!email.is_empty()).then(|| format!("mailto:{email}")) } else { web(url) };
        if !shown.is_empty() {
            facts.push(("Contact", shown.to_owned(), link));
        }
    }
    if let Some(license) = info.get("license") {
        facts.push(("Licence", text(license, "name").to_owned(), web(text(license, "url"))));
    }
    if let Some(terms) = web(text(info, "termsOfService")) {
        facts.push(("Terms", "Terms of service".to_owned(), Some(terms)));
    }
    if let Some(docs) = root.get("externalDocs").or_else(|| info.get("externalDocs")) {
        let about = text(docs, "description");
        let shown = if about.is_empty() { "More documentation" } else { about };
        facts.push(("See", shown.to_owned(), web(text(docs, "url"))));
    }
    let (summary, description) = (text(info, "summary"), text(info, "description"));
    let version = info.get("version").map(super::schema::shown).unwrap_or_default();
    Info {
        title: text(info, "title").to_owned(),
        version,
        about: [summary, description].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n"),
        facts,
        ..Info::default()
    }
}

/// A link that may be followed.
fn web(url: &str) -> Option<String> {
    (url.starts_with("https://") || url.starts_with("http://")).then(|| url.to_owned())
}

fn info(root: &Value) -> Info {
    Info { servers: servers(root), schemes: security::schemes(root), ..said(root) }
}

fn servers(root: &Value) -> Vec<Server> {
    if root.get("swagger").is_some() {
        let host = text(root, "host");
        let schemes: Vec<&str> = list(root, "schemes").filter_map(Value::as_str).collect();
        let scheme = if schemes.contains(&"https") { "https" } else { schemes.first().copied().unwrap_or("https") };
        let origin = if host.is_empty() { String::new() } else { format!("{scheme}://{host}") };
        return vec![Server { url: format!("{origin}{}", text(root, "basePath")), ..Server::default() }];
    }
    let server = |server: &Value| {
        let mut url = text(server, "url").to_owned();
        let mut facts = Vec::new();
        for (name, variable) in object(server, "variables") {
            url = url.replace(&format!("{{{name}}}"), text(variable, "default"));
            let values: Vec<&str> = list(variable, "enum").filter_map(Value::as_str).collect();
            if !values.is_empty() {
                facts.push(format!("{name}: {}", values.join(", ")));
            }
        }
        Server { url, about: text(server, "description").to_owned(), facts }
    };
    list(root, "servers").take(50).map(server).collect()
}

/// Every operation of a tree: where it stands, and it.
fn operations(root: &Value) -> impl Iterator<Item = (&'static str, &String, &'static str, &Map<String, Value>)> {
    let paths = ["paths", "webhooks"]
        .into_iter()
        .flat_map(move |key| object(root, key).map(move |(path, item)| (key, path, followed(root, item))));
    let all = paths.flat_map(|(key, path, item)| {
        METHODS.into_iter().filter_map(move |method| Some((key, path, method, item.get(method)?.as_object()?)))
    });
    all.take(OPERATIONS)
}

fn groups(root: &Value) -> Vec<Group> {
    let mut anchors = Anchors::default();
    let mut groups: Vec<Group> = Vec::new();
    for tag in list(root, "tags") {
        let name = text(tag, "name");
        if !name.is_empty() && !groups.iter().any(|group| group.name == name) {
            groups.push(group(&mut anchors, name, text(tag, "description")));
        }
    }
    let mut places: std::collections::HashMap<String, usize> =
        groups.iter().enumerate().map(|(place, group)| (group.name.clone(), place)).collect();
    for (key, path, method, operation) in operations(root) {
        let tag = operation.get("tags").and_then(Value::as_array).and_then(|tags| tags.first()?.as_str());
        let name = match tag {
            Some(tag) if !tag.is_empty() => tag,
            _ if key == "webhooks" => "Webhooks",
            _ => "Other operations",
        };
        let place = *places.entry(name.to_owned()).or_insert_with(|| {
            groups.push(group(&mut anchors, name, ""));
            groups.len() - 1
        });
        groups[place].entries.push(head(&mut anchors, key, path, method, operation));
    }
    groups.retain(|group| !group.entries.is_empty());
    if let [only] = &mut groups[..]
        && only.name == "Other operations"
    {
        "Operations".clone_into(&mut only.name);
    }
    groups
}

fn group(anchors: &mut Anchors, name: &str, about: &str) -> Group {
    Group {
        name: name.to_owned(),
        anchor: anchors.take(&format!("tag-{name}")),
        about: about.to_owned(),
        entries: Vec::new(),
    }
}

fn head(anchors: &mut Anchors, root: &'static str, path: &str, method: &str, operation: &Map<String, Value>) -> Head {
    let text = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default();
    let (id, summary, description) = (text("operationId"), text("summary"), text("description"));
    let anchor = anchors.take(if id.is_empty() { format!("{method}-{path}") } else { id.to_owned() }.as_str());
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let names = parameters.into_iter().flatten().filter_map(|parameter| parameter.get("name")?.as_str());
    let mut texts = vec![method, path, id, summary, description];
    texts.extend(names);
    Head {
        anchor,
        badge: method.to_uppercase(),
        hue: hue(method),
        name: path.to_owned(),
        summary: if summary.is_empty() { first_line(description) } else { first_line(summary) },
        deprecated: operation.get("deprecated").and_then(Value::as_bool) == Some(true),
        words: words(&texts),
        key: Key::Operation { root, path: path.to_owned(), method: method.to_owned() },
    }
}

fn hue(method: &str) -> &'static str {
    match method {
        "get" | "head" | "query" => "blue",
        "post" => "green",
        "put" | "patch" => "amber",
        "delete" => "red",
        _ => "grey",
    }
}
