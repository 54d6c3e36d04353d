//! From a text to a tree: which format it is, JSON or YAML, and where it breaks.

use serde_json::Value;

use super::Tree;
use super::model::Problem;
use crate::yaml;

/// Larger texts are not taken apart.
const LARGEST: usize = 32 * 1024 * 1024;

/// How a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// JSON or YAML.
    Tree,
    GraphQl,
    Protobuf,
    /// Not at all.
    Text,
}

impl Kind {
    /// By what its owner calls it; where that says nothing, by how it begins.
    pub(super) fn of(declared: &str, text: &str) -> Self {
        match declared.trim().to_ascii_lowercase().as_str() {
            "openapi" | "swagger" | "asyncapi" | "oas" => Self::Tree,
            "graphql" | "gql" => Self::GraphQl,
            "grpc" | "proto" | "protobuf" | "proto3" => Self::Protobuf,
            _ => Self::looks_like(text),
        }
    }

    fn looks_like(text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', '/']));
        let begins = lines.take(5).any(|line| {
            let key = line.trim_start_matches(['{', '"', '\'', ' ']);
            ["openapi", "asyncapi", "swagger"].iter().any(|name| {
                key.strip_prefix(name).is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
            })
        });
        if begins {
            Self::Tree
        } else if text.contains("syntax = \"proto") {
            Self::Protobuf
        } else {
            Self::Text
        }
    }
}

/// The tree of a text. YAML's reader knows places but takes less; JSON of any size is read by the other.
pub(super) fn tree(text: &str) -> Result<Tree, Problem> {
    if text.len() > LARGEST {
        return Err(Problem::whole(format!("the definition has {} bytes, at most {LARGEST} are read", text.len())));
    }
    let refused = if text.trim_start().starts_with('{') {
        match serde_json::from_str(text) {
            Ok(value) => return Ok(Tree { value, positions: None }),
            Err(error) => Some(json_problem(&error)),
        }
    } else {
        None
    };
    // What is no JSON may still be YAML in its short form.
    match yaml::large_document(text) {
        Some(Ok(document)) => Ok(Tree { value: document.value, positions: Some(document.positions) }),
        Some(Err(error)) => {
            let place = Some((error.position.line, error.position.column));
            Err(refused.unwrap_or(Problem { message: error.message, place }))
        }
        None => Err(Problem::whole("the definition is empty")),
    }
}

fn json_problem(error: &serde_json::Error) -> Problem {
    let short = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    Problem { message: message.to_owned(), place: Some((short(error.line()), short(error.column()))) }
}

/// The version that a tree says it has under a name.
pub(super) fn version(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::String(version) => Some(version.clone()),
        // YAML without quotes: `swagger: 2.0` is the number 2.
        Value::Number(number) => {
            let text = number.to_string();
            Some(if text.contains('.') { text } else { format!("{text}.0") })
        }
        _ => None,
    }
}
