//! What a form's pickers offer: entities of the catalog, owners of repositories, tags in use.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::field::{Offered, Offers, OptionView};
use crate::catalog::{Catalog, Direction, EntityFilter, EntityQuery, Order};
use crate::entity::EntityRef;
use crate::forge::{Forge as _, LocalForge, RepoUrl};
use crate::scaffolder::form::{EntityChoice, Field, Own};
use crate::web::Site;
use crate::web::error::Error;
use crate::web::pages::shown;
use crate::web::session::Viewer;
use crate::web::url as link;

/// More entities than this are not listed: the rest is searched for, or written.
const LISTED: usize = 500;

/// Choices from this portal for this viewer.
pub(super) struct PortalOffers<'a> {
    catalog: &'a Catalog,
    viewer: &'a Viewer,
    site: &'a Site,
    forge: &'a LocalForge,
    hosts: Vec<(String, String)>,
    owners: Vec<String>,
    /// The branches that fields ask for, by the names of the fields.
    branches: HashMap<String, Vec<String>>,
}

impl<'a> PortalOffers<'a> {
    /// Looks up what cannot be asked for while a page is rendered.
    pub(super) async fn load(
        catalog: &'a Catalog,
        forge: &'a LocalForge,
        site: &'a Site,
        viewer: &'a Viewer,
    ) -> Result<Self, Error> {
        let repositories = forge.list(None).await?;
        let owners: BTreeSet<String> = repositories.iter().map(|repository| repository.id.owner().to_owned()).collect();
        let hosts = vec![(forge.host().to_owned(), format!("This portal ({})", forge.host()))];
        let owners = owners.into_iter().collect();
        Ok(Self { catalog, viewer, site, forge, hosts, owners, branches: HashMap::new() })
    }

    /// The same with the branches that these fields ask for; a repository that is not there has none.
    pub(super) async fn with_branches<'f>(
        mut self,
        fields: impl Iterator<Item = &'f Field>,
        values: &Map<String, Value>,
    ) -> Self {
        for field in fields {
            let Some(repository) = field.repository(values) else { continue };
            let url = repository.parse::<RepoUrl>().ok().filter(|url| url.host.eq_ignore_ascii_case(self.forge.host()));
            let Some(id) = url.and_then(|url| url.repository().ok()) else { continue };
            let branches = self.forge.branches(&id).await.unwrap_or_default();
            self.branches.insert(field.name.clone(), branches.into_iter().map(|branch| branch.name).collect());
        }
        self
    }
}

/// The entities of a picker, by name; with words, those that have them all.
pub(super) fn offered(catalog: &Catalog, viewer: &Viewer, choice: &EntityChoice, words: &str, limit: usize) -> Offered {
    let by_name = Order { field: "metadata.name".to_owned(), order: Direction::Asc };
    let query = EntityQuery {
        filter: choice.catalog_filter().and(own(viewer, choice.own)),
        search: Some(words.trim().to_owned()).filter(|words| !words.is_empty()),
        order: vec![by_name],
        keep_missing: true,
        limit: Some(limit),
        ..EntityQuery::default()
    };
    let page = catalog.query(&viewer.credentials, &query);
    let option = |record: &std::sync::Arc<crate::catalog::Record>| OptionView {
        label: record.title.to_string(),
        hint: record.reference.short(None),
        ..OptionView::plain(record.reference.to_string())
    };
    Offered { is_whole: page.total <= page.items.len(), options: page.items.iter().map(option).collect() }
}

/// What is the person's own.
fn own(viewer: &Viewer, own: Own) -> EntityFilter {
    let mine = viewer.credentials.ownership();
    let one = |reference: &EntityRef| {
        EntityFilter::All(vec![
            EntityFilter::is("kind", reference.kind()),
            EntityFilter::is("metadata.namespace", reference.namespace()),
            EntityFilter::is("metadata.name", reference.name()),
        ])
    };
    match own {
        Own::Anyone => EntityFilter::default(),
        Own::Groups => EntityFilter::Any(mine.iter().map(one).collect()),
        Own::Owned => EntityFilter::In("relations.ownedby".to_owned(), mine.iter().map(ToString::to_string).collect()),
    }
}

impl Offers for PortalOffers<'_> {
    fn entities(&self, choice: &EntityChoice) -> Offered {
        offered(self.catalog, self.viewer, choice, "", LISTED)
    }

    fn branches(&self, field: &str) -> Vec<String> {
        self.branches.get(field).cloned().unwrap_or_default()
    }

    fn hosts(&self) -> Vec<(String, String)> {
        self.hosts.clone()
    }

    fn owners(&self) -> Vec<String> {
        self.owners.clone()
    }

    fn tags(&self, kinds: &[String]) -> Vec<(String, usize)> {
        let filter = if kinds.is_empty() {
            EntityFilter::default()
        } else {
            EntityFilter::In("kind".to_owned(), kinds.iter().map(|kind| kind.to_lowercase()).collect())
        };
        let facets = self.catalog.facets(&self.viewer.credentials, &filter, &["metadata.tags".to_owned()]);
        facets.into_iter().flat_map(|(_, values)| values).collect()
    }

    fn clone_pattern(&self) -> String {
        let example = self.site.absolute(&link::git("OWNER", "REPO"));
        shown::pattern(&example, &[("OWNER", "{owner}"), ("REPO", "{repo}")])
    }
}
