//! What a form of the import says: which locations, which repositories, and what their descriptors have in common.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};
use url::Url;

use crate::catalog::{Catalog, EntityFilter};
use crate::entity::EntityRef;
use crate::forge::{FileLocation, Forges, RepositoryId};
use crate::import::{Answers, DESCRIPTOR, Draft, ImportError, LIFECYCLES, NewItem, Work};
use crate::web::error::Error;
use crate::web::session::Viewer;

/// Repositories that are asked for their description at a time.
const AT_ONCE: usize = 8;
/// Types that are offered wherever nothing has one yet.
const TYPES: [&str; 3] = ["library", "service", "website"];
/// Owners that are offered.
const OWNERS: usize = 2000;

/// What is offered for the fields that all descriptors have in common.
pub(super) struct Choices {
    /// Reference and title.
    pub(super) owners: Vec<(String, String)>,
    pub(super) lifecycles: [&'static str; 3],
    /// Types in use.
    pub(super) types: Vec<String>,
}

impl Choices {
    pub(super) fn offered(catalog: &Catalog, viewer: &Viewer) -> Self {
        let index = catalog.index();
        let owners = index.records().filter(|record| matches!(record.reference.kind(), "group" | "user"));
        let owners = owners.map(|record| (record.reference.to_string(), record.title.to_string()));
        let mut owners: Vec<(String, String)> = owners.take(OWNERS).collect();
        // Groups first: their references sort so.
        owners.sort();
        let components = EntityFilter::is("kind", "component");
        let used = catalog.facets(&viewer.credentials, &components, &["spec.type".to_owned()]);
        let used = used.into_iter().flat_map(|(_, values)| values).map(|(value, _)| value);
        let types: BTreeSet<String> = TYPES.map(str::to_owned).into_iter().chain(used).collect();
        Self { owners, lifecycles: LIFECYCLES, types: types.into_iter().collect() }
    }
}

/// What was chosen.
#[derive(Default)]
pub(super) struct Chosen {
    /// Locations to register: target, and how it is named.
    pub(super) locations: Vec<Location>,
    /// Descriptors to propose.
    pub(super) drafts: Vec<Draft>,
}

/// A location that is chosen.
pub(super) struct Location {
    pub(super) target: String,
    host: String,
    repository: RepositoryId,
    pub(super) path: String,
}

impl Location {
    pub(super) fn name(&self) -> String {
        format!("{}: {}", self.repository, self.path)
    }
}

impl Chosen {
    /// Reads locations, and drafts that were shown before.
    pub(super) fn read(forges: &Forges, pairs: &[(String, String)]) -> Result<Self, Error> {
        let mut chosen = Self::default();
        let mut repository = None;
        for (name, value) in pairs {
            match name.as_str() {
                "register" => chosen.locations.push(location(forges, value)?),
                "repository" => repository = Some(place(value)?),
                "text" => {
                    // A text belongs to the repository that stands before it.
                    let (host, repository) = repository.take().ok_or_else(|| unreadable(name))?;
                    // Browsers send lines as they did in the age of teletypes.
                    chosen.drafts.push(Draft { host, repository, text: value.replace("\r\n", "\n") });
                }
                _ => {}
            }
        }
        Ok(chosen)
    }

    /// Drafts a descriptor for every repository that is to get one.
    pub(super) async fn draft(
        &mut self,
        forges: &Forges,
        catalog: &Catalog,
        pairs: &[(String, String)],
    ) -> Result<(), ImportError> {
        let places: Vec<&String> = pairs.iter().filter(|(name, _)| name == "add").map(|(_, value)| value).collect();
        if places.is_empty() {
            if self.locations.is_empty() {
                return Err(ImportError::Invalid(
                    "nothing was chosen; go back and mark what is to be registered or added".to_owned(),
                ));
            }
            return Ok(());
        }
        let answers = answers(catalog, pairs)?;
        let draft = |value: &String| {
            let (value, answers) = (value.clone(), answers.clone());
            async move {
                let (host, id) = place(&value).map_err(|error| ImportError::Invalid(error.to_string()))?;
                let forge = forges.by_host(&host)?;
                Draft::new(&**forge, &forge.find(&id).await?, &answers)
            }
        };
        let drafts: Vec<Result<Draft, ImportError>> = stream::iter(places).map(draft).buffered(AT_ONCE).collect().await;
        self.drafts = drafts.into_iter().collect::<Result<_, _>>()?;
        Ok(())
    }

    /// As the import takes them.
    pub(super) fn items(&self) -> Vec<NewItem> {
        let locations = self.locations.iter().map(|location| NewItem {
            host: location.host.clone(),
            repository: location.repository.clone(),
            path: location.path.clone(),
            work: Work::Register(location.target.clone()),
        });
        let drafts = self.drafts.iter().map(|draft| NewItem {
            host: draft.host.clone(),
            repository: draft.repository.clone(),
            path: DESCRIPTOR.to_owned(),
            work: Work::Propose(draft.text.clone()),
        });
        locations.chain(drafts).collect()
    }

    /// What the button says.
    pub(super) fn button(&self) -> String {
        let counted = crate::web::pages::shown::count;
        let registered = format!("Register {}", counted(self.locations.len(), "location", "locations"));
        let proposed = counted(self.drafts.len(), "pull request", "pull requests");
        match (self.locations.is_empty(), self.drafts.is_empty()) {
            (_, true) => registered,
            (true, false) => format!("Open {proposed}"),
            (false, false) => format!("{registered} and open {proposed}"),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.locations.is_empty() && self.drafts.is_empty()
    }
}

fn answers(catalog: &Catalog, pairs: &[(String, String)]) -> Result<Answers, ImportError> {
    let value = |wanted: &str| {
        let found = pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.trim());
        found.filter(|value| !value.is_empty()).ok_or_else(|| {
            ImportError::Invalid(format!("the new descriptors need an answer for `{wanted}`; go back and give one"))
        })
    };
    let owner: EntityRef = value("owner")?
        .parse()
        .map_err(|_| ImportError::Invalid("the owner is no reference of a group or user".to_owned()))?;
    if catalog.index().get(&owner).is_none() {
        return Err(ImportError::Invalid(format!("the catalog has no {owner} that could own anything")));
    }
    Ok(Answers { owner, lifecycle: value("lifecycle")?.to_owned(), component_type: value("type")?.to_owned() })
}

/// `host/owner/name`
fn place(value: &str) -> Result<(String, RepositoryId), Error> {
    let (host, repository) = value.split_once('/').ok_or_else(|| unreadable(value))?;
    let repository = repository.parse().map_err(|_| unreadable(value))?;
    Ok((host.to_owned(), repository))
}

fn location(forges: &Forges, target: &str) -> Result<Location, Error> {
    let url = Url::parse(target).map_err(|_| unreadable(target))?;
    let (forge, FileLocation { repository, path, .. }) = forges.locate(&url).ok_or_else(|| unreadable(target))?;
    Ok(Location { target: target.to_owned(), host: forge.host().to_owned(), repository, path })
}

fn unreadable(value: &str) -> Error {
    Error::Input(format!("the form cannot be read: {value:?} does not belong there"))
}
