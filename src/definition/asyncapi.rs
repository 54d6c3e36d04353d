//! AsyncAPI 2 and 3: what is sent and received, by channel.

use serde_json::Value;

use super::model::{
    Anchors, Detail, Direction, Field, Format, Group, Head, Key, Scheme, Section, Server, first_line, words,
};
use super::openapi::{checks, pretty, said, scheme_of, text};
use super::schema::{Schemas, followed, shown};
use super::{Contents, Definition, Problem, Tree};

/// Fields of one operation, all messages together.
const FIELDS: usize = 1000;

/// More operations than this are not read.
const OPERATIONS: usize = 10_000;

/// Reads a tree that says it is AsyncAPI.
pub(super) fn read(tree: Tree, version: &str) -> Result<Definition, Problem> {
    let root = &tree.value;
    if !["channels", "operations", "components"].iter().any(|key| root.get(key).is_some_and(Value::is_object)) {
        return Err(Problem::whole("the definition has no `channels`"));
    }
    let groups = if root.get("operations").is_some() { operations(root) } else { channels(root) };
    let mut problems = Vec::new();
    checks::references(&tree, &mut problems);
    let mut info = said(root);
    info.servers =
        entries(root, "servers").map(|(name, server)| served(name, followed(root, server))).take(50).collect();
    info.schemes = schemes(root);
    Ok(Definition {
        format: Format::AsyncApi(version.to_owned()),
        info,
        groups,
        problems,
        contents: Contents::AsyncApi(tree.value),
    })
}

fn entries<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten()
}

fn served(name: &str, server: &Value) -> Server {
    let (url, host) = (text(server, "url"), text(server, "host"));
    let mut facts = vec![name.to_owned()];
    let protocol = [text(server, "protocol"), text(server, "protocolVersion")];
    facts.push(protocol.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" "));
    facts.extend(entries(server, "bindings").map(|(name, binding)| bound(name, binding)));
    facts.retain(|fact| !fact.is_empty());
    let mut url = if url.is_empty() { format!("{host}{}", text(server, "pathname")) } else { url.to_owned() };
    for (name, variable) in entries(server, "variables") {
        url = url.replace(&format!("{{{name}}}"), text(variable, "default"));
    }
    let about = [text(server, "description"), text(server, "summary")].into_iter().find(|text| !text.is_empty());
    Server { url, about: about.unwrap_or_default().to_owned(), facts }
}

/// A binding in one line: `kafka: partitions 12, replicas 3`.
fn bound(name: &str, binding: &Value) -> String {
    let fact = |(key, value): (&String, &Value)| match value {
        Value::Object(_) | Value::Array(_) => key.clone(),
        other => format!("{key} {}", shown(other)),
    };
    let facts: Vec<String> = binding.as_object().into_iter().flatten().map(fact).collect();
    if facts.is_empty() { name.to_owned() } else { format!("{name}: {}", facts.join(", ")) }
}

fn schemes(root: &Value) -> Vec<Scheme> {
    let components = root.get("components").unwrap_or(&Value::Null);
    entries(components, "securitySchemes")
        .map(|(name, scheme)| scheme_of(name, followed(root, scheme)))
        .take(100)
        .collect()
}

/// AsyncAPI 3: operations by the channel they use; channels that none uses are told, too.
fn operations(root: &Value) -> Vec<Group> {
    let mut anchors = Anchors::default();
    let mut groups: Vec<(String, Group)> = Vec::new();
    for (id, channel) in entries(root, "channels").take(OPERATIONS) {
        let channel = followed(root, channel);
        groups.push((id.clone(), channel_group(&mut anchors, address(id, channel), channel)));
    }
    for (id, operation) in entries(root, "operations").take(OPERATIONS) {
        let operation = followed(root, operation);
        let target = operation.get("channel").map(|channel| text(channel, "$ref")).unwrap_or_default();
        let channel = target.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
        let place = groups.iter().position(|(known, _)| *known == channel).unwrap_or_else(|| {
            groups.push((channel.clone(), channel_group(&mut anchors, &channel, &Value::Null)));
            groups.len() - 1
        });
        let badge = match text(operation, "action") {
            "" => "USE",
            action => action,
        };
        let head = head(&mut anchors, &channel, id, badge, id, operation);
        groups[place].1.entries.push(head);
    }
    for (id, group) in &mut groups {
        if group.entries.is_empty() {
            let channel =
                root.get("channels").and_then(|all| all.get(&*id)).map_or(&Value::Null, |one| followed(root, one));
            let name = group.name.clone();
            group.entries.push(head(&mut anchors, id, "", "channel", &name, channel));
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// AsyncAPI 2: channels with what may be published to and subscribed from them.
fn channels(root: &Value) -> Vec<Group> {
    let mut anchors = Anchors::default();
    let mut groups = Vec::new();
    for (name, channel) in entries(root, "channels").take(OPERATIONS) {
        let channel = followed(root, channel);
        let mut group = channel_group(&mut anchors, name, channel);
        for action in ["subscribe", "publish"] {
            if let Some(operation) = channel.get(action) {
                group.entries.push(head(&mut anchors, name, action, action, name, operation));
            }
        }
        if group.entries.is_empty() {
            group.entries.push(head(&mut anchors, name, "", "channel", name, channel));
        }
        groups.push(group);
    }
    groups
}

fn address<'a>(id: &'a str, channel: &'a Value) -> &'a str {
    let address = text(channel, "address");
    if address.is_empty() { id } else { address }
}

fn channel_group(anchors: &mut Anchors, name: &str, channel: &Value) -> Group {
    let texts = [text(channel, "summary"), text(channel, "description")];
    Group {
        name: name.to_owned(),
        anchor: anchors.take(&format!("channel-{name}")),
        about: texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n"),
        entries: Vec::new(),
    }
}

fn head(anchors: &mut Anchors, channel: &str, key: &str, badge: &str, name: &str, operation: &Value) -> Head {
    let id = text(operation, "operationId");
    let (title, summary, about) =
        (text(operation, "title"), text(operation, "summary"), text(operation, "description"));
    let line = [summary, title, about].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    let shown = if id.is_empty() { name } else { id };
    Head {
        anchor: anchors.take(&if id.is_empty() && key != name { format!("{badge}-{name}") } else { shown.to_owned() }),
        badge: badge.to_uppercase(),
        hue: match badge {
            "send" | "subscribe" => "blue",
            "receive" | "publish" => "green",
            _ => "grey",
        },
        name: shown.to_owned(),
        summary: first_line(line),
        deprecated: operation.get("deprecated").and_then(Value::as_bool) == Some(true),
        words: words(&[badge, channel, key, shown, title, summary, about]),
        key: Key::Message { channel: channel.to_owned(), operation: key.to_owned() },
    }
}

/// An operation with its channel and messages.
pub(super) fn detail(root: &Value, channel_id: &str, operation_id: &str) -> Detail {
    let channel =
        root.get("channels").and_then(|all| all.get(channel_id)).map_or(&Value::Null, |one| followed(root, one));
    let is_third = root.get("operations").is_some();
    let operation = if is_third {
        root.get("operations").and_then(|all| all.get(operation_id)).map(|one| followed(root, one))
    } else {
        channel.get(operation_id)
    };
    let operation = operation.unwrap_or(&Value::Null);
    let direction = match (text(operation, "action"), operation_id) {
        ("send", _) | (_, "subscribe") => Direction::Out,
        ("receive", _) | (_, "publish") => Direction::In,
        _ => Direction::Both,
    };
    let schemas = Schemas::new(root, FIELDS);
    schemas.face(direction);
    let mut sections: Vec<Section> = parameters(root, channel).into_iter().collect();
    for (name, message) in messages(root, channel, operation, is_third) {
        sections.extend(message_sections(root, &schemas, &name, message, direction));
    }
    if let Some(reply) = operation.get("reply").map(|reply| followed(root, reply)) {
        let channel = reply.get("channel").map_or(&Value::Null, |one| followed(root, one));
        schemas.face(Direction::Both);
        for (name, message) in messages(root, channel, reply, true) {
            let replies = message_sections(root, &schemas, &name, message, Direction::Both);
            sections.extend(
                replies.into_iter().map(|section| Section { title: format!("Reply: {}", section.title), ..section }),
            );
        }
    }
    Detail {
        about: text(operation, "description").to_owned(),
        facts: facts(root, channel, channel_id, operation),
        sections,
        snippet: None,
    }
}

fn facts(root: &Value, channel: &Value, channel_id: &str, operation: &Value) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let address = address(channel_id, channel);
    if !address.is_empty() {
        facts.push(("Address", address.to_owned()));
    }
    let servers = channel.get("servers").and_then(Value::as_array).into_iter().flatten();
    let names: Vec<&str> = servers
        .filter_map(|server| server.as_str().or_else(|| text(server, "$ref").rsplit('/').next()))
        .filter(|name| !name.is_empty())
        .collect();
    if !names.is_empty() {
        facts.push(("Servers", names.join(", ")));
    }
    for place in [channel, operation] {
        let bindings = place.get("bindings").map_or(&Value::Null, |bindings| followed(root, bindings));
        for (name, binding) in bindings.as_object().into_iter().flatten() {
            facts.push(("Binding", bound(name, binding)));
        }
    }
    facts
}

fn parameters(root: &Value, channel: &Value) -> Option<Section> {
    let field = |(name, parameter): (&String, &Value)| {
        let parameter = followed(root, parameter);
        let schema = parameter.get("schema").map_or(parameter, |schema| followed(root, schema));
        let values = schema.get("enum").and_then(Value::as_array).into_iter().flatten().map(shown).collect();
        let kind = text(schema, "type");
        Field {
            name: name.clone(),
            kind: if kind.is_empty() { "string".to_owned() } else { kind.to_owned() },
            required: true,
            about: text(parameter, "description").to_owned(),
            values,
            ..Field::default()
        }
    };
    let fields: Vec<Field> = entries(channel, "parameters").map(field).collect();
    (!fields.is_empty()).then(|| Section {
        title: "Parameters of the address".to_owned(),
        fields,
        ..Section::default()
    })
}

/// The messages of an operation with their names; those of its channel where it names none.
fn messages<'a>(root: &'a Value, channel: &'a Value, operation: &'a Value, is_third: bool) -> Vec<(String, &'a Value)> {
    if is_third {
        let named = operation.get("messages").and_then(Value::as_array);
        if let Some(named) = named {
            let found = named.iter().map(|message| {
                let name = text(message, "$ref").rsplit('/').next().unwrap_or_default();
                (name.to_owned(), followed(root, message))
            });
            return found.take(200).collect();
        }
        return entries(channel, "messages")
            .map(|(name, message)| (name.clone(), followed(root, message)))
            .take(200)
            .collect();
    }
    let Some(message) = operation.get("message") else { return Vec::new() };
    let one = |message: &'a Value| {
        let name = text(message, "$ref").rsplit('/').next().unwrap_or_default().to_owned();
        (name, followed(root, message))
    };
    let (_, whole) = one(message);
    match whole.get("oneOf").and_then(Value::as_array) {
        Some(many) => many.iter().map(one).take(200).collect(),
        None => vec![one(message)],
    }
}

fn message_sections<'a>(
    root: &'a Value,
    schemas: &Schemas<'a>,
    name: &str,
    message: &'a Value,
    direction: Direction,
) -> Vec<Section> {
    let title = [text(message, "title"), text(message, "name"), name].into_iter().find(|text| !text.is_empty());
    let title = title.unwrap_or("Message").to_owned();
    let payload = message.get("payload").map(|payload| payload.get("schema").unwrap_or(payload));
    let (kind, fields) = payload.map_or_else(Default::default, |payload| schemas.body(payload));
    let content =
        [text(message, "contentType"), text(root, "defaultContentType")].into_iter().find(|text| !text.is_empty());
    let bindings = message.get("bindings").and_then(Value::as_object).into_iter().flatten();
    let mut notes = vec![content.unwrap_or_default().to_owned(), kind];
    notes.extend(bindings.map(|(name, binding)| bound(name, binding)));
    notes.retain(|note| !note.is_empty());
    let about = [text(message, "summary"), text(message, "description")];
    let example = message.get("examples").and_then(Value::as_array).and_then(|all| all.first());
    let example = example.map(|example| example.get("payload").unwrap_or(example)).map(pretty);
    let hue = if message.get("deprecated").and_then(Value::as_bool) == Some(true) { "amber" } else { "" };
    let mut sections = vec![Section {
        title: title.clone(),
        note: notes.join(" · "),
        direction,
        about: about.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n"),
        fields,
        example,
        hue,
        ..Section::default()
    }];
    if let Some(headers) = message.get("headers") {
        let (_, fields) = schemas.body(headers);
        if !fields.is_empty() {
            sections.push(Section { title: format!("Headers of {title}"), direction, fields, ..Section::default() });
        }
    }
    sections
}
