//! What the handler of every tab of an entity starts from: who looks, at what, and what stands at its top.

use std::sync::Arc;

use axum::extract::{FromRef as _, FromRequestParts, MatchedPath};
use axum::http::request::Parts;

use super::entity::{Head, record};
use crate::catalog::{Catalog, Record};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::extract::EntityPath;
use crate::web::page::Chrome;
use crate::web::session::Viewer;

/// A tab of an entity's page; which one, the route says.
pub(super) struct Tab {
    pub(super) catalog: Catalog,
    pub(super) viewer: Viewer,
    pub(super) record: Arc<Record>,
    pub(super) head: Head,
}

impl Tab {
    /// What stands around the page.
    pub(super) fn chrome(&self) -> Chrome {
        self.head.chrome(&self.viewer)
    }
}

impl FromRequestParts<AppState> for Tab {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        let viewer = Viewer::from_request_parts(parts, state).await?;
        let EntityPath(reference) = EntityPath::from_request_parts(parts, state).await?;
        let catalog = Catalog::from_ref(state);
        let record = record(&catalog, &viewer, &reference)?;
        let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let stars = state.site.at_hand(state.preferences.starred(&viewer.credentials)).await?;
        let mut head = Head::new(&catalog, &state.pipelines, &viewer, &record, name_of(route));
        head.starred = stars.contains(&reference);
        Ok(Self { catalog, viewer, record, head })
    }
}

/// `ci` of `/catalog/{namespace}/{kind}/{name}/ci/runs/{run}`; nothing of the overview.
fn name_of(route: &str) -> &str {
    route.split('/').nth(5).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_route_names_the_tab() {
        assert_eq!(name_of("/catalog/{namespace}/{kind}/{name}"), "");
        assert_eq!(name_of("/catalog/{namespace}/{kind}/{name}/history"), "history");
        assert_eq!(name_of("/catalog/{namespace}/{kind}/{name}/ci/runs/{run}"), "ci");
    }
}
