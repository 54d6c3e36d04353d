//! What runs where: of one service, and of all of them.
//!
//! Two sources are brought together: what runs declared (Postgres) and what Argo CD says (the pictures that the watches
//! of the clusters keep). Reading asks neither Argo CD nor an API server.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::argocd::{Instance, Report};
use super::ties::Service;
use super::{Application, Delivery, DeliveryError, Environment, store};
use crate::catalog::Catalog;
use crate::cluster::{Cluster, ClusterError, Detail, Thing, ThingKind};
use crate::entity::EntityRef;
use crate::forge::Forges;

/// One service in all environments.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Which service.
    pub(crate) service: Arc<Service>,
    /// One for each configured environment, in their order.
    pub(crate) cells: Vec<Cell>,
}

/// One service in one environment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    /// Name of the environment.
    pub(crate) environment: String,
    /// What a run declared.
    pub(crate) declared: Option<Application>,
    /// What Argo CD says.
    pub(crate) seen: Option<Seen>,
    /// Why nothing new is seen: since when, and the reason.
    pub(crate) away: Option<(DateTime<Utc>, ClusterError)>,
    /// Whether the cluster that holds the application is followed at all.
    pub(crate) followed: bool,
}

/// An application as the watches saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Its name.
    pub(crate) name: String,
    /// The installation that deploys it.
    pub(crate) instance: Instance,
    /// What it says.
    pub(crate) report: Report,
    /// The image that is the service's own.
    pub(crate) version: Option<Version>,
}

/// An image: where from, and which.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Version {
    /// `registry.acme.example/acme/api`
    pub(crate) image: String,
    /// `1.4.2`; may be empty.
    pub(crate) tag: String,
    /// `sha256:…`; may be empty.
    pub(crate) digest: String,
}

/// How a cell is to be taken in at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Nothing is deployed here.
    Absent,
    /// Declared, and not seen by any cluster.
    Declared,
    /// What is wanted runs, and well.
    Well,
    /// Under way.
    Moving,
    /// The repository wants something newer, and somebody has to sync.
    Waiting,
    /// The cluster is not as the deployed version wants it.
    Drifted,
    /// It does not run well.
    Broken,
    /// Argo CD cannot tell.
    Unknown,
}

/// An environment, and where it is seen what runs there.
struct Column<'a> {
    environment: &'a Environment,
    instance: Instance,
    /// The cluster that holds Argo CD's objects.
    control: Option<Cluster>,
    away: Option<(DateTime<Utc>, ClusterError)>,
}

impl Version {
    /// Takes `image:tag@digest` apart.
    pub(crate) fn parse(text: &str) -> Self {
        let (rest, digest) = text.split_once('@').unwrap_or((text, ""));
        let (image, tag) = match rest.rsplit_once(':') {
            // A port is no tag.
            Some((image, tag)) if !tag.contains('/') => (image, tag),
            _ => (rest, ""),
        };
        Self { image: image.to_owned(), tag: tag.to_owned(), digest: digest.to_owned() }
    }

    /// What people call it: the tag, or the beginning of the digest.
    pub(crate) fn label(&self) -> String {
        if self.tag.is_empty() { self.short_digest().to_owned() } else { self.tag.clone() }
    }

    /// The first twelve digits of the digest.
    pub(crate) fn short_digest(&self) -> &str {
        let digits = self.digest.trim_start_matches("sha256:");
        digits.get(..12).unwrap_or(digits)
    }

    /// Whether both are the same bytes, as far as is known.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        if !self.digest.is_empty() && !other.digest.is_empty() {
            return self.digest == other.digest;
        }
        !self.tag.is_empty() && self.tag == other.tag
    }
}

impl Cell {
    /// How it stands.
    pub(crate) fn standing(&self) -> Standing {
        let Some(seen) = &self.seen else {
            return if self.declared.is_some() { Standing::Declared } else { Standing::Absent };
        };
        let report = &seen.report;
        let failed = matches!(report.phase.as_str(), "Failed" | "Error") && report.sync != "Synced";
        match report.health.as_str() {
            _ if report.busy => Standing::Moving,
            "Degraded" => Standing::Broken,
            _ if failed => Standing::Broken,
            "Progressing" => Standing::Moving,
            _ if report.sync == "OutOfSync" => match report.history.last() {
                Some(last) if last.revision == report.revision => Standing::Drifted,
                _ => Standing::Waiting,
            },
            "Healthy" | "Suspended" if report.sync == "Synced" => Standing::Well,
            "Missing" => Standing::Waiting,
            _ => Standing::Unknown,
        }
    }

    /// The version that runs.
    pub(crate) fn version(&self) -> Option<&Version> {
        self.seen.as_ref()?.version.as_ref()
    }
}

impl Delivery {
    /// One service in every environment.
    pub(crate) async fn row(&self, service: Arc<Service>) -> Result<Row, DeliveryError> {
        let declared = match (&service.repository, &self.pool) {
            (Some(repository), Some(pool)) => store::by_repository(pool, repository).await?,
            _ => Vec::new(),
        };
        Ok(Row { cells: self.cells(&self.columns(), &service, &declared), service })
    }

    /// Some services, in their order.
    pub(crate) async fn rows(&self, services: Vec<Arc<Service>>) -> Result<Vec<Row>, DeliveryError> {
        let repositories: Vec<String> = services.iter().filter_map(|service| service.repository.clone()).collect();
        let declared = match &self.pool {
            Some(pool) if !repositories.is_empty() => store::by_repositories(pool, &repositories).await?,
            _ => Vec::new(),
        };
        let columns = self.columns();
        let row = |service: Arc<Service>| {
            let own =
                declared.iter().filter(|application| Some(&application.repository) == service.repository.as_ref());
            let own: Vec<Application> = own.cloned().collect();
            Row { cells: self.cells(&columns, &service, &own), service }
        };
        Ok(services.into_iter().map(row).collect())
    }

    /// Every service that something is known to be deployed of, by title.
    pub(crate) async fn board(&self, catalog: &Catalog, forges: &Forges) -> Result<Vec<Row>, DeliveryError> {
        let mut declared: BTreeMap<String, Vec<Application>> = BTreeMap::new();
        for application in store::all(self.pool()?).await? {
            declared.entry(application.repository.clone()).or_default().push(application);
        }
        let (mut rows, columns) = (Vec::new(), self.columns());
        for service in self.services(catalog, forges).iter() {
            let own = service.repository.as_ref().and_then(|repository| declared.get(repository));
            if own.is_none() && service.app_name.is_none() && service.app_selector.is_none() {
                continue;
            }
            let cells = self.cells(&columns, service, own.map_or(&[][..], Vec::as_slice));
            let row = Row { service: Arc::clone(service), cells };
            if row.cells.iter().any(|cell| cell.declared.is_some() || cell.seen.is_some()) {
                rows.push(row);
            }
        }
        rows.sort_by_cached_key(|row| row.service.title.to_lowercase());
        Ok(rows)
    }

    /// Every component as a service; made anew when the catalog has changed.
    fn services(&self, catalog: &Catalog, forges: &Forges) -> Arc<Vec<Arc<Service>>> {
        let version = catalog.version();
        if let Some((known, services)) = &*self.services.load_full()
            && *known == version
        {
            return Arc::clone(services);
        }
        let index = catalog.index();
        let components = index.records().filter(|record| record.reference.kind() == "component");
        let services: Arc<Vec<_>> = Arc::new(components.map(|record| Arc::new(Service::of(forges, record))).collect());
        self.services.store(Arc::new(Some((version, Arc::clone(&services)))));
        services
    }

    /// What all services have in common, once for all of them.
    fn columns(&self) -> Vec<Column<'_>> {
        let column = |environment| {
            let instance = self.instance_of(environment);
            let control = self.clusters.find(&instance.cluster);
            let trouble = control.as_ref().and_then(|cluster| cluster.picture().trouble());
            Column { environment, instance, control, away: trouble.map(|(error, since)| (since, error)) }
        };
        self.environments.iter().map(column).collect()
    }

    fn cells(&self, columns: &[Column<'_>], service: &Service, declared: &[Application]) -> Vec<Cell> {
        columns.iter().map(|column| self.cell(column, service, declared)).collect()
    }

    fn cell(&self, column: &Column<'_>, service: &Service, declared: &[Application]) -> Cell {
        let Column { environment, instance, control, away } = column;
        let declared = declared.iter().find(|one| one.environment == environment.name).cloned();
        let mut cell = Cell { environment: environment.name.clone(), declared, ..Cell::default() };
        let Some(cluster) = control else { return cell };
        cell.followed = true;
        cell.away.clone_from(away);
        let thing = match &cell.declared {
            Some(declared) => cluster.picture().find(ThingKind::Application, &instance.namespace, &declared.name),
            None => self.annotated(service, column, cluster),
        };
        cell.seen = thing.and_then(|thing| seen(&thing, instance.clone(), Some(service)));
        if let Some(seen) = &mut cell.seen
            && let Some(version) = seen.version.as_mut().filter(|version| version.tag.is_empty())
        {
            version.tag = self.label_of(environment, &seen.report.destination.1, version).unwrap_or_default();
        }
        cell
    }

    /// What people call an image that is named by its digest: the version label of the workload that runs it.
    fn label_of(&self, environment: &Environment, namespace: &str, version: &Version) -> Option<String> {
        let cluster = self.clusters.find(&environment.cluster)?;
        let runs = |thing: &Thing| match &thing.detail {
            Detail::Workload(workload) => workload.images.iter().any(|image| Version::parse(image) == *version),
            _ => false,
        };
        let kinds = [ThingKind::Deployment, ThingKind::StatefulSet];
        let mut found = kinds.into_iter().flat_map(|kind| cluster.picture().select(kind, Some(namespace), runs));
        found.find_map(|thing| thing.label("app.kubernetes.io/version").map(str::to_owned))
    }

    /// The application that an annotation of the entity means, for one environment.
    fn annotated(&self, service: &Service, column: &Column<'_>, control: &Cluster) -> Option<Arc<Thing>> {
        let Column { environment, instance, .. } = column;
        let picture = control.picture();
        let named = |name: &str| picture.find(ThingKind::Application, &instance.namespace, name);
        let found: Vec<Arc<Thing>> = match (&service.app_name, &service.app_selector) {
            (Some(name), _) => {
                [named(name), named(&format!("{name}-{}", environment.name))].into_iter().flatten().collect()
            }
            (None, Some(selector)) => {
                let is_meant = |thing: &Thing| selector.matches(thing);
                picture.select(ThingKind::Application, Some(&instance.namespace), is_meant)
            }
            (None, None) => Vec::new(),
        };
        let is_here = |thing: &Arc<Thing>| match thing.label("environment") {
            Some(label) => label == environment.name,
            None => Report::of(thing).is_some_and(|report| {
                report.destination.0 == environment.server && thing.name.ends_with(&environment.name)
            }),
        };
        // One application and one environment need no label.
        let only = found.len() == 1 && self.environments.len() == 1;
        found.into_iter().find(|thing| only || is_here(thing))
    }
}

/// What an object of Argo CD says, with the image that is the service's own.
pub(super) fn seen(thing: &Thing, instance: Instance, service: Option<&Service>) -> Option<Seen> {
    let report = Report::of(thing)?;
    let version = service.and_then(|service| own_image(service, &report));
    Some(Seen { name: thing.name.to_string(), instance, report, version })
}

/// The image that is the service's own: named like it, or the only one.
fn own_image(service: &Service, report: &Report) -> Option<Version> {
    let versions: Vec<Version> = report.images.iter().map(|image| Version::parse(image)).collect();
    let last = |version: &Version| version.image.rsplit('/').next().unwrap_or_default().to_owned();
    let repository = service.repository.as_deref().and_then(|name| name.rsplit('/').next()).unwrap_or_default();
    let named = versions.iter().find(|one| [service.reference.name(), repository].contains(&last(one).as_str()));
    named.or_else(|| versions.first()).cloned()
}

/// The filter for an owner or a system.
pub(crate) fn belongs(catalog: &Catalog, service: &Service, relation: &str, target: &EntityRef) -> bool {
    let index = catalog.index();
    let Some(record) = index.get(&service.reference) else { return false };
    record.relations().iter().any(|one| one.kind == relation && one.target == target.to_string())
}
