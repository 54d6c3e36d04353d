//! What a form's pickers offer: entities of the catalog, owners of repositories, tags in use.
//!
//! Owners and branches are asked of the forges of the hosts that the form's fields name; a forge that does not answer in
//! time offers nothing, and an owner is written.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use serde_json::{Map, Value};

use super::field::{Offered, Offers, OptionView};
use crate::catalog::{Catalog, Direction, EntityFilter, EntityQuery, Order};
use crate::entity::EntityRef;
use crate::forge::{Forges, RepoUrl};
use crate::scaffolder::form::{EntityChoice, Field, FieldKind, Own, each, host_of, takes_token};
use crate::web::Site;
use crate::web::pages::shown;
use crate::web::session::Viewer;
use crate::web::url as link;

/// More entities than this are not listed: the rest is searched for, or written.
const LISTED: usize = 500;
/// How long a form waits for a forge.
const PATIENCE: Duration = Duration::from_secs(2);

/// Choices from this portal for this viewer.
pub(super) struct PortalOffers<'a> {
    catalog: &'a Catalog,
    viewer: &'a Viewer,
    site: &'a Site,
    forges: &'a Forges,
    hosts: Vec<(String, String)>,
    /// The owners at the hosts that fields ask for.
    owners: HashMap<String, Vec<String>>,
    /// The branches that fields ask for, by the names of the fields.
    branches: HashMap<String, Vec<String>>,
}

impl<'a> PortalOffers<'a> {
    /// Nothing of the forges yet.
    pub(super) fn new(catalog: &'a Catalog, forges: &'a Forges, site: &'a Site, viewer: &'a Viewer) -> Self {
        let label = |host: &str| if takes_token(host) { host.to_owned() } else { format!("This portal ({host})") };
        let hosts = forges.hosts().map(|host| (host.to_owned(), label(host))).collect();
        Self { catalog, viewer, site, forges, hosts, owners: HashMap::new(), branches: HashMap::new() }
    }

    /// Looks up what these fields offer and cannot be asked for while a page is rendered.
    pub(super) async fn with_fields(mut self, fields: &[&Field], values: &Map<String, Value>) -> Self {
        let mut all = Vec::new();
        for field in fields {
            each(std::slice::from_ref(field), &mut |field| all.push(field));
        }
        for field in all {
            match &field.kind {
                FieldKind::RepoUrl(choice) if choice.owners.is_none() => {
                    let chosen = Some(host_of(&field.value)).filter(|host| !host.is_empty());
                    let host = chosen.or(choice.hosts.first().map(String::as_str));
                    self.ask_owners(host).await;
                }
                FieldKind::RepoOwner { host, allowed: None, .. } => self.ask_owners(host.as_deref()).await,
                FieldKind::RepoBranch { .. } => self.ask_branches(field, values).await,
                _ => {}
            }
        }
        self
    }

    /// Who owns repositories at a host; without one, at the first there is.
    async fn ask_owners(&mut self, host: Option<&str>) {
        let Some(host) = host.map(str::to_owned).or_else(|| Some(self.hosts.first()?.0.clone())) else { return };
        let Some(forge) = self.forges.by_host(&host).ok().filter(|_| !self.owners.contains_key(&host)) else { return };
        let Ok(Ok(repositories)) = tokio::time::timeout(PATIENCE, forge.list(None)).await else { return };
        let owners: BTreeSet<String> = repositories.iter().map(|repository| repository.id.owner().to_owned()).collect();
        self.owners.insert(host, owners.into_iter().collect());
    }

    /// The branches that a field asks for; a repository that is not there has none.
    async fn ask_branches(&mut self, field: &Field, values: &Map<String, Value>) {
        let url = field.repository(values).and_then(|repository| repository.parse::<RepoUrl>().ok());
        let forge = url.as_ref().and_then(|url| Some((self.forges.by_repo_url(url).ok()?, url.repository().ok()?)));
        let Some((forge, id)) = forge else { return };
        let Ok(Ok(branches)) = tokio::time::timeout(PATIENCE, forge.branches(&id)).await else { return };
        self.branches.insert(field.name.clone(), branches.into_iter().map(|branch| branch.name).collect());
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

    fn owners(&self, host: &str) -> Vec<String> {
        self.owners.get(host).cloned().unwrap_or_default()
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
