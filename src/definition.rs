//! API definitions, read for people: OpenAPI, AsyncAPI, GraphQL and protobuf become one readable model.
//!
//! [`Definition::read`] takes a text and what its owner calls the format. What it gives has *groups* of *entries* (an
//! operation, a channel's action, a type, an rpc). Their heads are made at once, so a list of a thousand is cheap; the
//! rest of an entry, [`Definition::detail`], is made when a page asks for it, within limits. An entry's parts are
//! *sections* with a *direction* (what a caller sends, what it gets) that hold *fields*, trees of what a value is made
//! of. Because every format has the same model, one template shows them and [`compare()`] tells two versions apart.
//!
//! Everything here is pure: text in, values out. References are followed inside the text only; cycles end, and depth and
//! size are bounded. What is wrong with a text is an answer with its place ([`Problem`]).
//!
//! Formats: <https://spec.openapis.org/oas/>, <https://www.asyncapi.com/docs/reference/specification/>,
//! <https://spec.graphql.org/>, <https://protobuf.dev/reference/protobuf/proto3-spec/>.

mod asyncapi;
mod compare;
mod graphql;
mod model;
mod openapi;
mod protobuf;
mod sample;
mod schema;
mod source;

pub(crate) use compare::{Change, Comparison, Impact, compare};
pub(crate) use model::{Detail, Field, Format, Group, Head, Info, More, Problem, Scheme, Section};

use serde_json::Value;

use self::model::Key;
use crate::yaml::Positions;

/// A definition that could be read, at least in part.
#[derive(Debug)]
pub(crate) struct Definition {
    /// What it is written in.
    pub(crate) format: Format,
    /// What it says about itself.
    pub(crate) info: Info,
    /// Its entries, in its own order.
    pub(crate) groups: Vec<Group>,
    /// What is wrong in it, though it can be read.
    pub(crate) problems: Vec<Problem>,
    contents: Contents,
}

/// Where the rest of an entry comes from.
#[derive(Debug)]
enum Contents {
    /// A tree, out of which sections are made when they are asked for.
    OpenApi(Value),
    /// The same.
    AsyncApi(Value),
    /// Sections that were made at once, by number.
    Made(Vec<Detail>),
}

/// A text taken apart: its tree, and where its nodes stand as far as that is known.
#[derive(Debug)]
struct Tree {
    value: Value,
    positions: Option<Positions>,
}

impl Definition {
    /// Reads a definition. `declared` is `spec.type` of its API; what the text says of itself counts more.
    pub(crate) fn read(declared: &str, text: &str) -> Result<Self, Problem> {
        match source::Kind::of(declared, text) {
            source::Kind::Tree => {
                let tree = source::tree(text)?;
                if let Some(version) = source::version(&tree.value, "asyncapi") {
                    return asyncapi::read(tree, &version);
                }
                let openapi =
                    source::version(&tree.value, "openapi").or_else(|| source::version(&tree.value, "swagger"));
                match openapi {
                    Some(version) => openapi::read(tree, &version),
                    None => Err(Problem::whole(
                        "this is neither OpenAPI nor AsyncAPI: `openapi`, `swagger` or `asyncapi` should say its version",
                    )),
                }
            }
            source::Kind::GraphQl => graphql::read(text),
            source::Kind::Protobuf => protobuf::read(text),
            source::Kind::Text => Err(Problem::whole("this format is shown as text")),
        }
    }

    /// Whether a type of API is one that can be read.
    pub(crate) fn is_known(declared: &str, text: &str) -> bool {
        source::Kind::of(declared, text) != source::Kind::Text
    }

    /// The rest of an entry.
    pub(crate) fn detail(&self, head: &Head) -> Detail {
        match (&self.contents, &head.key) {
            (Contents::OpenApi(tree), Key::Operation { root, path, method }) => {
                openapi::detail(tree, [root, path, method])
            }
            (Contents::AsyncApi(root), Key::Message { channel, operation }) => {
                asyncapi::detail(root, channel, operation)
            }
            (Contents::Made(made), Key::Made(number)) => made.get(*number).cloned().unwrap_or_default(),
            _ => Detail::default(),
        }
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.groups.iter().map(|group| group.entries.len()).sum()
    }

    /// The entry with an anchor, and its group.
    pub(crate) fn find(&self, anchor: &str) -> Option<(&Group, &Head)> {
        self.groups.iter().find_map(|group| Some((group, group.entries.iter().find(|head| head.anchor == anchor)?)))
    }

    /// The definition as JSON, for tools that want a tree; none of formats that have none.
    pub(crate) fn tree(&self) -> Option<&Value> {
        match &self.contents {
            Contents::OpenApi(root) | Contents::AsyncApi(root) => Some(root),
            Contents::Made(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
