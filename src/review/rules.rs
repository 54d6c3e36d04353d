//! What documents of files are checked with: the catalog's validation, and the linting of templates.

use std::path::Path;

use serde_json::Value;

use super::finding::{Finding, Severity};
use crate::catalog::{self, LocationRef, Reader};
use crate::entity::{self, Entity, Model, ValidationError};
use crate::scaffolder::{self, ActionRegistry, Care, Rule};
use crate::yaml::{Document, YamlError};

/// What documents are checked with. Placeholders are read as the portal would read them.
pub(crate) struct Rules {
    actions: ActionRegistry,
    model: Model,
    reader: Reader,
}

impl Rules {
    /// Those of a portal with these actions and kinds.
    pub(crate) fn new(actions: ActionRegistry, model: Model, reader: Reader) -> Self {
        Self { actions, model, reader }
    }

    /// What is wrong with one document of the file at `location`, named `file` in what is found. Every kind is checked
    /// as an entity; templates are linted besides.
    pub(crate) async fn check_at(
        &self,
        document: Result<Document, YamlError>,
        text: &str,
        file: &Path,
        location: &LocationRef,
        care: Care,
    ) -> Vec<Finding> {
        let Document { value, positions } = match document {
            Ok(document) => document,
            Err(error) => return unreadable(file, &error, text, care),
        };
        if value.is_null() {
            return Vec::new();
        }
        let entity = match self.entity_at(value, location).await {
            Ok(entity) => entity,
            Err(error) => return vec![Finding::of_entity(file, &error, &positions)],
        };
        let checked = entity::check(&self.model, &entity);
        let mut found: Vec<Finding> =
            checked.err().iter().map(|error| Finding::of_entity(file, error, &positions)).collect();
        if entity.kind() == "Template" {
            let template = scaffolder::lint(&entity, positions, text, &self.actions, care);
            let told = |problem, severity| Finding::of_template(file, problem, severity);
            found.extend(template.problems.iter().map(|problem| told(problem, Severity::Error)));
            found.extend(template.notes.iter().map(|note| told(note, Severity::Warning)));
        }
        found
    }

    /// The entity of a document, with its placeholders replaced.
    pub(crate) async fn entity_at(&self, value: Value, location: &LocationRef) -> Result<Entity, ValidationError> {
        catalog::fill(&self.reader, entity::check_envelope(value)?, location).await
    }
}

fn unreadable(file: &Path, error: &YamlError, text: &str, care: Care) -> Vec<Finding> {
    let mut finding = Finding::unreadable(file, error);
    if care == Care::Author
        && let Some(hint) = scaffolder::quoting_hint(text, error.position)
    {
        finding.rule = Some(Rule::UnquotedExpression);
        finding.message = format!("{}; {hint}", finding.message);
    }
    vec![finding]
}
