//! One error, two faces.
//!
//! Handlers of pages and of the API alike return [`Error`]. As a response it is only a status with the error
//! attached; the layer around the handler gives it its face: `api::envelope` writes Backstage's JSON, and
//! `page::face` a page that says what to do next (or leads to the sign-in page). So a handler cannot answer
//! with the wrong one, and extractors and the panic catcher need not know where they are used.
//!
//! The match from each context's error is exhaustive on purpose: a new case must be given a status here.
//! Internal errors are logged here, once, with an id; the client sees the id and nothing else.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use crate::auth::AuthError;
use crate::catalog::{CatalogError, FilterError};
use crate::db;
use crate::delivery::DeliveryError;
use crate::forge::ForgeError;
use crate::import::ImportError;
use crate::notification::NotificationError;
use crate::ownership::OwnershipError;
use crate::preference::PreferenceError;
use crate::scaffolder::ScaffolderError;
use crate::techdocs::DocsError;
use crate::web::observe::LogId;

/// What went wrong, in the terms of HTTP. Messages are shown to the client as they are, except the internal one.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Error {
    /// The request is malformed or its values are refused.
    #[error("{0}")]
    Input(String),
    /// Nobody is signed in, or the token is no good.
    #[error("{0}")]
    Authentication(String),
    /// The caller is known and may not.
    #[error("{0}")]
    NotAllowed(String),
    /// The thing asked for does not exist, or not for this caller.
    #[error("{0}")]
    NotFound(String),
    /// The thing exists already or has changed meanwhile.
    #[error("{0}")]
    Conflict(String),
    /// Understood, and not offered.
    #[error("{0}")]
    NotImplemented(String),
    /// Something needed is away for the moment.
    #[error("{0}")]
    Unavailable(String),
    /// Our fault.
    #[error("{0}")]
    Internal(Arc<dyn std::error::Error + Send + Sync>),
}

/// The error of a response that has no face yet.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// What went wrong.
    pub(crate) error: Error,
    /// Where the log tells more; internal errors only.
    pub(crate) log_id: Option<String>,
}

impl Error {
    /// An internal error from whatever could not be foreseen.
    pub(crate) fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(error.into()))
    }

    /// What needs the database has to wait for it.
    pub(crate) fn database_away() -> Self {
        Self::Unavailable("the database cannot be reached; try again in a moment".to_owned())
    }

    /// What the database said: that it is away is nobody's fault, and passes.
    pub(crate) fn store(error: sqlx::Error) -> Self {
        if db::is_away(&error) {
            tracing::warn!(%error, "a request was refused, for the database cannot be reached");
            return Self::database_away();
        }
        Self::internal(error)
    }

    /// The name Backstage's clients look for.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Input(_) => "InputError",
            Self::Authentication(_) => "AuthenticationError",
            Self::NotAllowed(_) => "NotAllowedError",
            Self::NotFound(_) => "NotFoundError",
            Self::Conflict(_) => "ConflictError",
            Self::NotImplemented(_) => "NotImplementedError",
            Self::Unavailable(_) => "ServiceUnavailableError",
            Self::Internal(_) => "Error",
        }
    }

    /// The status that goes with it.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Input(_) => StatusCode::BAD_REQUEST,
            Self::Authentication(_) => StatusCode::UNAUTHORIZED,
            Self::NotAllowed(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// When to come back, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

impl Failure {
    /// Lets the answer tell where the log tells more.
    pub(crate) fn mark(&self, mut response: Response) -> Response {
        if let Some(log_id) = &self.log_id {
            response.extensions_mut().insert(LogId(log_id.clone()));
        }
        response
    }

    /// The headers that an answer has for this.
    pub(crate) fn headers(&self) -> HeaderMap {
        let retry = matches!(self.error, Error::Unavailable(_)).then_some((header::RETRY_AFTER, RETRY_AFTER));
        retry.into_iter().collect()
    }

    /// What the client is told.
    pub(crate) fn message(&self) -> String {
        match &self.log_id {
            Some(log_id) => format!("An internal error occurred logId={log_id}"),
            None => self.error.to_string(),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let log_id = match &self {
            Self::Internal(error) => {
                let log_id = Uuid::new_v4().simple().to_string()[..20].to_owned();
                tracing::error!(log_id, error = chain(error.as_ref()), "a request failed for an internal reason");
                Some(log_id)
            }
            _ => None,
        };
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Failure { error: self, log_id });
        response
    }
}

/// The error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::IllegalToken | AuthError::MissingToken => Self::Authentication(error.to_string()),
            AuthError::GuestNotOffered => Self::NotAllowed(error.to_string()),
            AuthError::UnknownProvider(_) => Self::NotFound(error.to_string()),
            AuthError::BadToken(message) => Self::Input(message),
            AuthError::Database(error) => Self::store(error),
            AuthError::Signing(_) | AuthError::Random => Self::internal(error),
        }
    }
}

impl From<DocsError> for Error {
    fn from(error: DocsError) -> Self {
        match error {
            DocsError::NoEntity(_) | DocsError::Undocumented(_) | DocsError::Borrowed(..) => {
                Self::NotFound(error.to_string())
            }
            DocsError::BadReference(_) | DocsError::Unread(_) => Self::NotFound(error.to_string()),
            DocsError::Store(error) => Self::store(error),
        }
    }
}

impl From<CatalogError> for Error {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Invalid(message) => Self::Input(message),
            CatalogError::NotFound(message) => Self::NotFound(message),
            CatalogError::Conflict(message) => Self::Conflict(message),
            CatalogError::Store(error) => Self::store(error),
        }
    }
}

impl From<ScaffolderError> for Error {
    fn from(error: ScaffolderError) -> Self {
        match error {
            ScaffolderError::NotFound(message) => Self::NotFound(message),
            ScaffolderError::Invalid(message) => Self::Input(message),
            ScaffolderError::NotAllowed(message) => Self::NotAllowed(message),
            ScaffolderError::Values(_) | ScaffolderError::Broken { .. } => Self::Input(error.to_string()),
            ScaffolderError::Store(error) => Self::store(error),
        }
    }
}

impl From<NotificationError> for Error {
    fn from(error: NotificationError) -> Self {
        match error {
            NotificationError::Invalid(message) => Self::Input(message),
            NotificationError::Store(error) => Self::store(error),
        }
    }
}

impl From<PreferenceError> for Error {
    fn from(error: PreferenceError) -> Self {
        match error {
            PreferenceError::Invalid(message) => Self::Input(message),
            PreferenceError::Nobody => Self::NotAllowed(error.to_string()),
            PreferenceError::Store(error) => Self::store(error),
        }
    }
}

impl From<OwnershipError> for Error {
    fn from(error: OwnershipError) -> Self {
        match error {
            OwnershipError::Refused(sentence) => Self::Conflict(sentence),
            OwnershipError::Forge(error) => error.into(),
        }
    }
}

impl From<DeliveryError> for Error {
    fn from(error: DeliveryError) -> Self {
        match error {
            DeliveryError::Taken { .. } => Self::Conflict(error.to_string()),
            DeliveryError::Database(error) => Self::store(error),
            DeliveryError::Environment(_) => Self::internal(error),
        }
    }
}

impl From<ImportError> for Error {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Invalid(message) => Self::Input(message),
            ImportError::NotFound(_) => Self::NotFound(error.to_string()),
            ImportError::Forge(error) => error.into(),
            ImportError::Catalog(error) => error.into(),
            ImportError::Store(error) => Self::store(error),
        }
    }
}

impl From<FilterError> for Error {
    fn from(error: FilterError) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<ForgeError> for Error {
    fn from(error: ForgeError) -> Self {
        match error {
            ForgeError::NotFound(_) => Self::NotFound(error.to_string()),
            ForgeError::AlreadyExists(_) | ForgeError::Conflict { .. } | ForgeError::Refused(_) => {
                Self::Conflict(error.to_string())
            }
            ForgeError::InvalidName(_)
            | ForgeError::Location(_)
            | ForgeError::TooLarge { .. }
            | ForgeError::Protocol(_) => Self::Input(error.to_string()),
            ForgeError::Denied(_) => Self::NotAllowed(error.to_string()),
            ForgeError::Unavailable { .. } => Self::Unavailable(error.to_string()),
            ForgeError::Io { .. } | ForgeError::Git { .. } => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internal_error_is_told_by_its_log_id_only() {
        let response = Error::internal("the password is hunter2").into_response();
        let failure = response.extensions().get::<Failure>().unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!failure.message().contains("hunter2"));
        assert_eq!(failure.message().len(), "An internal error occurred logId=".len() + 20);
    }
}
