//! `GET /catalog/changes`: tells open pages that the catalog changed, or the one entity they show; they then fetch what
//! they show again (`live-part.js`).

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::watch;

use crate::catalog::Catalog;
use crate::entity::EntityRef;
use crate::permission::Credentials;
use crate::web::error::Error;
use crate::web::extract::Query;
use crate::web::session::Viewer;
use crate::web::sse::Follower;

/// Many changes at once are told as one.
const SETTLING: Duration = Duration::from_millis(300);

#[derive(Deserialize)]
pub(super) struct Asked {
    /// A reference; the whole catalog without.
    #[serde(default)]
    about: String,
}

/// What is followed, and how it was when it was told of last.
struct Followed {
    catalog: Catalog,
    who: Credentials,
    about: Option<EntityRef>,
    seen: String,
    changes: watch::Receiver<i64>,
}

/// Streams an event for each change that whoever looks can see.
pub(super) async fn events(
    State(catalog): State<Catalog>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
    follower: Follower,
) -> Result<Response, Error> {
    let about = match asked.about.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|error| Error::Input(format!("`about`: {error}")))?),
    };
    // Before anything is looked at: a change in between is told.
    let changes = catalog.watch();
    let mut followed = Followed { who: viewer.credentials, about, seen: String::new(), changes, catalog };
    followed.seen = followed.state();
    Ok(follower.follow(stream::unfold(followed, |mut followed| async move {
        let event = followed.next().await?;
        Some((event, followed))
    })))
}

impl Followed {
    /// The next change; none once the catalog is gone.
    async fn next(&mut self) -> Option<Event> {
        loop {
            self.changes.changed().await.ok()?;
            tokio::time::sleep(SETTLING).await;
            self.changes.mark_unchanged();
            let state = self.state();
            if state != self.seen {
                self.seen.clone_from(&state);
                return Some(Event::default().event("changed").data(state));
            }
        }
    }

    /// Differs when what is followed differs.
    fn state(&self) -> String {
        match &self.about {
            None => self.catalog.version().to_string(),
            Some(about) => {
                self.catalog.entity(&self.who, about).map_or_else(String::new, |record| record.etag().to_owned())
            }
        }
    }
}
