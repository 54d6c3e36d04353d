//! What every format is read into.

use std::collections::HashSet;

/// What a definition is written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Format {
    /// With the version it says.
    OpenApi(String),
    /// With the version it says.
    AsyncApi(String),
    /// The schema language of GraphQL.
    GraphQl,
    /// With its syntax or edition.
    Protobuf(String),
}

impl Format {
    /// What people call it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::OpenApi(version) if version.starts_with('2') => format!("Swagger {version}"),
            Self::OpenApi(version) => format!("OpenAPI {version}"),
            Self::AsyncApi(version) => format!("AsyncAPI {version}"),
            Self::GraphQl => "GraphQL".to_owned(),
            Self::Protobuf(syntax) => format!("gRPC ({syntax})"),
        }
    }

    /// What one entry is called, and many.
    pub(crate) fn entries(&self) -> (&'static str, &'static str) {
        match self {
            Self::OpenApi(_) | Self::AsyncApi(_) => ("operation", "operations"),
            Self::GraphQl => ("definition", "definitions"),
            Self::Protobuf(_) => ("item", "items"),
        }
    }
}

/// What is wrong with a definition, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What is wrong.
    pub(crate) message: String,
    /// Line and column, from 1, where they are known.
    pub(crate) place: Option<(u32, u32)>,
}

impl Problem {
    /// Something about the whole text.
    pub(super) fn whole(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None }
    }

    /// Something at a byte of the text.
    pub(super) fn at(text: &str, byte: usize, message: impl Into<String>) -> Self {
        let end = (0..=byte.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let before = &text[..end];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        let short = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { message: message.into(), place: Some((short(line), short(column))) }
    }
}

/// What a definition says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Info {
    /// Its own title.
    pub(crate) title: String,
    /// Its own version.
    pub(crate) version: String,
    /// Markdown.
    pub(crate) about: String,
    /// Contact, licence, terms: label, text, and where it leads.
    pub(crate) facts: Vec<(&'static str, String, Option<String>)>,
    /// Where it is answered.
    pub(crate) servers: Vec<Server>,
    /// How callers show who they are.
    pub(crate) schemes: Vec<Scheme>,
}

/// Where an API is answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Server {
    /// The address, with its variables replaced by what they are by default.
    pub(crate) url: String,
    /// What it is for.
    pub(crate) about: String,
    /// Protocol and the like.
    pub(crate) facts: Vec<String>,
}

/// A way to show who is calling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scheme {
    /// What operations call it.
    pub(crate) name: String,
    /// In words: `Bearer token (JWT)`.
    pub(crate) kind: String,
    /// Markdown.
    pub(crate) about: String,
    /// Scopes with what they allow.
    pub(crate) scopes: Vec<(String, String)>,
}

/// Entries that belong together: a tag, a channel, a kind of type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// What it is called.
    pub(crate) name: String,
    /// Its place on a page.
    pub(crate) anchor: String,
    /// Markdown.
    pub(crate) about: String,
    /// What belongs to it.
    pub(crate) entries: Vec<Head>,
}

/// The first line of an entry, and what it is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its place on a page, its own in the whole definition.
    pub(crate) anchor: String,
    /// `GET`, `SEND`, `rpc`, `enum`.
    pub(crate) badge: String,
    /// A hue of the design.
    pub(crate) hue: &'static str,
    /// Path, channel or name.
    pub(crate) name: String,
    /// One line.
    pub(crate) summary: String,
    /// Whether callers should stop using it.
    pub(crate) deprecated: bool,
    /// What it is found by, in lower case.
    pub(crate) words: String,
    pub(super) key: Key,
}

/// How the rest of an entry is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// `paths` or `webhooks`, the path in it and the method there.
    Operation {
        root: &'static str,
        path: String,
        method: String,
    },
    Message {
        channel: String,
        operation: String,
    },
    Made(usize),
}

/// The rest of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Detail {
    /// Markdown.
    pub(crate) about: String,
    /// Short facts: `operationId`, who may call. Label and text.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// What goes in and comes out.
    pub(crate) sections: Vec<Section>,
    /// A command that calls it.
    pub(crate) snippet: Option<String>,
}

/// Whose values a section describes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Callers send them.
    In,
    /// Callers get them.
    Out,
    /// Both, or neither.
    #[default]
    Both,
}

/// A part of an entry: parameters, a body, an answer, the fields of a type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Section {
    /// What it is.
    pub(crate) title: String,
    /// What kind of value: `application/json`, `array of Pet`.
    pub(crate) note: String,
    /// Whose values these are.
    pub(crate) direction: Direction,
    /// Whether it must be given at all.
    pub(crate) required: bool,
    /// Markdown.
    pub(crate) about: String,
    /// What it is made of.
    pub(crate) fields: Vec<Field>,
    /// A value of it.
    pub(crate) example: Option<String>,
    /// A hue of the design, for answers that are errors.
    pub(crate) hue: &'static str,
    /// Whether another entry says the same of the fields.
    pub(crate) is_repeated: bool,
}

/// A named value, and what it is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Field {
    /// What it is called; an alternative has the name of its type.
    pub(crate) name: String,
    /// What it is: `string`, `array of Pet or null`.
    pub(crate) kind: String,
    /// Whether it must be given.
    pub(crate) required: bool,
    /// Whether callers should stop using it.
    pub(crate) deprecated: bool,
    /// Plain text, with code in backticks.
    pub(crate) about: String,
    /// All values it may have.
    pub(crate) values: Vec<String>,
    /// Rules and remarks.
    pub(crate) facts: Vec<Fact>,
    /// What it is made of.
    pub(crate) children: Vec<Field>,
    /// Whether it is one of several that may stand here.
    pub(crate) is_alternative: bool,
    /// Why there is no more to see.
    pub(crate) more: More,
    /// The anchor of the entry that says more.
    pub(crate) link: Option<String>,
    /// Whose value it is, where that is not what the section says.
    pub(crate) direction: Option<Direction>,
}

/// A rule or remark of a field: `at most` `99`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    /// Which rule.
    pub(crate) rule: &'static str,
    /// Its value; may be empty.
    pub(crate) value: String,
}

/// Why a tree ends where it does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum More {
    /// There is no more.
    #[default]
    Nothing,
    /// It is made of itself.
    Itself,
    /// Depth or size reached their limit.
    Cut,
}

/// Gives each entry and group an anchor of its own.
#[derive(Debug, Default)]
pub(super) struct Anchors(HashSet<String>);

impl Anchors {
    /// An anchor like some words, that nobody has yet.
    pub(super) fn take(&mut self, words: &str) -> String {
        let mut anchor = String::new();
        for letter in words.chars().take(120) {
            if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.') {
                anchor.push(letter);
            } else if !anchor.is_empty() && !anchor.ends_with('-') {
                anchor.push('-');
            }
        }
        let anchor = anchor.trim_matches('-');
        let anchor = if anchor.is_empty() { "entry" } else { anchor };
        let mut taken = anchor.to_owned();
        let mut number = 2;
        while !self.0.insert(taken.clone()) {
            taken = format!("{anchor}-{number}");
            number += 1;
        }
        taken
    }
}

/// A text's first line without Markdown's marks, as a summary.
pub(super) fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line = line.trim_start_matches('#').trim();
    match line.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

/// Texts in one line of lower case, to be searched.
pub(super) fn words(texts: &[&str]) -> String {
    texts.iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>().join(" ").to_lowercase()
}
