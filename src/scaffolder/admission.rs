//! What must hold before anything is planned or run: a template without mistakes, and answers that keep its rules.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::form::{self, FieldError, Page};
use super::template::{Template, TemplateProblem};
use super::{Scaffolder, ScaffolderError};
use crate::permission::Credentials;

impl Scaffolder {
    /// Refuses a template with mistakes; `run_decides` leaves unknown actions to the run.
    pub(super) fn refuse_broken(template: &Template, run_decides: bool) -> Result<(), ScaffolderError> {
        let counts = |problem: &&TemplateProblem| !(run_decides && problem.unknown_action);
        let problems: Vec<TemplateProblem> = template.problems.iter().filter(counts).cloned().collect();
        if problems.is_empty() {
            return Ok(());
        }
        Err(ScaffolderError::Broken { template: template.reference.clone(), problems })
    }

    /// Refuses answers that the settled pages of a template do not take.
    pub(super) fn refuse_invalid(
        &self,
        who: &Credentials,
        template: &Template,
        pages: &[Arc<Page>],
        values: &Map<String, Value>,
        secrets: &Map<String, Value>,
    ) -> Result<(), ScaffolderError> {
        Self::refuse(&self.shelf(who), template, pages, values, secrets)
    }

    /// The same, in a given world.
    pub(super) fn refuse(
        directory: &dyn form::Directory,
        template: &Template,
        pages: &[Arc<Page>],
        values: &Map<String, Value>,
        secrets: &Map<String, Value>,
    ) -> Result<(), ScaffolderError> {
        let mut errors = form::check(pages, values, directory);
        if let Some(schema) = &template.secrets {
            let violations = schema.violations(&Value::Object(secrets.clone()));
            errors.extend(violations.iter().map(|violation| FieldError {
                pointer: format!("/secrets{}", violation.pointer()),
                message: format!("secrets: {}", violation.sentence),
                backstage: violation.without_instance(),
            }));
        }
        if errors.is_empty() { Ok(()) } else { Err(ScaffolderError::Values(errors)) }
    }
}
