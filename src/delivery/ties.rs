//! A service: a catalog entity with what ties it to applications and to objects on clusters.
//!
//! Backstage's annotations say it (`argocd/app-name`, `argocd/app-selector`, `backstage.io/kubernetes-id`, …); where they
//! do not, the applications that runs declared from the entity's repository are its own.

use url::Url;

use super::{Delivery, DeliveryError};
use crate::catalog::{Catalog, LocationRef, Record};
use crate::cluster::{Selector, SelectorError};
use crate::entity::{Entity, EntityRef, SOURCE_LOCATION};
use crate::forge::Forges;

/// Names one application.
const APP_NAME: &str = "argocd/app-name";
/// Names applications by their labels.
const APP_SELECTOR: &str = "argocd/app-selector";
/// Names objects by the label of the same name.
pub(crate) const KUBERNETES_ID: &str = "backstage.io/kubernetes-id";
/// Names objects by their labels; goes before the id.
const LABEL_SELECTOR: &str = "backstage.io/kubernetes-label-selector";
/// Only this namespace.
const NAMESPACE: &str = "backstage.io/kubernetes-namespace";
/// Only this cluster.
const CLUSTER: &str = "backstage.io/kubernetes-cluster";

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    /// Its entity.
    pub(crate) reference: EntityRef,
    /// What people call it.
    pub(crate) title: String,
    /// `host/owner/repository` that it is in.
    pub(crate) repository: Option<String>,
    /// One application by name.
    pub(super) app_name: Option<String>,
    /// Applications by labels.
    pub(super) app_selector: Option<Selector>,
    /// Objects on clusters.
    pub(crate) objects: Option<Result<ObjectsWanted, SelectorError>>,
}

/// Which objects are a service's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectsWanted {
    /// By labels.
    pub(crate) selector: Selector,
    /// Only this namespace.
    pub(crate) namespace: Option<String>,
    /// Only this cluster.
    pub(crate) cluster: Option<String>,
}

/// Where objects are known to be a service's own.
///
/// An annotation that selects objects is a claim that anybody can write into a file of their own, so it alone lets nobody
/// read logs or restart a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trust {
    /// The entity's file is in a location that configuration names.
    everywhere: bool,
    /// Namespaces that applications of the service's own repository deploy to.
    namespaces: Vec<String>,
}

impl Trust {
    /// Whether a namespace's objects are known to be the service's, where its labels say so.
    pub(crate) fn holds(&self, namespace: &str) -> bool {
        self.everywhere || self.namespaces.iter().any(|own| own == namespace)
    }
}

impl Delivery {
    /// Where objects are known to be a service's own.
    pub(crate) async fn trust(
        &self,
        catalog: &Catalog,
        service: &Service,
        record: &Record,
    ) -> Result<Trust, DeliveryError> {
        let declared = match &service.repository {
            Some(repository) => self.applications(repository).await?,
            None => Vec::new(),
        };
        Ok(Trust {
            everywhere: catalog.is_configured(&record.source),
            namespaces: declared.into_iter().map(|application| application.namespace).collect(),
        })
    }
}

impl Service {
    /// What is known of an entity's service.
    pub(crate) fn of(forges: &Forges, record: &Record) -> Self {
        let entity = &record.entity();
        let annotation = |key: &str| entity.annotation(key).map(str::trim).filter(|value| !value.is_empty());
        let objects = match (annotation(LABEL_SELECTOR), annotation(KUBERNETES_ID)) {
            (Some(selector), _) => Some(Selector::parse(selector)),
            (None, Some(id)) => Some(Ok(Selector::label(KUBERNETES_ID, id))),
            (None, None) => None,
        };
        let wanted = |selector| ObjectsWanted {
            selector,
            namespace: annotation(NAMESPACE).map(str::to_owned),
            cluster: annotation(CLUSTER).map(str::to_owned),
        };
        Self {
            reference: record.reference.clone(),
            title: entity.title().to_owned(),
            repository: repository(forges, entity, &record.location),
            app_name: annotation(APP_NAME).map(str::to_owned),
            app_selector: annotation(APP_SELECTOR).and_then(|selector| Selector::parse(selector).ok()),
            objects: objects.map(|parsed| parsed.map(wanted)),
        }
    }
}

/// `host/owner/repository` of where an entity's source is.
fn repository(forges: &Forges, entity: &Entity, location: &str) -> Option<String> {
    let mut written = entity.annotation(SOURCE_LOCATION).into_iter().chain([location]);
    written.find_map(|location| {
        let location = LocationRef::parse(location).filter(LocationRef::is_url)?;
        let url = Url::parse(&location.target).ok()?;
        let (forge, file) = forges.locate(&url)?;
        Some(format!("{}/{}", forge.host(), file.repository))
    })
}
