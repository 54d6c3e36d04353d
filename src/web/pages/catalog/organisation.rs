//! `GET /organisation`: the tree of groups, and what nobody looks after.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use crate::ownership::{GroupNode, Ownership};
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::pages::shown::EntityLink;
use crate::web::session::Viewer;
use crate::web::url as link;

/// The organisation.
#[derive(Template)]
#[template(path = "catalog/organisation.html")]
pub(super) struct OrganisationPage {
    chrome: Chrome,
    groups: Vec<GroupRow>,
    more: usize,
    loose: usize,
    unowned: usize,
    unowned_link: String,
    lost: usize,
    lost_link: String,
}

/// A line of the tree.
struct GroupRow {
    group: EntityLink,
    kind_of: String,
    /// Levels above it, as far as the page shows them.
    depth: usize,
    members: usize,
    owned: usize,
    owned_link: String,
    owned_in_all: usize,
    all_link: String,
}

impl GroupRow {
    fn new(node: &GroupNode) -> Self {
        let reference = node.record.reference.to_string();
        let owned_by = |owner: &str| link::catalog_where(&[("kind", "all"), ("owner", owner)]);
        Self {
            group: EntityLink::titled(&node.record.reference, &*node.record.title),
            kind_of: kind_of(&node.record.json),
            depth: node.depth.min(8),
            members: node.members,
            owned: node.owned,
            owned_link: owned_by(&reference),
            owned_in_all: node.owned_in_all,
            all_link: owned_by(&format!("under:{reference}")),
        }
    }
}

/// `spec.type` of a document; of hundreds of groups nothing else is wanted.
fn kind_of(document: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Typed {
        spec: Spec,
    }
    #[derive(Deserialize)]
    struct Spec {
        r#type: String,
    }
    serde_json::from_slice(document).map(|Typed { spec }| spec.r#type).unwrap_or_default()
}

/// Shows the tree.
pub(super) async fn show(State(ownership): State<Ownership>, viewer: Viewer) -> PageResult<OrganisationPage> {
    let organisation = ownership.organisation(&viewer.credentials);
    Ok(Page(OrganisationPage {
        chrome: viewer.chrome(Area::Catalog, "Organisation"),
        groups: organisation.groups.iter().map(GroupRow::new).collect(),
        more: organisation.more,
        loose: organisation.loose,
        unowned: organisation.unowned,
        unowned_link: link::catalog_where(&[("kind", "all"), ("owner", "none")]),
        lost: organisation.lost,
        lost_link: link::catalog_where(&[("kind", "all"), ("state", "lost")]),
    }))
}
