//! GraphQL's schema language: queries, mutations, subscriptions and types.

mod declared;

use std::collections::HashMap;

use apollo_parser::Parser;

use self::declared::{Kind, Type, collect};
use super::model::{
    Anchors, Detail, Direction, Fact, Field, Format, Group, Head, Info, Key, Section, first_line, words,
};
use super::{Contents, Definition, Problem};

/// Larger texts are not taken apart.
const LARGEST: usize = 16 * 1024 * 1024;
/// Far above what any schema nests.
const NESTING: usize = 128;

/// Reads a schema.
pub(super) fn read(text: &str) -> Result<Definition, Problem> {
    if text.len() > LARGEST {
        return Err(Problem::whole(format!("the schema has {} bytes, at most {LARGEST} are read", text.len())));
    }
    let tree = Parser::new(text).recursion_limit(NESTING).token_limit(4_000_000).parse();
    if let Some(error) = tree.errors().next() {
        return Err(Problem::at(text, error.index(), error.message()));
    }
    let schema = collect(&tree.document());
    if schema.types.is_empty() {
        return Err(Problem::whole("the schema defines nothing"));
    }
    let mut made = Vec::new();
    let mut anchors = Anchors::default();
    let mut builder = Builder { anchors: &mut anchors, made: &mut made, links: HashMap::new() };
    // Types first, so that whatever names one can link to it.
    for found in &schema.types {
        if !schema.roots.iter().any(|(_, name)| *name == found.name) {
            let anchor = builder.anchors.take(&found.name);
            builder.links.insert(found.name.clone(), anchor);
        }
    }
    let mut groups = Vec::new();
    for (operation, root) in &schema.roots {
        if let Some(found) = schema.types.iter().find(|found| found.name == *root && found.kind == Kind::Object) {
            groups.push(builder.operations(operation, found));
        }
    }
    for (kind, title, badge, hue) in KINDS {
        let of_kind = schema.types.iter().filter(|found| found.kind == *kind);
        let entries: Vec<Head> = of_kind
            .filter(|found| !schema.roots.iter().any(|(_, name)| *name == found.name))
            .map(|found| builder.entry(found, badge, hue))
            .collect();
        if !entries.is_empty() {
            let anchor = builder.anchors.take(&format!("kind-{title}"));
            groups.push(Group { name: (*title).to_owned(), anchor, about: String::new(), entries });
        }
    }
    Ok(Definition {
        format: Format::GraphQl,
        info: Info { about: schema.about, ..Info::default() },
        groups,
        problems: Vec::new(),
        contents: Contents::Made(made),
    })
}

/// Kinds of types in the order they are shown: heading, badge, hue.
const KINDS: &[(Kind, &str, &str, &str)] = &[
    (Kind::Object, "Objects", "type", "teal"),
    (Kind::Interface, "Interfaces", "interface", "violet"),
    (Kind::Union, "Unions", "union", "violet"),
    (Kind::Input, "Inputs", "input", "amber"),
    (Kind::Enum, "Enumerations", "enum", "plum"),
    (Kind::Scalar, "Scalars", "scalar", "grey"),
    (Kind::Directive, "Directives", "directive", "grey"),
];

struct Builder<'a> {
    anchors: &'a mut Anchors,
    made: &'a mut Vec<Detail>,
    /// The anchor of each type.
    links: HashMap<String, String>,
}

impl Builder<'_> {
    /// The fields of a root type, each an operation.
    fn operations(&mut self, operation: &str, root: &Type) -> Group {
        let (title, hue) = match operation {
            "query" => ("Queries", "blue"),
            "mutation" => ("Mutations", "green"),
            _ => ("Subscriptions", "violet"),
        };
        let anchor = self.anchors.take(&format!("kind-{title}"));
        let entries = root.fields.iter().map(|field| self.operation(operation, hue, field)).collect();
        Group { name: title.to_owned(), anchor, about: root.about.clone(), entries }
    }

    fn operation(&mut self, operation: &str, hue: &'static str, field: &declared::Member) -> Head {
        let arguments: Vec<Field> = field.arguments.iter().map(|argument| self.input(argument)).collect();
        let mut sections = Vec::new();
        if !arguments.is_empty() {
            let title = "Arguments".to_owned();
            sections.push(Section { title, direction: Direction::In, fields: arguments, ..Section::default() });
        }
        let returned = Field {
            link: self.link(&field.kind),
            name: "(result)".to_owned(),
            kind: field.kind.clone(),
            ..Field::default()
        };
        let title = "Returns".to_owned();
        sections.push(Section { title, direction: Direction::Out, fields: vec![returned], ..Section::default() });
        let names: Vec<&str> = field.arguments.iter().map(|argument| argument.name.as_str()).collect();
        let detail = Detail {
            about: field.about.clone(),
            facts: field.deprecated.iter().filter(|why| !why.is_empty()).map(|why| ("Instead", why.clone())).collect(),
            sections,
            snippet: Some(call(operation, field)),
        };
        let mut texts = vec![operation, field.name.as_str(), field.kind.as_str(), field.about.as_str()];
        texts.extend(&names);
        let words = words(&texts);
        Head {
            anchor: self.anchors.take(&format!("{operation}-{}", field.name)),
            badge: operation.to_uppercase(),
            hue,
            name: field.name.clone(),
            summary: first_line(&field.about),
            deprecated: field.deprecated.is_some(),
            words,
            key: self.keep(detail),
        }
    }

    fn entry(&mut self, found: &Type, badge: &str, hue: &'static str) -> Head {
        let direction = match found.kind {
            Kind::Input | Kind::Directive => Direction::In,
            Kind::Object | Kind::Interface | Kind::Union => Direction::Out,
            Kind::Enum | Kind::Scalar => Direction::Both,
        };
        let fields: Vec<Field> = found.fields.iter().map(|field| self.field(found, field)).collect();
        let title = match found.kind {
            Kind::Enum => "Values",
            Kind::Union => "One of",
            Kind::Directive => "Arguments",
            _ => "Fields",
        };
        let mut sections = Vec::new();
        if !fields.is_empty() {
            sections.push(Section { title: title.to_owned(), direction, fields, ..Section::default() });
        }
        let implements = (!found.implements.is_empty()).then(|| ("Implements", found.implements.join(", ")));
        let places = (!found.places.is_empty()).then(|| ("Stands at", found.places.clone()));
        let detail = Detail {
            about: found.about.clone(),
            facts: implements.into_iter().chain(places).collect(),
            sections,
            snippet: None,
        };
        let mut texts = vec![badge, found.name.as_str(), found.about.as_str()];
        texts.extend(found.fields.iter().map(|field| field.name.as_str()));
        let words = words(&texts);
        let anchor = self.links.get(&found.name).cloned();
        let anchor = anchor.unwrap_or_else(|| self.anchors.take(&found.name));
        Head {
            anchor,
            badge: badge.to_owned(),
            hue,
            name: found.name.clone(),
            summary: first_line(&found.about),
            deprecated: false,
            words,
            key: self.keep(detail),
        }
    }

    fn field(&self, of: &Type, member: &declared::Member) -> Field {
        if of.kind == Kind::Input || of.kind == Kind::Directive {
            return self.input(member);
        }
        let children = member.arguments.iter().map(|argument| {
            let field = self.input(argument);
            Field { name: format!("({})", field.name), direction: Some(Direction::In), ..field }
        });
        Field {
            name: member.name.clone(),
            kind: member.kind.clone(),
            deprecated: member.deprecated.is_some(),
            about: member.about.clone(),
            facts: instead(member),
            children: children.collect(),
            link: self.link(if member.kind.is_empty() { &member.name } else { &member.kind }),
            ..Field::default()
        }
    }

    fn input(&self, member: &declared::Member) -> Field {
        let mut facts = instead(member);
        if let Some(default) = &member.default {
            facts.push(Fact { rule: "default", value: default.clone() });
        }
        Field {
            name: member.name.clone(),
            kind: member.kind.clone(),
            required: member.kind.ends_with('!') && member.default.is_none(),
            deprecated: member.deprecated.is_some(),
            about: member.about.clone(),
            facts,
            link: self.link(&member.kind),
            ..Field::default()
        }
    }

    /// The anchor of a type, without its marks.
    fn link(&self, kind: &str) -> Option<String> {
        self.links.get(kind.trim_matches(['[', ']', '!'])).cloned()
    }

    fn keep(&mut self, detail: Detail) -> Key {
        self.made.push(detail);
        Key::Made(self.made.len() - 1)
    }
}

fn instead(member: &declared::Member) -> Vec<Fact> {
    let why = member.deprecated.iter().filter(|why| !why.is_empty());
    why.map(|why| Fact { rule: "instead", value: why.clone() }).collect()
}

/// A document that asks for one field, to be filled in.
fn call(operation: &str, field: &declared::Member) -> String {
    let variables: Vec<String> = field
        .arguments
        .iter()
        .filter(|argument| argument.kind.ends_with('!'))
        .map(|argument| format!("${}: {}", argument.name, argument.kind))
        .collect();
    let passed: Vec<String> = field
        .arguments
        .iter()
        .filter(|argument| argument.kind.ends_with('!'))
        .map(|argument| format!("{0}: ${0}", argument.name))
        .collect();
    let brackets = |parts: &[String]| if parts.is_empty() { String::new() } else { format!("({})", parts.join(", ")) };
    format!(
        "{operation}{} {{\n  {}{} {{\n    __typename\n  }}\n}}",
        brackets(&variables),
        field.name,
        brackets(&passed)
    )
}
