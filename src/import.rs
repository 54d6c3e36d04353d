//! Imports: bringing repositories into the catalog, one or a whole organisation at once.
//!
//! Flow: an address is looked at (`survey`: which descriptors there are, which repositories have none) → drafts of the
//! missing ones (`draft`) → an import, stored with one item for each location to register and each descriptor to propose
//! → items are carried out in the background by any process (`work`): a location is registered, a descriptor becomes a
//! pull request, which is followed until it is merged, and then its file is registered.
//!
//! Invariants:
//! - carrying out an item twice does what doing it once does: a branch or pull request that is there is taken up;
//! - of all processes one has an item in hand, for a limited time;
//! - an item that cannot be carried out says why, and can be tried again.

mod draft;
mod store;
mod survey;
#[cfg(test)]
mod tests;
mod work;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use tokio::sync::Notify;
use uuid::Uuid;

pub(crate) use self::draft::{Answers, Draft, LIFECYCLES};
pub(crate) use self::survey::{Found, Survey, Surveyed};
use crate::catalog::{Catalog, CatalogError};
use crate::entity::EntityRef;
use crate::forge::{Forge, ForgeError, Forges, RepositoryId};
use crate::permission::Credentials;
use crate::scaffolder::Author;

/// The file that is looked for and proposed.
pub(crate) const DESCRIPTOR: &str = "catalog-info.yaml";
/// Items of one import.
const MOST_ITEMS: usize = 200;
/// Bytes of one proposed descriptor.
const LARGEST: usize = 64 * 1024;
/// Imports on the list of them.
const LISTED: i64 = 20;

/// Imports. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Imports {
    inner: Arc<Inner>,
}

struct Inner {
    pool: PgPool,
    catalog: Catalog,
    forges: Forges,
    author: Author,
    /// Wakes the work when there is something new.
    due: Notify,
}

/// What somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Import {
    /// Its id.
    pub(crate) id: Uuid,
    /// The address that was looked at.
    pub(crate) target: String,
    /// The entity reference of who asked.
    pub(crate) created_by: String,
    /// When.
    pub(crate) created_at: DateTime<Utc>,
}

/// An import in a list.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Summary {
    /// The import.
    #[sqlx(flatten)]
    pub(crate) import: Import,
    /// All its items.
    pub(crate) items: i64,
    /// Those that wait for somebody or something.
    pub(crate) open: i64,
    /// Those that failed.
    pub(crate) failed: i64,
}

/// One location to register, or one descriptor to propose.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Item {
    /// Its id.
    pub(crate) id: Uuid,
    pub(in crate::import) import_id: Uuid,
    /// The forge.
    pub(crate) host: String,
    /// `owner/name`
    pub(crate) repository: String,
    /// The descriptor's path.
    pub(crate) path: String,
    /// Of a location: what is registered.
    pub(crate) target: Option<String>,
    /// Of a proposal: the descriptor.
    pub(crate) content: Option<String>,
    /// How far it is.
    #[sqlx(try_from = "String")]
    pub(crate) state: ItemState,
    /// Of a proposal that was made.
    pub(in crate::import) pull_request: Option<i64>,
    /// Why it failed, or still waits.
    pub(crate) message: Option<String>,
    pub(in crate::import) attempts: i32,
    /// The last change.
    pub(crate) updated_at: DateTime<Utc>,
}

impl Item {
    /// The number of the pull request.
    pub(crate) fn number(&self) -> Option<u64> {
        u64::try_from(self.pull_request?).ok()
    }
}

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemState {
    /// To be carried out.
    Waiting,
    /// In the catalog.
    Registered,
    /// The pull request waits for its repository's people.
    Open,
    /// It is merged, and the file is registered.
    Merged,
    /// It was closed without.
    Closed,
    /// It could not be carried out.
    Failed,
}

impl ItemState {
    /// The word in the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Registered => "registered",
            Self::Open => "open",
            Self::Merged => "merged",
            Self::Closed => "closed",
            Self::Failed => "failed",
        }
    }
}

impl TryFrom<String> for ItemState {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        let all = [Self::Waiting, Self::Registered, Self::Open, Self::Merged, Self::Closed, Self::Failed];
        all.into_iter().find(|state| state.as_str() == word).ok_or_else(|| format!("{word:?} is no state of an item"))
    }
}

/// A location to register, or a descriptor to propose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewItem {
    /// The forge.
    pub(crate) host: String,
    /// The repository.
    pub(crate) repository: RepositoryId,
    /// The descriptor's path.
    pub(crate) path: String,
    /// What is done.
    pub(crate) work: Work,
}

/// What is done for an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    /// Registers a target.
    Register(String),
    /// Proposes a descriptor of this text.
    Propose(String),
}

/// What can go wrong with an import.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// There is no such import.
    #[error("there is no import {0}")]
    NotFound(Uuid),
    /// The forge did not do it.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// The catalog did not do it.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The database failed.
    #[error("the imports' database failed: {0}")]
    Store(#[from] sqlx::Error),
}

impl Imports {
    /// Into this catalog, from these forges, with commits by this author.
    pub(crate) fn new(pool: PgPool, catalog: Catalog, forges: Forges, author: Author) -> Self {
        Self { inner: Arc::new(Inner { pool, catalog, forges, author, due: Notify::new() }) }
    }

    /// Stores an import; its items are carried out soon.
    pub(crate) async fn begin(
        &self,
        who: &Credentials,
        target: &str,
        items: Vec<NewItem>,
    ) -> Result<Import, ImportError> {
        let user = who.user_ref().ok_or_else(|| ImportError::Invalid("only a person can import".to_owned()))?;
        if items.is_empty() {
            return Err(ImportError::Invalid("nothing was chosen; mark what is to be registered or added".to_owned()));
        }
        if items.len() > MOST_ITEMS {
            return Err(ImportError::Invalid(format!(
                "{} items were chosen, and one import has {MOST_ITEMS} at most; choose fewer",
                items.len()
            )));
        }
        for item in &items {
            self.inner.forges.by_host(&item.host)?;
            if let Work::Propose(text) = &item.work {
                draft::check(&item.repository, text)?;
            }
        }
        let now = Utc::now();
        let import = Import {
            id: Uuid::now_v7(),
            target: target.chars().filter(|letter| *letter != '\0').take(2000).collect(),
            created_by: user.to_string(),
            created_at: now,
        };
        let mut transaction = self.inner.pool.begin().await?;
        store::add(&mut *transaction, &import).await?;
        for (place, item) in (0..).zip(&items) {
            store::add_item(&mut *transaction, import.id, place, item, now).await?;
        }
        transaction.commit().await?;
        self.inner.due.notify_one();
        Ok(import)
    }

    /// The newest imports.
    pub(crate) async fn list(&self, _who: &Credentials) -> Result<Vec<Summary>, ImportError> {
        Ok(store::newest(&self.inner.pool, LISTED).await?)
    }

    /// One import with its items.
    pub(crate) async fn import(&self, _who: &Credentials, id: Uuid) -> Result<(Import, Vec<Item>), ImportError> {
        let import = store::import(&self.inner.pool, id).await?.ok_or(ImportError::NotFound(id))?;
        Ok((import, store::items(&self.inner.pool, id).await?))
    }

    /// Carries out again what failed, and what was closed.
    pub(crate) async fn try_again(&self, _who: &Credentials, id: Uuid) -> Result<(), ImportError> {
        store::import(&self.inner.pool, id).await?.ok_or(ImportError::NotFound(id))?;
        store::reopen(&self.inner.pool, id, Utc::now()).await?;
        self.inner.due.notify_one();
        Ok(())
    }

    /// The page of an item's pull request.
    pub(crate) fn pull_request_url(&self, item: &Item) -> Option<String> {
        let forge = self.inner.forges.by_host(&item.host).ok()?;
        Some(forge.pull_request_url(&item.repository.parse().ok()?, item.number()?).into())
    }

    fn forge(&self, item: &Item) -> Result<(&Arc<dyn Forge>, RepositoryId), ForgeError> {
        Ok((self.inner.forges.by_host(&item.host)?, item.repository.parse()?))
    }

    /// Whoever asked for an import, for the catalog.
    fn asker(import: &Import) -> Credentials {
        match import.created_by.parse::<EntityRef>() {
            Ok(user) => Credentials::user(user.clone(), vec![user]),
            Err(_) => Credentials::service("import"),
        }
    }
}
