//! The section `scaffolder` of the configuration.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::action::Author;
use crate::catalog::Interval;

/// The section `scaffolder` of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ScaffolderConfig {
    /// Who commits where the template does not say.
    pub(crate) default_author: Author,
    /// The message of a first commit where the template does not say.
    pub(crate) default_commit_message: Option<String>,
    /// How many runs one process works on at a time.
    pub(crate) concurrent_tasks_limit: usize,
    /// How long one step may take.
    pub(crate) step_timeout: Interval,
    /// Days after which the record of a finished run is removed; never without.
    pub(crate) task_retention_days: Option<u32>,
    /// Feature flags of templates that are on for everybody.
    pub(crate) feature_flags: Vec<String>,
    /// `environment.parameters` and `environment.secrets` of expressions.
    pub(crate) default_environment: DefaultEnvironment,
}

/// What expressions see as `environment`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DefaultEnvironment {
    /// Seen everywhere.
    pub(crate) parameters: Map<String, Value>,
    /// Seen in the input of actions, and hidden in logs.
    pub(crate) secrets: Map<String, Value>,
}

impl Default for ScaffolderConfig {
    fn default() -> Self {
        Self {
            default_author: Author::default(),
            default_commit_message: None,
            concurrent_tasks_limit: 10,
            step_timeout: Interval(Duration::from_hours(1)),
            task_retention_days: None,
            feature_flags: Vec::new(),
            default_environment: DefaultEnvironment::default(),
        }
    }
}

impl ScaffolderConfig {
    /// Who commits, and with which message.
    pub(crate) fn author(&self) -> Author {
        Author { message: self.default_commit_message.clone(), ..self.default_author.clone() }
    }

    /// How many runs at a time; never none.
    pub(super) fn concurrency(&self) -> usize {
        self.concurrent_tasks_limit.max(1)
    }
}
