//! Handing an entity over: another owner, proposed as a pull request to its descriptor.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use serde::Deserialize;

use super::entity::Head;
use super::tab::Tab;
use crate::catalog::{Catalog, EntityFilter, EntityQuery};
use crate::entity::{EntityRef, RefDefaults};
use crate::ownership::{Ownership, OwnershipError};
use crate::web::Site;
use crate::web::error::Error;
use crate::web::extract::{Answer, Form, Query};
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::pages::diff::Diff;
use crate::web::pages::shown::EntityLink;
use crate::web::session::Viewer;
use crate::web::url as link;

/// Owners that are offered as one types.
const OFFERED: usize = 500;

/// What would change.
#[derive(Template)]
#[template(path = "catalog/owner.html")]
pub(super) struct OwnerPage {
    chrome: Chrome,
    head: Head,
    /// What was written into the field.
    to: String,
    reason: String,
    /// Who could be chosen: reference and title.
    offered: Vec<(String, String)>,
    draft: Option<DraftView>,
    /// Why it cannot be done.
    refusal: Option<String>,
    /// The pull request that was opened elsewhere.
    proposed: Option<String>,
    post: String,
}

struct DraftView {
    owner: EntityLink,
    place: String,
    diff: Option<Diff>,
}

#[derive(Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    to: String,
    #[serde(default)]
    reason: String,
}

/// `GET …/owner`
pub(super) async fn show(
    tab: Tab,
    State(ownership): State<Ownership>,
    Query(asked): Query<Asked>,
) -> PageResult<OwnerPage> {
    let draft = match asked.to.trim() {
        "" => None,
        to => Some(match parse(&tab, to) {
            Ok(owner) => ownership.draft(&tab.record, &owner).await.map(|draft| (owner, draft)),
            Err(error) => Err(OwnershipError::Refused(error.to_string())),
        }),
    };
    let (draft, refusal) = match draft {
        None => (None, None),
        Some(Ok((owner, draft))) => {
            let view = DraftView {
                owner: EntityLink::find(&tab.catalog, &tab.viewer, &owner),
                place: format!("{}: {}", draft.file.repository, draft.file.path),
                diff: Diff::new(draft.file.path.clone(), &draft.before, &draft.after),
            };
            (Some(view), None)
        }
        Some(Err(OwnershipError::Refused(sentence))) => (None, Some(sentence)),
        Some(Err(OwnershipError::Forge(error))) => (None, Some(error.to_string())),
    };
    Ok(Page(OwnerPage { draft, refusal, ..page(tab, asked) }))
}

/// `POST …/owner`
pub(super) async fn propose(
    tab: Tab,
    State(ownership): State<Ownership>,
    State(site): State<Arc<Site>>,
    Form(asked): Form<Asked>,
) -> Answer {
    let owner = parse(&tab, asked.to.trim())?;
    let Tab { viewer, record, .. } = &tab;
    let url = ownership
        .transfer(&viewer.credentials, viewer.name(), record, &owner, &asked.reason)
        .await
        .map_err(Error::from)?;
    if url.origin() == site.base_url.origin() {
        return Ok(Redirect::to(url.path()).into_response());
    }
    // Browsers let no form lead to another site, so there is a page with the link.
    let page = OwnerPage { proposed: Some(url.to_string()), ..page(tab, asked) };
    Ok(Page(page).into_response())
}

/// The page before anything is looked at.
fn page(tab: Tab, asked: Asked) -> OwnerPage {
    OwnerPage {
        chrome: tab.chrome(),
        to: asked.to,
        reason: asked.reason,
        offered: offered(&tab.catalog, &tab.viewer),
        draft: None,
        refusal: None,
        proposed: None,
        post: link::entity_owner(&tab.record.reference, None),
        head: tab.head,
    }
}

/// An owner as people write one: a bare name is a group of the entity's namespace.
fn parse(tab: &Tab, text: &str) -> Result<EntityRef, Error> {
    let defaults = RefDefaults { kind: Some("group"), namespace: Some(tab.record.reference.namespace()) };
    EntityRef::parse(text, defaults).map_err(|error| Error::Input(format!("`{text}` is no owner: {error}")))
}

fn offered(catalog: &Catalog, viewer: &Viewer) -> Vec<(String, String)> {
    let kinds = ["group", "user"].map(str::to_owned).into();
    let query = EntityQuery {
        filter: EntityFilter::In("kind".to_owned(), kinds),
        limit: Some(OFFERED),
        ..EntityQuery::default()
    };
    let found = catalog.query(&viewer.credentials, &query).items;
    let mut offered: Vec<(String, String)> =
        found.iter().map(|record| (record.reference.to_string(), record.title.to_string())).collect();
    offered.sort();
    offered
}
