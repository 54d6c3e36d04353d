//! What is wrong in a file, remembered with it, so that the file is not parsed again to find the same.

use serde::{Deserialize, Serialize};

use super::Trouble;
use crate::catalog::descriptor::{Place, Seems};
use crate::catalog::location::LocationRef;
use crate::entity::ValidationError;

/// One thing that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::catalog) struct Flaw {
    error: Error,
    place: Option<Place>,
    /// None if the document is broken: then nothing of the file is taken.
    entity: Option<String>,
    kind: Option<String>,
    name: Option<String>,
}

/// A [`ValidationError`] with everything that it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Error {
    name: String,
    message: String,
    pointer: String,
    cause: Option<Box<Error>>,
}

impl Flaw {
    pub(super) fn new(trouble: &Trouble) -> Self {
        Self {
            error: (&trouble.error).into(),
            place: trouble.place,
            entity: trouble.entity.clone(),
            kind: trouble.seems.kind.clone(),
            name: trouble.seems.name.clone(),
        }
    }

    /// Whether nothing of the file is taken because of it.
    pub(super) fn is_fatal(&self) -> bool {
        self.entity.is_none()
    }

    /// As it was found.
    pub(super) fn trouble(self, location: &LocationRef) -> Trouble {
        Trouble {
            location: location.clone(),
            error: self.error.into(),
            place: self.place,
            entity: self.entity,
            seems: Seems { kind: self.kind, name: self.name },
        }
    }
}

impl From<&ValidationError> for Error {
    fn from(error: &ValidationError) -> Self {
        Self {
            name: error.name.clone(),
            message: error.message.clone(),
            pointer: error.pointer.clone(),
            cause: error.cause.as_deref().map(|cause| Box::new(cause.into())),
        }
    }
}

impl From<Error> for ValidationError {
    fn from(error: Error) -> Self {
        Self {
            name: error.name,
            message: error.message,
            pointer: error.pointer,
            cause: error.cause.map(|cause| Box::new((*cause).into())),
        }
    }
}
