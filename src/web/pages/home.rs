//! `GET /`: search, create, and what is mine.

use askama::Template;

use super::shown::EntityLink;
use super::task::RunRow;
use crate::web::page::Chrome;

/// The start page.
#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage {
    pub(crate) chrome: Chrome,
    /// The groups the viewer owns by.
    pub(crate) groups: Vec<EntityLink>,
    /// What the viewer and their groups own.
    pub(crate) mine: Vec<OwnedRow>,
    /// How much that is in all.
    pub(crate) mine_total: usize,
    /// The list of all of it.
    pub(crate) mine_link: String,
    /// The viewer's newest runs.
    pub(crate) runs: Vec<RunRow>,
    pub(crate) systems: Vec<SystemCard>,
    /// How many entities there are, by kind.
    pub(crate) kinds: Vec<KindCount>,
}

/// One entity of the viewer's.
pub(crate) struct OwnedRow {
    pub(crate) entity: EntityLink,
    pub(crate) kind_of: String,
    pub(crate) lifecycle: Option<String>,
    pub(crate) owner: Option<EntityLink>,
    pub(crate) about: String,
}

/// One system of the organisation.
pub(crate) struct SystemCard {
    pub(crate) link: String,
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) owner: Option<EntityLink>,
    /// `4 components`, `2 APIs`.
    pub(crate) parts: Vec<String>,
}

/// A kind with its number and its list.
pub(crate) struct KindCount {
    pub(crate) label: String,
    pub(crate) icon: String,
    pub(crate) count: usize,
    pub(crate) link: String,
}

impl HomePage {
    /// The page's heading.
    fn greeting(&self) -> String {
        let name = self.chrome.person.as_ref().map(|person| person.name.as_str()).unwrap_or_default();
        if name.is_empty() { "Welcome".to_owned() } else { format!("Hello, {name}") }
    }
}
