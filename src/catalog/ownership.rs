//! Who may act for an entity.

use super::Record;
use crate::permission::{Credentials, Principal};

impl Record {
    /// Whether somebody may act for it: its owners, and where it has none, everybody who is signed in.
    pub(crate) fn is_owned_by(&self, who: &Credentials) -> bool {
        let relations = self.relations();
        let mut owners = relations.iter().filter(|relation| relation.kind == "ownedBy").peekable();
        match who.principal() {
            Principal::Anonymous => false,
            Principal::Service { .. } => true,
            Principal::User { ownership, .. } => {
                owners.peek().is_none()
                    || owners.any(|owner| ownership.iter().any(|own| own.to_string() == owner.target))
            }
        }
    }
}
