//! Promotions: a version is brought to an environment by a pull request, and followed until it runs there.
//!
//! Flow: [`Delivery::proposal`] (which version, the difference of the values file and of what the chart renders to, the
//! gates) → [`Delivery::propose`] (a branch, one commit, a pull request, a row) → gates hold, somebody merges →
//! [`super::follow`] asks Argo CD to deploy it and watches until it is healthy. Going back to an earlier version is the
//! same, with the version of a commit that ran before.
//!
//! Invariants: an application has one promotion at a time; a promotion is never merged from here while a gate is closed;
//! what is deployed is what the repository says, so a promotion that somebody merges, closes or changes elsewhere is
//! followed just as well.

mod gate;
mod proposal;
mod render;
pub(super) mod store;
mod values;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

pub(crate) use self::gate::{Gate, Standing as GateStanding};
pub(crate) use self::proposal::{NewPromotion, Proposal};
use super::Delivery;
use super::board::{Cell, Row, Version};
use crate::entity::EntityRef;
use crate::forge::{
    Contents, Forge, ForgeError, Forges, MergeMethod, NewCommit, NewFile, NewMerge, NewPullRequest, Parent,
    RepositoryId, Signature,
};
use crate::permission::Credentials;
use crate::pipeline::Pipelines;

/// `delivery`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DeliveryConfig {
    /// The program that renders charts; `helm` on the path without it.
    pub(crate) helm: Option<PathBuf>,
}

/// A version on its way.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Promotion {
    /// Its id.
    pub(crate) id: Uuid,
    /// The service's entity.
    pub(crate) entity: String,
    /// The application of Argo CD.
    pub(crate) application: String,
    /// Where it goes.
    pub(crate) environment: String,
    /// Where it was taken from; none where an earlier version comes back.
    pub(crate) from_environment: Option<String>,
    /// What the values named before.
    #[sqlx(json)]
    pub(crate) before: Version,
    /// What they are to name.
    #[sqlx(json)]
    pub(crate) after: Version,
    /// `host/owner/repository`
    pub(crate) repository: String,
    /// The values file.
    pub(crate) path: String,
    /// The branch with the change.
    pub(crate) branch: String,
    /// The pull request's number.
    pub(crate) pull_request: i64,
    /// How far it is.
    #[sqlx(try_from = "String")]
    pub(crate) state: PromotionState,
    /// How it goes, or why it failed.
    pub(crate) message: Option<String>,
    /// The entity reference of who proposed it.
    pub(crate) created_by: String,
    /// When.
    pub(crate) created_at: DateTime<Utc>,
    /// The entity reference of who agreed.
    pub(crate) approved_by: Option<String>,
    /// When.
    pub(crate) approved_at: Option<DateTime<Utc>>,
    /// When it was merged.
    pub(crate) merged_at: Option<DateTime<Utc>>,
    /// When the deployment was asked for.
    pub(crate) asked_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub(crate) settled_at: Option<DateTime<Utc>>,
}

/// How far a promotion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PromotionState {
    /// The pull request waits to be merged.
    Open,
    /// It is merged, and being deployed.
    Merged,
    /// It runs well.
    Healthy,
    /// It was merged and does not run well.
    Failed,
    /// The pull request was closed.
    Closed,
}

impl PromotionState {
    /// As it is stored.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Merged => "merged",
            Self::Healthy => "healthy",
            Self::Failed => "failed",
            Self::Closed => "closed",
        }
    }
}

impl TryFrom<String> for PromotionState {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let all = [Self::Open, Self::Merged, Self::Healthy, Self::Failed, Self::Closed];
        all.into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no state of a promotion"))
    }
}

/// Why there is no promotion.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PromotionError {
    /// It cannot be, with a sentence.
    #[error("{0}")]
    Refused(String),
    /// There is none of that id.
    #[error("there is no such promotion")]
    NotFound,
    /// Whoever asks may not.
    #[error("{0}")]
    Forbidden(String),
    /// The forge refused.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// Postgres failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

fn refused<T>(sentence: impl Into<String>) -> Result<T, PromotionError> {
    Err(PromotionError::Refused(sentence.into()))
}

/// The forge and the repository of `host/owner/repository`.
pub(super) fn located<'a>(
    forges: &'a Forges,
    full: &str,
) -> Result<(&'a std::sync::Arc<dyn Forge>, RepositoryId), PromotionError> {
    let Some((host, path)) = full.split_once('/') else { return refused(format!("`{full}` is no repository")) };
    let repository = path.parse().map_err(ForgeError::InvalidName)?;
    Ok((forges.by_host(host)?, repository))
}

impl Delivery {
    /// Opens the pull request.
    pub(crate) async fn propose(
        &self,
        forges: &Forges,
        who: &Credentials,
        row: &Row,
        proposal: &Proposal,
        author: Signature,
    ) -> Result<Promotion, PromotionError> {
        let Some(by) = who.user_ref() else {
            return Err(PromotionError::Forbidden("a promotion needs a person who proposes it".to_owned()));
        };
        let (forge, repository) = located(forges, &proposal.repository)?;
        if let Some(open) = store::open_of(self.pool_of()?, &proposal.repository, &proposal.application).await? {
            return refused(format!(
                "pull request {} already brings {} to {}; merge or close it first",
                open.pull_request,
                open.after.label(),
                open.environment
            ));
        }
        let id = Uuid::now_v7();
        let title = title(row.service.reference.name(), proposal);
        let branch = format!("greenroom/{}-{}", proposal.environment, &id.simple().to_string()[20..]);
        forge.commit(&repository, commit(proposal, &branch, &title, author)).await?;
        let new = NewPullRequest {
            title,
            body: body(proposal, by),
            head: branch.clone(),
            base: proposal.base.clone(),
            draft: false,
            created_by: Some(by.to_string()),
        };
        let pull = forge.propose(&repository, new).await?;
        let promotion = Promotion {
            id,
            entity: row.service.reference.to_string(),
            application: proposal.application.clone(),
            environment: proposal.environment.clone(),
            from_environment: proposal.from.clone(),
            before: proposal.before.clone(),
            after: proposal.after.clone(),
            repository: proposal.repository.clone(),
            path: proposal.path.clone(),
            branch,
            pull_request: i64::try_from(pull.number).unwrap_or(i64::MAX),
            state: PromotionState::Open,
            message: None,
            created_by: by.to_string(),
            created_at: Utc::now(),
            approved_by: None,
            approved_at: None,
            merged_at: None,
            asked_at: None,
            settled_at: None,
        };
        store::insert(self.pool_of()?, &promotion).await?;
        self.moved();
        self.due.notify_one();
        Ok(promotion)
    }

    /// One promotion.
    pub(crate) async fn promotion(&self, id: Uuid) -> Result<Promotion, PromotionError> {
        store::by_id(self.pool_of()?, id).await?.ok_or(PromotionError::NotFound)
    }

    /// The promotions of a service, newest first.
    pub(crate) async fn promotions(&self, entity: &EntityRef) -> Result<Vec<Promotion>, PromotionError> {
        Ok(store::of_entity(self.pool_of()?, &entity.to_string()).await?)
    }

    /// All that are not over.
    pub(crate) async fn open_promotions(&self) -> Result<Vec<Promotion>, PromotionError> {
        Ok(store::open(self.pool_of()?).await?)
    }

    /// The open promotion that a pull request belongs to.
    pub(crate) async fn promotion_of(
        &self,
        repository: &str,
        number: u64,
    ) -> Result<Option<Promotion>, PromotionError> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        Ok(store::by_pull_request(self.pool_of()?, repository, number).await?)
    }

    /// The gates of a promotion as they stand now.
    pub(crate) async fn gates(&self, pipelines: &Pipelines, row: &Row, promotion: &Promotion) -> Vec<Gate> {
        let Some(environment) = self.environment(&promotion.environment) else { return Vec::new() };
        let source = promotion.from_environment.as_deref().and_then(|from| cell(row, from).ok());
        let built_in = row.service.repository.as_deref().unwrap_or(&promotion.repository);
        gate::gates(pipelines, environment, source, built_in, &promotion.after, Some(promotion)).await
    }

    /// Somebody agrees.
    pub(crate) async fn approve(&self, who: &Credentials, promotion: &Promotion) -> Result<(), PromotionError> {
        let Some(environment) = self.environment(&promotion.environment) else { return Err(PromotionError::NotFound) };
        gate::may_approve(environment, promotion, who).map_err(PromotionError::Forbidden)?;
        let by = who.user_ref().map(ToString::to_string).unwrap_or_default();
        store::approve(self.pool_of()?, promotion.id, &by, Utc::now()).await?;
        self.moved();
        Ok(())
    }

    /// Merges it, once every gate is open.
    pub(crate) async fn merge(
        &self,
        forges: &Forges,
        who: &Credentials,
        promotion: &Promotion,
        gates: &[Gate],
        author: Signature,
    ) -> Result<(), PromotionError> {
        if let Some(closed) = gates.iter().find(|gate| gate.standing != GateStanding::Open) {
            return refused(format!("it cannot be merged yet: {}", closed.sentence));
        }
        let (forge, repository) = located(forges, &promotion.repository)?;
        let merge = NewMerge {
            method: MergeMethod::Squash,
            who: author,
            by: who.user_ref().map(ToString::to_string),
            seen: None,
            delete_branch: true,
        };
        let number = u64::try_from(promotion.pull_request).unwrap_or_default();
        forge.merge(&repository, number, merge).await?;
        self.look_at(forges, promotion).await?;
        self.due.notify_one();
        Ok(())
    }

    /// Closes its pull request.
    pub(crate) async fn close(
        &self,
        forges: &Forges,
        who: &Credentials,
        promotion: &Promotion,
    ) -> Result<(), PromotionError> {
        let (forge, repository) = located(forges, &promotion.repository)?;
        let by = who.user_ref().map(ToString::to_string);
        let number = u64::try_from(promotion.pull_request).unwrap_or_default();
        forge.close(&repository, number, by.as_deref()).await?;
        self.look_at(forges, promotion).await
    }

    pub(super) fn pool_of(&self) -> Result<&sqlx::PgPool, sqlx::Error> {
        self.pool.as_ref().ok_or(sqlx::Error::PoolClosed)
    }
}

/// What the pull request and its commit are called.
fn title(name: &str, proposal: &Proposal) -> String {
    let what = proposal.after.label();
    match &proposal.from {
        Some(from) => format!("Promote {name} {what} from {from} to {}", proposal.environment),
        None => format!("Roll {name} back to {what} in {}", proposal.environment),
    }
}

/// The one commit of the branch.
fn commit(proposal: &Proposal, branch: &str, title: &str, author: Signature) -> NewCommit {
    NewCommit {
        branch: branch.to_owned(),
        parent: Parent::Fork(proposal.tip.clone()),
        contents: Contents::Change {
            write: vec![NewFile::regular(proposal.path.clone(), proposal.text.clone())],
            delete: Vec::new(),
        },
        message: title.to_owned(),
        author: author.clone(),
        committer: author,
        any_author: true,
    }
}

/// What the pull request says.
fn body(proposal: &Proposal, by: &EntityRef) -> String {
    let (before, after) = (&proposal.before, &proposal.after);
    format!(
        "| | before | after |\n| --- | --- | --- |\n| tag | `{}` | `{}` |\n| digest | `{}` | `{}` |\n\nProposed by {by} in the portal.\n",
        or_dash(&before.tag),
        or_dash(&after.tag),
        or_dash(&before.digest),
        or_dash(&after.digest),
    )
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

fn cell<'a>(row: &'a Row, environment: &str) -> Result<&'a Cell, PromotionError> {
    row.cells
        .iter()
        .find(|cell| cell.environment == environment)
        .ok_or_else(|| PromotionError::Refused(format!("environment `{environment}` is not configured")))
}
