//! Names that more than one source claims: who has the name, and who else wants it.

use uuid::Uuid;

use super::entity::named;
use crate::catalog::{Catalog, CatalogError, Holder, Problem, Record};
use crate::forge::Forges;
use crate::web::Site;
use crate::web::pages::shown::Moment;
use crate::web::session::Viewer;
use crate::web::url as link;

/// A file and the source that leads to it, each with the page where it is seen, if there is one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: (String, Option<String>),
    /// None if the file is the source.
    pub(super) source: Option<(String, Option<String>)>,
}

/// The claims to the name of an entity.
pub(super) struct Contest {
    pub(super) holder: Place,
    pub(super) claims: Vec<(Place, Moment)>,
}

/// Finds the pages of places.
pub(super) struct Places<'a> {
    pub(super) forges: &'a Forges,
    /// Registered locations by reference.
    registered: Vec<(String, Uuid)>,
}

impl<'a> Places<'a> {
    /// With the locations that have a page of their own.
    pub(super) async fn load(catalog: &Catalog, forges: &'a Forges, viewer: &Viewer) -> Result<Self, CatalogError> {
        let locations = catalog.locations(&viewer.credentials).await?;
        let registered = locations.iter().map(|location| (location.reference(), location.id)).collect();
        Ok(Self { forges, registered })
    }

    /// A root location: the page where it is unregistered, else its file's.
    pub(super) fn source(&self, reference: &str) -> (String, Option<String>) {
        let (name, page) = named(self.forges, reference, None);
        let registered = self.registered.iter().find(|(known, _)| known == reference);
        (name, registered.map(|(_, id)| link::location(*id)).or(page))
    }

    /// A file and its source.
    pub(super) fn place(&self, source: &str, location: &str) -> Place {
        if source == location {
            return Place { file: self.source(source), source: None };
        }
        Place { file: named(self.forges, location, None), source: Some(self.source(source)) }
    }

    /// Who has the name that a problem is a claim to.
    pub(super) fn holder(&self, problem: &Problem) -> Option<Place> {
        let Holder { source, location } = problem.holder.as_ref()?;
        Some(self.place(source, location))
    }
}

impl Contest {
    /// What others claim of an entity; none if nobody does, or while the database that knows is away.
    pub(super) async fn load(
        catalog: &Catalog,
        forges: &Forges,
        site: &Site,
        viewer: &Viewer,
        record: &Record,
    ) -> Option<Self> {
        let claims = site.at_hand(catalog.claims(&viewer.credentials, &record.reference)).await.ok()?;
        if claims.is_empty() {
            return None;
        }
        let places = Places::load(catalog, forges, viewer).await.ok()?;
        let holder = places.place(&record.source, &record.location);
        let claim = |claim: &Problem| (places.place(&claim.source, &claim.location), Moment(claim.since));
        Some(Self { holder, claims: claims.iter().map(claim).collect() })
    }
}
