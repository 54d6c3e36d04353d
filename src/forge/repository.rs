//! A repository: its name, and what is known of it.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::NameError;

/// `owner/name`: which repository of a forge. Each forge adds its own rules; here neither part can leave its place in
/// a path or a URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct RepositoryId {
    owner: String,
    name: String,
}

impl RepositoryId {
    /// The repository `name` of `owner`.
    pub(crate) fn new(owner: impl Into<String>, name: impl Into<String>) -> Result<Self, NameError> {
        let id = Self { owner: owner.into(), name: name.into() };
        check("repository owner", &id.owner)?;
        check("repository name", &id.name)?;
        Ok(id)
    }

    /// The organisation, user or group it belongs to.
    pub(crate) fn owner(&self) -> &str {
        &self.owner
    }

    /// Its name within the owner's repositories.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

fn check(what: &'static str, value: &str) -> Result<(), NameError> {
    let rule = if value.is_empty() {
        "is empty; give it a name"
    } else if value == "." || value == ".." {
        "is a relative path; give it a name"
    } else if value.contains(['/', '\\']) || value.chars().any(char::is_control) {
        "has a slash, backslash or control character; remove it"
    } else {
        return Ok(());
    };
    Err(NameError::new(what, value, rule))
}

impl fmt::Display for RepositoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl FromStr for RepositoryId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (owner, name) = text
            .split_once('/')
            .ok_or_else(|| NameError::new("repository", text, "has no slash; write it as `owner/name`"))?;
        Self::new(owner, name)
    }
}

impl TryFrom<String> for RepositoryId {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<RepositoryId> for String {
    fn from(id: RepositoryId) -> Self {
        id.to_string()
    }
}

/// Who may see a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Visibility {
    /// Everybody.
    Public,
    /// Everybody in the organisation.
    Internal,
    /// Who was given access.
    #[default]
    Private,
}

impl Visibility {
    /// The word in configuration and templates.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Private => "private",
        }
    }
}

impl FromStr for Visibility {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text {
            "public" => Ok(Self::Public),
            "internal" => Ok(Self::Internal),
            "private" => Ok(Self::Private),
            other => Err(NameError::new("visibility", other, "is not one of `public`, `internal`, `private`")),
        }
    }
}

/// A repository to be created.
#[derive(Debug, Clone)]
pub(crate) struct NewRepository {
    /// Its name.
    pub(crate) id: RepositoryId,
    /// One line for people; may be empty.
    pub(crate) description: String,
    /// The branch that `HEAD` names.
    pub(crate) default_branch: String,
    /// Who may see it.
    pub(crate) visibility: Visibility,
    /// The entity reference of whoever asked for it.
    pub(crate) created_by: Option<String>,
    /// One line by which a later attempt of the same work knows what this one made.
    pub(crate) mark: Option<String>,
}

/// What is known of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Repository {
    /// Its name, in the letter case it was created with.
    pub(crate) id: RepositoryId,
    /// One line for people; may be empty.
    pub(crate) description: String,
    /// The branch that `HEAD` names; it need not have a commit yet.
    pub(crate) default_branch: String,
    /// Who may see it.
    pub(crate) visibility: Visibility,
    /// When it was created, if known.
    pub(crate) created_at: Option<DateTime<Utc>>,
    /// The entity reference of who created it, if known.
    pub(crate) created_by: Option<String>,
    /// The mark it was created with, if the forge still knows.
    #[serde(skip)]
    pub(crate) mark: Option<String>,
}
