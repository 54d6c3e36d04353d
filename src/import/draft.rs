//! The first descriptor of a repository: what it says before somebody changes it, and what it must be.

use serde::Serialize;

use super::{ImportError, LARGEST};
use crate::entity::{self, EntityRef};
use crate::forge::{Forge, Repository, RepositoryId};
use crate::pipeline::PROJECT_SLUG;
use crate::yaml;

/// Lifecycles that are offered.
pub(crate) const LIFECYCLES: [&str; 3] = ["production", "experimental", "deprecated"];
/// Letters of a name.
const LONGEST_NAME: usize = 63;

/// What is the same for every repository of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answers {
    /// Who owns the components.
    pub(crate) owner: EntityRef,
    /// `production`, …
    pub(crate) lifecycle: String,
    /// `service`, …
    pub(crate) component_type: String,
}

/// A descriptor to propose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    /// The forge.
    pub(crate) host: String,
    /// The repository it is for.
    pub(crate) repository: RepositoryId,
    /// The descriptor.
    pub(crate) text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    spec: Spec<'a>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<std::collections::BTreeMap<&'static str, String>>,
}

#[derive(Serialize)]
struct Spec<'a> {
    #[serde(rename = "type")]
    component_type: &'a str,
    lifecycle: &'a str,
    owner: String,
}

impl Draft {
    /// The descriptor of a repository, with what it says of itself.
    pub(crate) fn new(forge: &dyn Forge, repository: &Repository, answers: &Answers) -> Result<Self, ImportError> {
        let slug = forge.github().map(|_| [(PROJECT_SLUG, repository.id.to_string())].into());
        let descriptor = Descriptor {
            api_version: "backstage.io/v1alpha1",
            kind: "Component",
            metadata: Metadata {
                name: entity_name(repository.id.name()),
                description: repository.description.trim(),
                annotations: slug,
            },
            spec: Spec {
                component_type: answers.component_type.trim(),
                lifecycle: answers.lifecycle.trim(),
                owner: answers.owner.short(Some("group")),
            },
        };
        let text = serde_yaml::to_string(&descriptor).map_err(|error| ImportError::Invalid(error.to_string()))?;
        Ok(Self { host: forge.host().to_owned(), repository: repository.id.clone(), text })
    }
}

/// A repository's name as an entity can have it.
fn entity_name(name: &str) -> String {
    let kept: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_') { letter } else { '-' })
        .collect();
    let kept = kept.trim_matches(['-', '.', '_']);
    let cut: String = kept.chars().take(LONGEST_NAME).collect();
    let cut = cut.trim_end_matches(['-', '.', '_']);
    if cut.is_empty() { "component".to_owned() } else { cut.to_owned() }
}

/// Whether a text is a descriptor: entities, and nothing else.
pub(super) fn check(repository: &RepositoryId, text: &str) -> Result<(), ImportError> {
    let wrong = |reason: String| Err(ImportError::Invalid(format!("the descriptor of {repository} {reason}")));
    if text.len() > LARGEST {
        return wrong(format!("has {} bytes; {LARGEST} are taken at most", text.len()));
    }
    let documents = yaml::documents(text);
    if documents.is_empty() {
        return wrong("is empty; write an entity".to_owned());
    }
    for document in documents {
        let document = match document {
            Ok(document) => document,
            Err(error) => {
                return wrong(format!("is no YAML: line {}, {}", error.position.line, error.message));
            }
        };
        let positions = document.positions;
        let checked = entity::check_envelope(document.value);
        if let Err(error) = checked {
            return wrong(format!("is no entity: line {}, {error}", positions.nearest(&error.pointer).line));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fit_for_an_entity() {
        let long = "a".repeat(80);
        let cases = [("api", "api"), ("my.api_v2", "my.api_v2"), ("--x y--", "x-y"), ("...", "component")];
        for (name, expected) in cases.into_iter().chain([(long.as_str(), &long[..63])]) {
            assert_eq!(entity_name(name), expected);
        }
    }

    #[test]
    fn only_entities_are_proposed() {
        let id: RepositoryId = "acme/api".parse().unwrap();
        let good = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: api\nspec: {}\n";
        assert!(check(&id, good).is_ok());
        let told = |text: &str| check(&id, text).unwrap_err().to_string();
        assert_eq!(told(""), "the descriptor of acme/api is empty; write an entity");
        assert!(told("a: [").starts_with("the descriptor of acme/api is no YAML: line 1, "), "{}", told("a: ["));
        let unnamed = "apiVersion: v1\nkind: X\nmetadata: {}\n";
        assert!(told(unnamed).starts_with("the descriptor of acme/api is no entity: line 3, "), "{}", told(unnamed));
    }
}
