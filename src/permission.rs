//! Who is asking. Every verb of a context that reads or writes for somebody takes [`Credentials`] first.

use crate::entity::EntityRef;

/// The caller of a context's verb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    principal: Principal,
}

/// What kind of caller it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Principal {
    /// A person: their User entity and everything they own by.
    User {
        /// `user:default/guest`
        user: EntityRef,
        /// The user itself and the groups it belongs to.
        ownership: Vec<EntityRef>,
    },
    /// Greenroom itself, its command line, or an external service with a static token.
    Service {
        /// For logs: `cli`, `scheduler`, `external:ci`.
        subject: String,
    },
    /// Nobody in particular; only with the default auth policy switched off.
    Anonymous,
}

impl Credentials {
    /// A signed-in person.
    pub(crate) fn user(user: EntityRef, ownership: Vec<EntityRef>) -> Self {
        Self { principal: Principal::User { user, ownership } }
    }

    /// A service.
    pub(crate) fn service(subject: impl Into<String>) -> Self {
        Self { principal: Principal::Service { subject: subject.into() } }
    }

    /// Nobody in particular.
    pub(crate) fn anonymous() -> Self {
        Self { principal: Principal::Anonymous }
    }

    /// Who it is.
    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The User entity of a person.
    pub(crate) fn user_ref(&self) -> Option<&EntityRef> {
        match &self.principal {
            Principal::User { user, .. } => Some(user),
            Principal::Service { .. } | Principal::Anonymous => None,
        }
    }

    /// Everything the caller owns by; empty for anybody but a person.
    pub(crate) fn ownership(&self) -> &[EntityRef] {
        match &self.principal {
            Principal::User { ownership, .. } => ownership,
            Principal::Service { .. } | Principal::Anonymous => &[],
        }
    }
}
