//! Who commits, and how a commit tells the run that made it.

use chrono::Utc;
use serde::Deserialize;
use uuid::Uuid;

use super::super::{ActionContext, ActionError};
use crate::forge::{Forge, ForgeError, LogQuery, RepositoryId, Signature};

/// The last line of a run's commits.
const TRAILER: &str = "Greenroom-Run";

/// Who commits where the template does not say.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Author {
    /// A name.
    pub(crate) name: String,
    /// An e-mail address.
    pub(crate) email: String,
    /// The message of a first commit.
    #[serde(skip)]
    pub(crate) message: Option<String>,
}

impl Default for Author {
    fn default() -> Self {
        Self { name: "Greenroom".to_owned(), email: "greenroom@localhost".to_owned(), message: None }
    }
}

impl Author {
    /// The signature for now, with what a template says of it.
    pub(super) fn signature(&self, name: Option<&str>, email: Option<&str>) -> Signature {
        Signature {
            name: name.unwrap_or(&self.name).to_owned(),
            email: email.unwrap_or(&self.email).to_owned(),
            time: Utc::now().fixed_offset(),
        }
    }

    /// Whether neither the configuration nor a template names anybody.
    pub(super) fn is_anybody(&self, name: Option<&str>, email: Option<&str>) -> bool {
        let default = Self::default();
        name.is_none() && email.is_none() && (&self.name, &self.email) == (&default.name, &default.email)
    }
}

/// How the message of a run's commit ends.
pub(super) fn trailer(run: Uuid) -> String {
    format!("{TRAILER}: {run}")
}

/// A message with the run's last line.
pub(super) fn signed(message: &str, run: Uuid) -> String {
    format!("{}\n\n{}", message.trim_end(), trailer(run))
}

/// Id and message of a branch's newest commit; none if there is no such branch.
pub(super) async fn newest(
    forge: &dyn Forge,
    repository: &RepositoryId,
    branch: &str,
) -> Result<Option<(String, String)>, ActionError> {
    let query = LogQuery { revision: branch.to_owned(), path: None, skip: 0, limit: 1 };
    match forge.log(repository, query).await {
        Ok(commits) => Ok(commits.into_iter().next().map(|commit| (commit.id, commit.message))),
        Err(ForgeError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether a commit's message says that the run made it.
pub(super) fn is_of_run(message: &str, ctx: &ActionContext) -> bool {
    message.trim_end().ends_with(&trailer(ctx.task))
}
