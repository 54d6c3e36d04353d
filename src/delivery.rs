//! Delivery: the environments services run in, and the applications declared for them.
//!
//! [`Environment`]s are configuration, in the order of promotion. A run declares one Argo CD application for each
//! (`argocd:application`); the declaration is kept here, so the portal knows what should run where before any
//! cluster says what does. Declaring is idempotent for the run that did it and refused for any other.

pub(crate) mod action;
mod argocd;
mod board;
mod commits;
mod environment;
mod follow;
mod promotion;
mod store;
mod ties;
mod workloads;

use std::sync::Arc;

use arc_swap::ArcSwap;
use sqlx::PgPool;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

pub(crate) use argocd::{ArgoConfig, Instance, Report};
pub(crate) use board::{Cell, Row, Standing, Version, belongs};
pub(crate) use environment::{Environment, EnvironmentError, Placement, Sync};
pub(crate) use promotion::{
    DeliveryConfig, Gate, GateStanding, NewPromotion, Promotion, PromotionError, PromotionState, Proposal,
};
pub(crate) use ties::{KUBERNETES_ID, ObjectsWanted, Service, Trust};
pub(crate) use workloads::{OnCluster, WorkloadTree, on_clusters};

use crate::cluster::Clusters;
use crate::registry::Registries;

/// Components as services.
type Services = Arc<Vec<Arc<Service>>>;

/// The context: cheap to clone.
#[derive(Clone)]
pub(crate) struct Delivery {
    /// None where nothing is declared: to look at templates.
    pool: Option<PgPool>,
    environments: Arc<[Environment]>,
    clusters: Clusters,
    registries: Registries,
    instances: Arc<[Instance]>,
    /// Components as services, of a version of the catalog.
    services: Arc<ArcSwap<Option<(i64, Services)>>>,
    /// Wakes who follows promotions.
    due: Arc<Notify>,
    /// Grows with every change of a promotion that this process makes.
    moved: watch::Sender<u64>,
    config: Arc<DeliveryConfig>,
    commits: commits::Commits,
}

/// An Argo CD application that a run declared.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Application {
    /// `payments-api-dev`
    pub(crate) name: String,
    /// Name of the environment.
    pub(crate) environment: String,
    /// Cluster it is for.
    pub(crate) cluster: String,
    /// Namespace on that cluster.
    pub(crate) namespace: String,
    /// Argo CD project.
    pub(crate) project: String,
    /// `host/owner/repository` that holds the chart.
    pub(crate) repository: String,
    /// Folder of the chart.
    pub(crate) path: String,
    /// Values files, the later win. One that begins with `$values/` is in another repository.
    #[sqlx(json)]
    pub(crate) value_files: Vec<String>,
    /// `host/owner/repository` of those.
    pub(crate) values_repository: Option<String>,
    /// The Application manifest in the repository.
    pub(crate) manifest: Option<String>,
    /// Whether a change goes out without a pull request.
    pub(crate) automated: bool,
    /// The run that declared it.
    pub(crate) task: Uuid,
    /// When.
    pub(crate) declared_at: chrono::DateTime<chrono::Utc>,
}

/// Why delivery refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliveryError {
    /// The configuration of environments is wrong.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// Another run declared an application of that name.
    #[error(
        "Argo CD application `{name}` on cluster `{cluster}` was declared by another run; choose another service name, or remove the old one first"
    )]
    Taken {
        /// Application name.
        name: String,
        /// Cluster.
        cluster: String,
    },
    /// Postgres failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Delivery {
    /// Checks the environments' names and rules.
    pub(crate) fn new(pool: PgPool, environments: Vec<Environment>) -> Result<Self, DeliveryError> {
        Ok(Self { pool: Some(pool), ..Self::detached(environments)? })
    }

    /// Environments alone, without the applications in them.
    pub(crate) fn detached(environments: Vec<Environment>) -> Result<Self, DeliveryError> {
        environment::check(&environments)?;
        Ok(Self {
            pool: None,
            environments: environments.into(),
            clusters: Clusters::default(),
            registries: Registries::default(),
            instances: Arc::default(),
            services: Arc::default(),
            due: Arc::default(),
            moved: watch::Sender::new(0),
            config: Arc::default(),
            commits: commits::Commits::default(),
        })
    }

    /// The same with clusters, and with the installations of Argo CD on them.
    pub(crate) fn on(self, clusters: Clusters, argocd: &ArgoConfig, config: &DeliveryConfig) -> Self {
        Self { clusters, instances: argocd.instances.clone().into(), config: Arc::new(config.clone()), ..self }
    }

    /// The same with registries.
    pub(crate) fn with(self, registries: Registries) -> Self {
        Self { registries, ..self }
    }

    /// The registries.
    pub(crate) fn registries(&self) -> &Registries {
        &self.registries
    }

    /// The clusters.
    pub(crate) fn clusters(&self) -> &Clusters {
        &self.clusters
    }

    /// When a commit of `host/owner/repository` was made, if that is known already; else it will be, soon.
    pub(crate) fn commit_time(
        &self,
        forges: &crate::forge::Forges,
        repository: &str,
        commit: &str,
    ) -> Option<chrono::DateTime<chrono::Utc>> {
        self.commits.time(forges, repository, commit)
    }

    /// Wakes with every change of a cluster, and of a promotion by this process.
    pub(crate) fn changes(&self) -> Vec<watch::Receiver<u64>> {
        let clusters = self.clusters.all();
        let of_clusters = clusters.iter().map(|cluster| cluster.picture().changed());
        of_clusters.chain([self.moved.subscribe()]).collect()
    }

    /// Says that a promotion is other than it was.
    fn moved(&self) {
        self.moved.send_modify(|count| *count += 1);
    }

    /// The configured installations of Argo CD.
    pub(crate) fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// An installation by name: a configured one, or that of a cluster.
    pub(crate) fn instance(&self, name: &str) -> Option<Instance> {
        let configured = self.instances.iter().find(|one| one.name == name).cloned();
        configured.or_else(|| self.clusters.find(name).map(|_| Instance::on(name)))
    }

    /// The installation that deploys to an environment.
    pub(crate) fn instance_of(&self, environment: &Environment) -> Instance {
        let named = environment.argocd.as_deref().and_then(|name| self.instance(name));
        named.unwrap_or_else(|| match &self.instances[..] {
            [only] => only.clone(),
            several => {
                let same = several.iter().find(|one| one.cluster == environment.cluster);
                same.cloned().unwrap_or_else(|| Instance::on(&environment.cluster))
            }
        })
    }

    fn pool(&self) -> Result<&PgPool, DeliveryError> {
        self.pool.as_ref().ok_or(DeliveryError::Database(sqlx::Error::PoolClosed))
    }

    /// The environments in the order of promotion.
    pub(crate) fn environments(&self) -> &[Environment] {
        &self.environments
    }

    /// The environment that versions come from into this one: the one its rule names, or the one before.
    pub(crate) fn comes_from(&self, environment: &Environment) -> Option<&Environment> {
        if let Some(name) = &environment.promotion.from {
            return self.environment(name);
        }
        let at = self.environments.iter().position(|one| one.name == environment.name)?;
        at.checked_sub(1).and_then(|before| self.environments.get(before))
    }

    /// One environment by name.
    pub(crate) fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.name == name)
    }

    /// Records an application; `Ok` as well when the same run has done so before.
    pub(crate) async fn declare(&self, application: &Application) -> Result<(), DeliveryError> {
        if store::declare(self.pool()?, application).await? {
            return Ok(());
        }
        Err(DeliveryError::Taken { name: application.name.clone(), cluster: application.cluster.clone() })
    }

    /// The application of a name on a cluster.
    pub(crate) async fn declared(&self, cluster: &str, name: &str) -> Result<Option<Application>, DeliveryError> {
        match &self.pool {
            Some(pool) => Ok(store::by_name(pool, cluster, name).await?),
            None => Ok(None),
        }
    }

    /// Forgets an application that `task` declared.
    pub(crate) async fn withdraw(&self, cluster: &str, name: &str, task: Uuid) -> Result<(), DeliveryError> {
        Ok(store::withdraw(self.pool()?, cluster, name, task).await?)
    }

    /// Everything declared from a repository (`host/owner/repository`), in the order of promotion.
    pub(crate) async fn applications(&self, repository: &str) -> Result<Vec<Application>, DeliveryError> {
        let mut applications = store::by_repository(self.pool()?, repository).await?;
        let position = |name: &str| self.environments.iter().position(|environment| environment.name == name);
        applications.sort_by_key(|application| position(&application.environment).unwrap_or(usize::MAX));
        Ok(applications)
    }
}

#[cfg(test)]
mod tests;
