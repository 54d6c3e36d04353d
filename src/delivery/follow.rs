//! What goes on by itself: the watches of the clusters, the clusters that the catalog names, promotions to their end.

use std::time::Duration;

use chrono::Utc;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::argocd::API_VERSION;
use super::board::{Cell, Standing};
use super::promotion::{self, Promotion, PromotionError, PromotionState, store};
use super::{Delivery, Instance};
use crate::catalog::Catalog;
use crate::cluster::{Cluster, ClusterConfig, ObjectId};
use crate::entity::Entity;
use crate::forge::Forges;

/// How often promotions are looked at where nobody says that something happened.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// How long changes of clusters are collected before promotions are looked at.
const SETTLING: Duration = Duration::from_millis(500);
/// How long one promotion may be in hand.
const IN_HAND: chrono::Duration = chrono::Duration::minutes(2);
/// How long a deployment may take before its promotion counts as failed.
const PATIENCE: chrono::Duration = chrono::Duration::minutes(30);
/// The type of Resource that is a cluster, and what its annotations begin with.
const CLUSTER_TYPE: &str = "kubernetes-cluster";

impl Delivery {
    /// Follows clusters and promotions until `shutdown`.
    pub(crate) async fn work(self, catalog: Catalog, forges: Forges, shutdown: CancellationToken) {
        let tasks = TaskTracker::new();
        for cluster in self.clusters.all() {
            cluster.watch(&tasks, &shutdown);
        }
        if self.clusters.are_in_catalog() {
            let (delivery, tasks, shutdown) = (self.clone(), tasks.clone(), shutdown.clone());
            let named = async move { delivery.follow_catalog(catalog, &tasks, &shutdown).await };
            tokio::spawn(named);
        }
        loop {
            if let Some(Err(error)) = shutdown.run_until_cancelled(Box::pin(self.look(&forges))).await {
                tracing::warn!(%error, "cannot go on with promotions");
            }
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.due.notified() => {}
                () = self.clusters_change() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        tasks.close();
        tasks.wait().await;
    }

    /// Waits until something changes on a cluster, and a moment more.
    async fn clusters_change(&self) {
        let mut changes: Vec<_> = self.clusters.all().iter().map(|cluster| cluster.picture().changed()).collect();
        if changes.is_empty() {
            return std::future::pending().await;
        }
        let waits = changes.iter_mut().map(|change| Box::pin(change.changed()));
        drop(futures_util::future::select_all(waits).await);
        tokio::time::sleep(SETTLING).await;
    }

    async fn follow_catalog(&self, catalog: Catalog, tasks: &TaskTracker, shutdown: &CancellationToken) {
        let mut versions = catalog.watch();
        let mut before = None;
        loop {
            let index = catalog.index();
            let resources = index.records().filter(|record| record.reference.kind() == "resource");
            let mut wanted: Vec<ClusterConfig> = resources.filter_map(|record| cluster_of(&record.entity())).collect();
            wanted.sort_by(|a, b| a.name.cmp(&b.name));
            let told = format!("{wanted:?}");
            if before.as_ref() != Some(&told) {
                for cluster in self.clusters.learn(wanted).await {
                    cluster.watch(tasks, shutdown);
                }
                before = Some(told);
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                changed = versions.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Looks at every promotion that is not over.
    async fn look(&self, forges: &Forges) -> Result<(), PromotionError> {
        let Ok(pool) = self.pool_of() else { return Ok(()) };
        for promotion in store::open(pool).await? {
            let now = Utc::now();
            if !store::claim(pool, promotion.id, now, now + IN_HAND).await? {
                continue;
            }
            if let Err(error) = self.look_at(forges, &promotion).await {
                tracing::warn!(promotion = %promotion.id, %error, "a promotion cannot be looked at");
            }
            store::release(pool, promotion.id).await?;
        }
        Ok(())
    }

    /// Looks at one promotion now.
    pub(super) async fn look_at(&self, forges: &Forges, promotion: &Promotion) -> Result<(), PromotionError> {
        let pool = self.pool_of()?;
        let mut state = promotion.state;
        if state == PromotionState::Open {
            let (forge, repository) = promotion::located(forges, &promotion.repository)?;
            let number = u64::try_from(promotion.pull_request).unwrap_or_default();
            let pull = forge.pull_request(&repository, number).await?;
            if pull.is_open() {
                return Ok(());
            }
            state = if pull.is_merged() { PromotionState::Merged } else { PromotionState::Closed };
            store::settle(pool, promotion.id, state, None, Utc::now()).await?;
            self.moved();
        }
        if state != PromotionState::Merged {
            return Ok(());
        }
        let (state, message) = self.deployment(promotion).await?;
        if store::settle(pool, promotion.id, state, Some(&message), Utc::now()).await? {
            self.moved();
        }
        Ok(())
    }

    /// How the deployment of a merged promotion goes; asks for it where nobody else does.
    async fn deployment(&self, promotion: &Promotion) -> Result<(PromotionState, String), PromotionError> {
        let Some(environment) = self.environment(&promotion.environment) else {
            return Ok((
                PromotionState::Failed,
                format!("environment {} is no longer configured", promotion.environment),
            ));
        };
        let instance = self.instance_of(environment);
        let Some(cluster) = self.clusters.find(&instance.cluster) else {
            let message =
                format!("it is merged; cluster {} is not connected, so nobody sees how it goes", instance.cluster);
            return Ok((PromotionState::Healthy, message));
        };
        let cell = application_cell(&cluster, &instance, promotion);
        let Some(seen) = &cell.seen else {
            return Ok((PromotionState::Merged, format!("application {} is not there", promotion.application)));
        };
        let report = &seen.report;
        let is_new = report.images.iter().any(|image| {
            let running = super::Version::parse(image);
            running.is_same(&promotion.after)
        });
        if is_new && report.is_well() {
            return Ok((PromotionState::Healthy, format!("{} runs and is healthy", promotion.after.label())));
        }
        if promotion.asked_at.is_none() && self.ask(&cluster, &instance, promotion, &cell).await {
            store::asked(self.pool_of()?, promotion.id, Utc::now()).await?;
        }
        let told = [&report.message, &report.phase_message].into_iter().find(|text| !text.is_empty());
        let told = told.map(|text| format!(": {text}")).unwrap_or_default();
        let message = format!("{} and {}{told}", report.sync, report.health);
        let is_late = promotion.merged_at.is_some_and(|at| Utc::now() - at > PATIENCE);
        let state = if is_late { PromotionState::Failed } else { PromotionState::Merged };
        Ok((state, message))
    }

    /// Tells Argo CD to look at the repository, and to deploy where it does not by itself. Whether it was told.
    async fn ask(&self, cluster: &Cluster, instance: &Instance, promotion: &Promotion, cell: &Cell) -> bool {
        let automated = self.environment(&promotion.environment).is_some_and(|one| one.sync == super::Sync::Automated);
        let id = ObjectId {
            api_version: API_VERSION.to_owned(),
            kind: "Application".to_owned(),
            namespace: Some(instance.namespace.clone()),
            name: promotion.application.clone(),
        };
        let mut patch = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}});
        if !automated && cell.standing() != Standing::Moving {
            patch["operation"] = json!({
                "initiatedBy": {"username": promotion.created_by},
                "sync": {"prune": true, "syncOptions": ["CreateNamespace=true", "ServerSideApply=true"]},
            });
        }
        match cluster.merge(&id, &patch).await {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(application = promotion.application, %error, "Argo CD cannot be told to deploy");
                false
            }
        }
    }
}

/// The application of a promotion, as the watches see it.
fn application_cell(cluster: &Cluster, instance: &Instance, promotion: &Promotion) -> Cell {
    let kind = crate::cluster::ThingKind::Application;
    let thing = cluster.picture().find(kind, &instance.namespace, &promotion.application);
    let seen = thing.and_then(|thing| super::board::seen(&thing, instance.clone(), None));
    Cell { environment: promotion.environment.clone(), seen, followed: true, ..Cell::default() }
}

/// A cluster that a Resource names, as Backstage's annotations say it.
fn cluster_of(entity: &Entity) -> Option<ClusterConfig> {
    if entity.text(&["spec", "type"]) != Some(CLUSTER_TYPE) {
        return None;
    }
    let annotation = |key: &str| entity.annotation(&format!("kubernetes.io/{key}")).map(str::to_owned);
    Some(ClusterConfig {
        name: entity.name().to_owned(),
        title: Some(entity.title().to_owned()),
        url: annotation("api-server")?,
        auth_provider: annotation("auth-provider").unwrap_or_else(|| "serviceAccount".to_owned()),
        ca_data: annotation("api-server-certificate-authority"),
        skip_tls_verify: annotation("skip-tls-verify").as_deref() == Some("true"),
        skip_metrics_lookup: annotation("skip-metrics-lookup").as_deref() == Some("true"),
        dashboard_url: annotation("dashboard-url"),
        ..ClusterConfig::default()
    })
}
