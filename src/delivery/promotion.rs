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
mod render;
pub(super) mod store;
mod values;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

pub(crate) use self::gate::{Gate, Standing as GateStanding};
use self::render::Rendering;
use super::board::{Cell, Row, Version};
use super::{Delivery, Environment};
use crate::entity::EntityRef;
use crate::forge::{
    Contents, Forge, ForgeError, Forges, MergeMethod, NewCommit, NewFile, NewMerge, NewPullRequest, Parent,
    RepositoryId, Signature, SnapshotLimits,
};
use crate::permission::Credentials;
use crate::pipeline::Pipelines;

/// How much a chart may hold.
const CHART: SnapshotLimits = SnapshotLimits { files: 500, bytes: 4 * 1024 * 1024 };
/// Lines around a change of the values.
const CONTEXT: usize = 3;

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
        all.into_iter().find(|state| state.as_str() == text).ok_or_else(|| format!("`{text}` is no state of a promotion"))
    }
}

/// Which version is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NewPromotion {
    /// What another environment runs.
    From(String),
    /// What the values named at an earlier commit.
    Back(String),
}

/// What a promotion would be.
#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    /// Where it goes.
    pub(crate) environment: String,
    /// Where the version is taken from.
    pub(crate) from: Option<String>,
    /// The earlier commit that is gone back to.
    pub(crate) revision: Option<String>,
    /// What the values name.
    pub(crate) before: Version,
    /// What they are to name.
    pub(crate) after: Version,
    /// `host/owner/repository`
    pub(crate) repository: String,
    /// The values file.
    pub(crate) path: String,
    /// The difference of the values file.
    pub(crate) values: String,
    /// The difference of what the chart renders to, or why there is none to see.
    pub(crate) manifests: Result<String, String>,
    /// What must hold before it may be merged.
    pub(crate) gates: Vec<Gate>,
    application: String,
    text: String,
    tip: String,
    base: String,
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

/// Where the values of a cell are written.
struct Place<'a> {
    forge: &'a std::sync::Arc<dyn Forge>,
    repository: RepositoryId,
    full: String,
    folder: String,
    files: Vec<String>,
    application: String,
    namespace: String,
}

impl Place<'_> {
    /// The values file of this environment: the last one wins in Helm, too.
    fn path(&self) -> String {
        let file = self.files.last().map_or("values.yaml", String::as_str);
        if self.folder.is_empty() { file.to_owned() } else { format!("{}/{file}", self.folder) }
    }
}

fn place<'a>(forges: &'a Forges, row: &Row, cell: &Cell) -> Result<Place<'a>, PromotionError> {
    let (full, folder, files, application, namespace): (String, String, Vec<String>, String, String) = match (&cell.declared, &cell.seen) {
        (Some(declared), _) => (
            declared.repository.clone(),
            declared.path.clone(),
            declared.value_files.clone(),
            declared.name.clone(),
            declared.namespace.clone(),
        ),
        (None, Some(seen)) => {
            let source = &seen.report.source;
            let url = source.repo_url.trim_end_matches('/').trim_end_matches(".git");
            let path = url.split_once("://").map_or(url, |(_, rest)| rest);
            (
                path.to_owned(),
                source.path.clone(),
                source.value_files.clone(),
                seen.name.clone(),
                seen.report.destination.1.clone(),
            )
        }
        (None, None) => {
            return refused(format!("nothing of {} is deployed to {}", row.service.reference, cell.environment));
        }
    };
    if files.is_empty() {
        return refused(format!("application {application} names no values file, so there is nothing to change by pull request"));
    }
    let (forge, repository) = located(forges, &full)?;
    let folder = folder.trim_start_matches("./").trim_matches('/').trim_start_matches('.').to_owned();
    Ok(Place { forge, repository, full, folder, files, application, namespace })
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
    /// What a promotion would be. Nothing changes.
    pub(crate) async fn proposal(
        &self,
        forges: &Forges,
        pipelines: &Pipelines,
        row: &Row,
        environment: &Environment,
        wanted: &NewPromotion,
    ) -> Result<Proposal, PromotionError> {
        let cell = cell(row, &environment.name)?;
        let place = place(forges, row, cell)?;
        let base = place.forge.find(&place.repository).await?.default_branch;
        let tip = place.forge.resolve(&place.repository, &base).await?;
        let path = place.path();
        let text = read(&place, &tip, &path).await?;
        let before = named(&text, &path)?;
        let (after, from, revision) = match wanted {
            NewPromotion::From(from) => {
                let source = self::cell(row, from)?;
                (self.runs_in(forges, row, source).await?, Some(from.clone()), None)
            }
            NewPromotion::Back(revision) => {
                let then = read(&place, revision, &path).await?;
                (named(&then, &path)?, None, Some(revision.clone()))
            }
        };
        if after.tag.is_empty() && after.digest.is_empty() {
            let place = from.as_deref().unwrap_or("that commit");
            return refused(format!("{place} names no image yet, so there is nothing to bring to {}", environment.name));
        }
        if after.is_same(&before) {
            return refused(format!("{} has {} already", environment.name, after.label()));
        }
        let new = values::with_image(&text, &after).map_err(|error| PromotionError::Refused(format!("{path}: {error}")))?;
        let values = similar::TextDiff::from_lines(&text, &new).unified_diff().context_radius(CONTEXT).to_string();
        let manifests = match place.forge.snapshot(&place.repository, &tip, &place.folder, CHART).await {
            Ok(chart) => {
                let release = row.service.reference.name();
                let helm = self.helm();
                let rendering =
                    Rendering { helm: &helm, chart: &chart, release, namespace: &place.namespace, values: &place.files };
                let file = place.files.last().map_or("values.yaml", String::as_str);
                rendering.difference(file, &new).await
            }
            Err(error) => Err(error.to_string()),
        };
        let source = from.as_deref().and_then(|from| self::cell(row, from).ok());
        let gates = gate::gates(pipelines, environment, source, &place.full, &after, None).await;
        Ok(Proposal {
            environment: environment.name.clone(),
            from,
            revision,
            before,
            after,
            repository: place.full.clone(),
            path,
            values,
            manifests,
            gates,
            application: place.application,
            text: new,
            tip,
            base,
        })
    }

    /// The version of an environment: the digest that runs, else what its values name.
    async fn runs_in(&self, forges: &Forges, row: &Row, cell: &Cell) -> Result<Version, PromotionError> {
        let place = place(forges, row, cell)?;
        let base = place.forge.find(&place.repository).await?.default_branch;
        let path = place.path();
        let written = named(&read(&place, &base, &path).await?, &path)?;
        match cell.version() {
            // What runs decides; the values know its tag.
            Some(running) if !running.digest.is_empty() => {
                let tag = if running.digest == written.digest { written.tag } else { running.tag.clone() };
                Ok(Version { tag, ..running.clone() })
            }
            Some(running) if !running.tag.is_empty() && written.digest.is_empty() => Ok(running.clone()),
            _ => Ok(written),
        }
    }

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
        let name = row.service.reference.name();
        let what = proposal.after.label();
        let title = match &proposal.from {
            Some(from) => format!("Promote {name} {what} from {from} to {}", proposal.environment),
            None => format!("Roll {name} back to {what} in {}", proposal.environment),
        };
        let branch = format!("greenroom/{}-{}", proposal.environment, &id.simple().to_string()[20..]);
        let commit = NewCommit {
            branch: branch.clone(),
            parent: Parent::Fork(proposal.tip.clone()),
            contents: Contents::Change {
                write: vec![NewFile::regular(proposal.path.clone(), proposal.text.clone())],
                delete: Vec::new(),
            },
            message: title.clone(),
            author: author.clone(),
            committer: author,
            any_author: true,
        };
        forge.commit(&repository, commit).await?;
        let image = &proposal.after;
        let body = format!(
            "| | before | after |\n| --- | --- | --- |\n| tag | `{}` | `{}` |\n| digest | `{}` | `{}` |\n\nProposed by {by} in the portal.\n",
            or_dash(&proposal.before.tag),
            or_dash(&image.tag),
            or_dash(&proposal.before.digest),
            or_dash(&image.digest),
        );
        let new = NewPullRequest {
            title,
            body,
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
    pub(crate) async fn promotion_of(&self, repository: &str, number: u64) -> Result<Option<Promotion>, PromotionError> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        Ok(store::by_pull_request(self.pool_of()?, repository, number).await?)
    }

    /// The gates of a promotion as they stand now.
    pub(crate) async fn gates(&self, pipelines: &Pipelines, row: &Row, promotion: &Promotion) -> Vec<Gate> {
        let Some(environment) = self.environment(&promotion.environment) else { return Vec::new() };
        let source = promotion.from_environment.as_deref().and_then(|from| cell(row, from).ok());
        gate::gates(pipelines, environment, source, &promotion.repository, &promotion.after, Some(promotion)).await
    }

    /// Somebody agrees.
    pub(crate) async fn approve(&self, who: &Credentials, promotion: &Promotion) -> Result<(), PromotionError> {
        let Some(environment) = self.environment(&promotion.environment) else { return Err(PromotionError::NotFound) };
        gate::may_approve(environment, promotion, who).map_err(PromotionError::Forbidden)?;
        let by = who.user_ref().map(ToString::to_string).unwrap_or_default();
        store::approve(self.pool_of()?, promotion.id, &by, Utc::now()).await?;
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

    fn helm(&self) -> PathBuf {
        self.config.helm.clone().unwrap_or_else(on_path)
    }

    pub(super) fn pool_of(&self) -> Result<&sqlx::PgPool, sqlx::Error> {
        self.pool.as_ref().ok_or(sqlx::Error::PoolClosed)
    }
}

/// Where `helm` is; the bare name where it is nowhere, so that running it says so.
fn on_path() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("helm")).find(|file| file.is_file());
    found.unwrap_or_else(|| PathBuf::from("/nonexistent/helm"))
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

async fn read(place: &Place<'_>, revision: &str, path: &str) -> Result<String, PromotionError> {
    let file = place.forge.read(&place.repository, revision, path).await?;
    Ok(String::from_utf8_lossy(&file.bytes).into_owned())
}

fn named(text: &str, path: &str) -> Result<Version, PromotionError> {
    values::image(text).map_err(|error| PromotionError::Refused(format!("{path}: {error}")))
}
