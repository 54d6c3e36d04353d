//! What is done with several chosen entities of the list at once: starring them, reading their sources again.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;

use crate::catalog::Catalog;
use crate::entity::EntityRef;
use crate::preference::Preferences;
use crate::web::error::Error;
use crate::web::extract::{Answer, Form};
use crate::web::session::Viewer;
use crate::web::url as link;

/// Entities that can be chosen: those of a page.
const MOST: usize = 100;
/// Sources that are read at a time.
const AT_ONCE: usize = 4;

#[derive(Deserialize)]
pub(super) struct Chosen {
    #[serde(default, rename = "entity")]
    entities: Vec<String>,
    /// `star`, `unstar` or `refresh`.
    act: String,
    /// The list.
    #[serde(default)]
    next: String,
}

/// `POST /catalog/bulk`
pub(super) async fn order(
    State(catalog): State<Catalog>,
    State(preferences): State<Preferences>,
    viewer: Viewer,
    Form(chosen): Form<Chosen>,
) -> Answer {
    let who = &viewer.credentials;
    let references = references(&chosen)?;
    match chosen.act.as_str() {
        "star" => preferences.star(who, &references, true).await?,
        "unstar" => preferences.star(who, &references, false).await?,
        "refresh" => {
            // Entities of one source need one reading.
            let by_source: BTreeMap<_, _> = references
                .iter()
                .filter_map(|reference| Some((catalog.entity(who, reference)?.source.clone(), reference.clone())))
                .collect();
            let one = |reference: EntityRef| {
                let (catalog, who) = (catalog.clone(), who.clone());
                async move { catalog.refresh(&who, &reference).await }
            };
            let readings: Vec<_> = by_source.into_values().map(one).collect();
            stream::iter(readings).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        }
        other => return Err(Error::Input(format!("nothing is called `{other}`; choose star, unstar or refresh"))),
    }
    Ok(Redirect::to(link::same_site(&chosen.next)).into_response())
}

fn references(chosen: &Chosen) -> Result<Vec<EntityRef>, Error> {
    if chosen.entities.is_empty() {
        return Err(Error::Input("choose at least one entity of the list".to_owned()));
    }
    if chosen.entities.len() > MOST {
        return Err(Error::Input(format!("at most {MOST} entities can be chosen at once")));
    }
    let read = |text: &String| text.parse().map_err(|error| Error::Input(format!("{text} is no reference: {error}")));
    chosen.entities.iter().map(read).collect()
}
