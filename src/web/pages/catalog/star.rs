//! Starring entities: one from its page, several from the list.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use serde::Deserialize;

use super::entity::record;
use crate::catalog::Catalog;
use crate::preference::Preferences;
use crate::web::extract::{Answer, EntityPath, Form};
use crate::web::session::Viewer;
use crate::web::url as link;

#[derive(Deserialize)]
pub(super) struct Starring {
    /// `yes` or `no`.
    starred: String,
    /// Where to go on.
    #[serde(default)]
    next: String,
}

/// `POST …/star`
pub(super) async fn one(
    State(catalog): State<Catalog>,
    State(preferences): State<Preferences>,
    viewer: Viewer,
    EntityPath(reference): EntityPath,
    Form(form): Form<Starring>,
) -> Answer {
    // What is gone from the catalog can lose its star, but gets none.
    let starred = form.starred == "yes";
    if starred {
        record(&catalog, &viewer, &reference)?;
    }
    preferences.star(&viewer.credentials, std::slice::from_ref(&reference), starred).await?;
    let next = if form.next.is_empty() { link::entity(&reference) } else { link::same_site(&form.next).to_owned() };
    Ok(Redirect::to(&next).into_response())
}
