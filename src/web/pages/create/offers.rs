//! What a form's pickers offer: entities of the catalog, owners of repositories, tags in use.

use std::collections::BTreeSet;

use super::field::{Offers, OptionView};
use crate::catalog::{Catalog, Direction, EntityFilter, EntityQuery, Order};
use crate::entity::EntityRef;
use crate::forge::{Forge as _, LocalForge};
use crate::scaffolder::form::{EntityChoice, Own};
use crate::web::Site;
use crate::web::error::Error;
use crate::web::pages::shown;
use crate::web::session::Viewer;
use crate::web::url as link;

/// More entities than this are not listed; such a picker takes a typed reference.
const LISTED: usize = 2000;

/// Choices from this portal for this viewer.
pub(super) struct PortalOffers<'a> {
    catalog: &'a Catalog,
    viewer: &'a Viewer,
    site: &'a Site,
    hosts: Vec<(String, String)>,
    owners: Vec<String>,
}

impl<'a> PortalOffers<'a> {
    /// Looks up what cannot be asked for while a page is rendered.
    pub(super) async fn load(
        catalog: &'a Catalog,
        forge: &LocalForge,
        site: &'a Site,
        viewer: &'a Viewer,
    ) -> Result<Self, Error> {
        let repositories = forge.list(None).await?;
        let owners: BTreeSet<String> = repositories.iter().map(|repository| repository.id.owner().to_owned()).collect();
        let hosts = vec![(forge.host().to_owned(), format!("This portal ({})", forge.host()))];
        Ok(Self { catalog, viewer, site, hosts, owners: owners.into_iter().collect() })
    }

    fn is_offered(&self, own: Own, reference: &EntityRef, owners: &[String]) -> bool {
        let mine = self.viewer.credentials.ownership();
        match own {
            Own::Anyone => true,
            Own::Groups => mine.contains(reference),
            Own::Owned => mine.iter().any(|owner| owners.contains(&owner.to_string())),
        }
    }
}

impl Offers for PortalOffers<'_> {
    fn entities(&self, choice: &EntityChoice) -> Vec<OptionView> {
        let by_name = Order { field: "metadata.name".to_owned(), order: Direction::Asc };
        let query = EntityQuery {
            filter: choice.catalog_filter(),
            order: vec![by_name],
            keep_missing: true,
            limit: Some(LISTED),
            ..EntityQuery::default()
        };
        let found = self.catalog.query(&self.viewer.credentials, &query).items;
        let offered = found.iter().filter(|record| {
            let relations = record.relations().into_iter().filter(|relation| relation.kind == "ownedBy");
            let owners: Vec<String> = relations.map(|relation| relation.target).collect();
            self.is_offered(choice.own, &record.reference, &owners)
        });
        let option = |record: &std::sync::Arc<crate::catalog::Record>| OptionView {
            label: record.title.to_string(),
            hint: record.reference.short(None),
            ..OptionView::plain(record.reference.to_string())
        };
        offered.map(option).collect()
    }

    fn hosts(&self) -> Vec<(String, String)> {
        self.hosts.clone()
    }

    fn owners(&self) -> Vec<String> {
        self.owners.clone()
    }

    fn tags(&self, kinds: &[String]) -> Vec<String> {
        let filter = if kinds.is_empty() {
            EntityFilter::default()
        } else {
            EntityFilter::In("kind".to_owned(), kinds.iter().map(|kind| kind.to_lowercase()).collect())
        };
        let facets = self.catalog.facets(&self.viewer.credentials, &filter, &["metadata.tags".to_owned()]);
        facets.into_iter().flat_map(|(_, values)| values).map(|(tag, _)| tag).collect()
    }

    fn clone_pattern(&self) -> String {
        let example = self.site.absolute(&link::git("OWNER", "REPO"));
        shown::pattern(&example, &[("OWNER", "{owner}"), ("REPO", "{repo}")])
    }
}
