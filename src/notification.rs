//! What people are told: short messages to somebody, to groups or to everybody, each read or not by each of them.
//!
//! A notification to a group is one row that all its members see: who belongs to the group is looked up when they look.
//! They are removed after a while. Sending one a second time, by its id, changes nothing.

mod store;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use url::Url;
use uuid::Uuid;

use crate::entity::EntityRef;
use crate::permission::Credentials;

/// Days that a notification is kept.
const KEPT_DAYS: i64 = 180;
/// The longest title, description, link and scope, in bytes.
const LONGEST: usize = 8 * 1024;
/// Most notifications of one answer.
const LARGEST_PAGE: i64 = 1_000;

/// How much it matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Nice to know.
    Low,
    /// Most of them.
    #[default]
    Normal,
    /// To be looked at soon.
    High,
    /// To be looked at now.
    Critical,
}

impl Severity {
    /// Its word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A notification to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its id; sending it twice is sending it once.
    pub(crate) id: Uuid,
    /// Users and groups; none is everybody.
    pub(crate) recipients: Option<Vec<EntityRef>>,
    /// Who says it: `plugin:scaffolder`.
    pub(crate) origin: String,
    /// What it says.
    pub(crate) title: String,
    /// More of it.
    pub(crate) description: Option<String>,
    /// Where to go: a path of the portal or an address.
    pub(crate) link: Option<String>,
    /// How much it matters.
    pub(crate) severity: Severity,
    /// A later one of this origin and scope replaces it.
    pub(crate) scope: Option<String>,
}

/// A notification as somebody sees it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Notification {
    /// Its id.
    pub(crate) id: Uuid,
    /// Whether it is to everybody.
    pub(crate) is_broadcast: bool,
    /// Who said it.
    pub(crate) origin: String,
    /// What it says.
    pub(crate) title: String,
    /// More of it.
    pub(crate) description: Option<String>,
    /// Where to go.
    pub(crate) link: Option<String>,
    /// `low`, `normal`, `high` or `critical`.
    pub(crate) severity: String,
    /// What it is replaced by.
    pub(crate) scope: Option<String>,
    /// When it was sent.
    pub(crate) created_at: DateTime<Utc>,
    /// When whoever asks read it.
    pub(crate) read_at: Option<DateTime<Utc>>,
}

/// Which notifications are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NotificationQuery {
    /// Only read ones, or only unread ones.
    pub(crate) read: Option<bool>,
    /// Only these.
    pub(crate) ids: Option<Vec<Uuid>>,
    /// How many at most.
    pub(crate) limit: Option<i64>,
    /// How many to leave out at the start.
    pub(crate) offset: i64,
}

/// Why a notification was not sent or found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotificationError {
    /// The message makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The database failed.
    #[error("the notifications' database failed: {0}")]
    Store(#[from] sqlx::Error),
}

/// The notifications. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Notifications {
    pool: PgPool,
}

impl Notifications {
    /// In this database.
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Sends one. Of the same origin, scope and recipients there is only the latest.
    pub(crate) async fn send(&self, message: &Message) -> Result<(), NotificationError> {
        check(message)?;
        let mut transaction = self.pool.begin().await?;
        if message.scope.is_some() {
            store::remove_scope(&mut *transaction, message).await?;
        }
        store::add(&mut *transaction, message, Utc::now()).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// One page of what somebody was told, newest first, and how many there are.
    pub(crate) async fn of(
        &self,
        who: &Credentials,
        query: &NotificationQuery,
    ) -> Result<(Vec<Notification>, i64), NotificationError> {
        let limit = query.limit.unwrap_or(LARGEST_PAGE).clamp(0, LARGEST_PAGE);
        let reader = Reader::of(who);
        let page = store::page(&self.pool, &reader, query, limit).await?;
        Ok((page, store::count(&self.pool, &reader, query).await?))
    }

    /// Marks some as read or unread, of those that somebody sees.
    pub(crate) async fn mark(&self, who: &Credentials, ids: &[Uuid], read: bool) -> Result<(), NotificationError> {
        let reader = Reader::of(who);
        if read {
            store::mark_read(&self.pool, &reader, ids, Utc::now()).await?;
        } else {
            store::mark_unread(&self.pool, &reader, ids).await?;
        }
        Ok(())
    }

    /// Removes some that are void, whoever read them.
    pub(crate) async fn withdraw(&self, ids: &[Uuid]) -> Result<(), NotificationError> {
        store::remove(&self.pool, ids).await?;
        Ok(())
    }

    /// Marks all that somebody sees as read.
    pub(crate) async fn mark_all_read(&self, who: &Credentials) -> Result<(), NotificationError> {
        store::mark_all_read(&self.pool, &Reader::of(who), Utc::now()).await?;
        Ok(())
    }

    /// Removes those that are kept no longer.
    pub(crate) async fn sweep(&self) -> Result<(), NotificationError> {
        store::sweep(&self.pool, Utc::now() - chrono::Duration::days(KEPT_DAYS)).await?;
        Ok(())
    }
}

/// Who reads, for the store.
struct Reader {
    user: String,
    ownership: Vec<String>,
}

impl Reader {
    /// Nobody in particular sees what everybody is told.
    fn of(who: &Credentials) -> Self {
        let user = who.user_ref().map(ToString::to_string).unwrap_or_default();
        Self { user, ownership: who.ownership().iter().map(ToString::to_string).collect() }
    }
}

fn check(message: &Message) -> Result<(), NotificationError> {
    let wrong = |what: String| Err(NotificationError::Invalid(what));
    if message.title.trim().is_empty() {
        return wrong("a notification needs a title".to_owned());
    }
    let texts = [Some(&message.title), message.description.as_ref(), message.link.as_ref(), message.scope.as_ref()];
    if texts.into_iter().flatten().any(|text| text.len() > LONGEST || text.contains('\0')) {
        return wrong(format!("a notification's texts have at most {LONGEST} bytes, and no NUL"));
    }
    if message.recipients.as_ref().is_some_and(Vec::is_empty) {
        return wrong("a notification needs somebody to read it".to_owned());
    }
    match &message.link {
        Some(link) if !is_link(link) => {
            wrong(format!("link {link} leads nowhere; only http and https links, or paths of the portal, are allowed"))
        }
        _ => Ok(()),
    }
}

/// A path of the portal, or an address that a browser opens without doing more.
fn is_link(link: &str) -> bool {
    if link.starts_with('/') {
        return !link.starts_with("//") && !link.contains('\\');
    }
    Url::parse(link).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}
