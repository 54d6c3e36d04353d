//! Configuration: `auth.providers` and `backend.auth`, in Backstage's shape.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::entity::{EntityRef, RefDefaults};

/// All that [`super::Auth`] needs to know.
#[derive(Debug, Clone)]
pub(crate) struct AuthConfig {
    /// `auth.providers`; without it the guest is offered on loopback.
    pub(crate) providers: Option<Providers>,
    /// `backend.auth`
    pub(crate) backend: BackendAuth,
    /// What tokens name as their issuer: `{backend.baseUrl}/api/auth`.
    pub(crate) issuer: String,
    /// Whether the portal listens on loopback only.
    pub(crate) loopback: bool,
    /// `auth.sessionDuration`: how long a session lasts without use; a week if not set.
    pub(crate) session_duration: Option<std::time::Duration>,
}

/// `auth.providers`
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Providers {
    /// Anybody may enter as one user.
    #[serde(default)]
    pub(crate) guest: Option<Guest>,
}

/// `auth.providers.guest`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Guest {
    /// Who the guest is; `user:default/guest` if not set.
    pub(crate) user_entity_ref: Option<String>,
    /// What the guest owns by, beside the groups of that user.
    pub(crate) ownership_entity_refs: Vec<String>,
    /// Offers the guest also where the portal does not listen on loopback.
    pub(crate) dangerously_allow_outside_development: bool,
}

/// `backend.auth`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct BackendAuth {
    /// The API answers callers without credentials.
    pub(crate) dangerously_disable_default_auth_policy: bool,
    /// Static tokens of services.
    pub(crate) external_access: Vec<ExternalAccess>,
}

/// One of `backend.auth.externalAccess`.
#[derive(Clone, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum ExternalAccess {
    /// A token that the service shows as it is.
    #[serde(rename_all = "camelCase")]
    Static {
        /// The token and whom it stands for.
        options: StaticToken,
        /// The parts of the API it may use; all if not set.
        #[serde(default)]
        access_restrictions: Option<Vec<AccessRestriction>>,
    },
}

/// The options of a static token.
#[derive(Clone, Deserialize)]
pub(crate) struct StaticToken {
    /// The secret.
    pub(crate) token: String,
    /// For logs and audit.
    pub(crate) subject: String,
}

/// One of `accessRestrictions`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AccessRestriction {
    /// `catalog`, `scaffolder`, …
    pub(crate) plugin: String,
}

impl Guest {
    /// The guest without any configuration.
    pub(super) fn default_ref() -> &'static Self {
        static DEFAULT: LazyLock<Guest> = LazyLock::new(Guest::default);
        &DEFAULT
    }

    /// The guest's User entity.
    pub(crate) fn user(&self) -> EntityRef {
        let defaults = RefDefaults { kind: Some("user"), namespace: None };
        let configured = self.user_entity_ref.as_deref().and_then(|text| EntityRef::parse(text, defaults).ok());
        configured.unwrap_or_else(|| EntityRef::new("user", "default", "guest"))
    }

    /// What the guest owns by in any case.
    pub(super) fn ownership(&self) -> impl Iterator<Item = EntityRef> {
        self.ownership_entity_refs.iter().filter_map(|text| EntityRef::parse(text, RefDefaults::default()).ok())
    }
}

impl ExternalAccess {
    /// The secret.
    pub(super) fn token(&self) -> &str {
        let Self::Static { options, .. } = self;
        &options.token
    }

    /// For logs and audit.
    pub(super) fn subject(&self) -> &str {
        let Self::Static { options, .. } = self;
        &options.subject
    }

    /// Whether the token is good for this part of the API.
    pub(super) fn may_access(&self, plugin: &str) -> bool {
        let Self::Static { access_restrictions, .. } = self;
        access_restrictions.as_ref().is_none_or(|some| some.iter().any(|restriction| restriction.plugin == plugin))
    }
}

impl std::fmt::Debug for ExternalAccess {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ExternalAccess").field("subject", &self.subject()).finish_non_exhaustive()
    }
}
