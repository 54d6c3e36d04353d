//! Who owns what: what a group or a person has through the tree of groups, the tree itself, and handing something over.
//!
//! Flow of a transfer: [`Ownership::draft`] reads the descriptor from its forge and changes the one word that names the
//! owner (`edit`) → the page shows the difference → [`Ownership::transfer`] does the same again and opens a pull request
//! with it. The catalog follows once that is merged: here nothing is written but the proposal.
//!
//! Invariant: a proposed descriptor reads as the one before in everything but the owner of that entity, or it is refused.

mod edit;
mod estate;
mod organisation;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::Utc;
use url::Url;
use uuid::Uuid;

pub(crate) use self::estate::{Estate, KindCount, Neighbour};
pub(crate) use self::organisation::{GroupNode, Organisation};
use crate::catalog::{Catalog, LocationRef, Record};
use crate::entity::EntityRef;
use crate::forge::{
    Contents, FileLocation, Forge, ForgeError, Forges, NewCommit, NewFile, NewPullRequest, Parent, Signature,
};
use crate::permission::Credentials;

/// Longest reason of a transfer, in characters.
const LONGEST_REASON: usize = 2_000;

/// Why something cannot be handed over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OwnershipError {
    /// It cannot be done like this; the sentence says what to do instead.
    #[error("{0}")]
    Refused(String),
    /// The forge.
    #[error(transparent)]
    Forge(#[from] ForgeError),
}

/// Who owns what. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Ownership {
    catalog: Catalog,
    forges: Forges,
}

/// A descriptor with another owner.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// Where it is.
    pub(crate) file: FileLocation,
    /// The branch that it is for.
    pub(crate) base: String,
    /// The commit that was read.
    tip: String,
    /// The text as it is.
    pub(crate) before: String,
    /// The text as it would be.
    pub(crate) after: String,
    /// The owner as the file names them now; none where it names none.
    pub(crate) from: Option<String>,
}

impl Ownership {
    /// Over a catalog and the forges that its files are in.
    pub(crate) fn new(catalog: Catalog, forges: Forges) -> Self {
        Self { catalog, forges }
    }

    /// What somebody owns, directly and through groups.
    pub(crate) fn estate(&self, who: &Credentials, owner: &Record) -> Estate {
        Estate::of(&self.catalog, who, owner)
    }

    /// The tree of groups.
    pub(crate) fn organisation(&self, who: &Credentials) -> Organisation {
        Organisation::of(&self.catalog, who)
    }

    /// The owner and everything that owns through it, for filters.
    pub(crate) fn under(&self, who: &Credentials, owner: &EntityRef) -> Vec<EntityRef> {
        estate::under(&self.catalog, who, owner)
    }

    /// What the descriptor of an entity would be with another owner.
    pub(crate) async fn draft(&self, record: &Record, owner: &EntityRef) -> Result<Draft, OwnershipError> {
        if !matches!(owner.kind(), "group" | "user") {
            return refused(format!("{owner} cannot own anything; choose a group or a user"));
        }
        if self.catalog.index().get(owner).is_none() {
            return refused(format!("the catalog has no {owner}; choose an owner that it has"));
        }
        let (forge, file) = self.located(record)?;
        let base = forge.find(&file.repository).await?.default_branch;
        let tip = forge.resolve(&file.repository, &format!("refs/heads/{base}")).await?;
        let read = forge.read(&file.repository, &tip, &file.path).await?;
        let before = String::from_utf8(read.bytes.to_vec())
            .map_err(|_| OwnershipError::Refused(format!("{} is no text in UTF-8", file.path)))?;
        let edited = edit::with_owner(&before, &record.reference, |from| written(owner, record, from));
        let edited = edited.map_err(|reason| {
            OwnershipError::Refused(format!("{} cannot be changed by itself: {reason}", file.path))
        })?;
        if edited.text == before {
            return refused(format!("{owner} owns it already, as {} says on `{base}`", file.path));
        }
        Ok(Draft { file, base, tip, before, after: edited.text, from: edited.from })
    }

    /// Proposes another owner; gives the address of the pull request.
    pub(crate) async fn transfer(
        &self,
        who: &Credentials,
        name: &str,
        record: &Record,
        owner: &EntityRef,
        reason: &str,
    ) -> Result<Url, OwnershipError> {
        let Some(by) = who.user_ref() else {
            return refused("only a signed-in person can hand something over".to_owned());
        };
        if reason.chars().count() > LONGEST_REASON {
            return refused(format!("the reason has at most {LONGEST_REASON} characters"));
        }
        let draft = self.draft(record, owner).await?;
        let (forge, _) = self.located(record)?;
        let title = format!("Hand {} over to {}", record.reference.name(), owner.name());
        let id = Uuid::now_v7().simple().to_string();
        let branch = format!("greenroom/owner-{}-{}", record.reference.name(), &id[20..]);
        let signature = Signature {
            name: name.to_owned(),
            email: format!("{}@localhost", by.name()),
            time: Utc::now().fixed_offset(),
        };
        let commit = NewCommit {
            branch: branch.clone(),
            parent: Parent::Fork(draft.tip),
            contents: Contents::Change {
                write: vec![NewFile::regular(draft.file.path.as_str(), draft.after)],
                delete: Vec::new(),
            },
            message: title.clone(),
            author: signature.clone(),
            committer: signature,
            any_author: true,
        };
        forge.commit(&draft.file.repository, commit).await?;
        let new = NewPullRequest {
            title,
            body: body(record, draft.from.as_deref(), owner, by, reason.trim()),
            head: branch,
            base: draft.base,
            draft: false,
            created_by: Some(by.to_string()),
        };
        let pull = forge.propose(&draft.file.repository, new).await?;
        Ok(forge.pull_request_url(&draft.file.repository, pull.number))
    }

    fn located(&self, record: &Record) -> Result<(&Arc<dyn Forge>, FileLocation), OwnershipError> {
        let location = LocationRef::parse(&record.location).filter(LocationRef::is_url);
        let url = location.and_then(|location| Url::parse(&location.target).ok());
        let found = url.and_then(|url| self.forges.locate(&url));
        found.ok_or_else(|| {
            OwnershipError::Refused(format!(
                "{} is in {}, which is in no repository that this portal can write to; change `spec.owner` there",
                record.reference, record.location
            ))
        })
    }
}

/// An owner as the file writes owners: by the whole reference if it did, else as short as it can be. A bare name is one of
/// the entity's own namespace.
fn written(owner: &EntityRef, record: &Record, before: Option<&str>) -> String {
    let is_short = record.reference.namespace() == "default" && !before.is_some_and(|before| before.contains(':'));
    if is_short { owner.short(Some("group")) } else { owner.to_string() }
}

fn refused<T>(sentence: String) -> Result<T, OwnershipError> {
    Err(OwnershipError::Refused(sentence))
}

fn body(record: &Record, from: Option<&str>, to: &EntityRef, by: &EntityRef, reason: &str) -> String {
    let from = from.map_or_else(|| "nobody".to_owned(), |from| format!("`{from}`"));
    let reason = if reason.is_empty() { String::new() } else { format!("\n\n{reason}") };
    format!(
        "`{}` is owned by {from} and would be owned by `{to}`.{reason}\n\n{by} asked for it. Whoever takes it over should agree before this is merged; the catalog follows then.",
        record.reference
    )
}
