//! Why an entity is here: from itself over its file and the locations that lead there to who registered the first.

use crate::catalog::{Catalog, Record};
use crate::entity::VIEW_URL;
use crate::forge::Forges;
use crate::web::pages::shown::EntityLink;
use crate::web::session::Viewer;
use crate::web::url as link;

/// The chain, nearest first.
pub(super) struct Ancestry(pub(super) Vec<Step>);

/// One step of it.
pub(super) struct Step {
    pub(super) icon: &'static str,
    /// What this step is: `Declared in`.
    pub(super) label: &'static str,
    pub(super) entity: Option<EntityLink>,
    /// Text and where it leads.
    pub(super) place: Option<(String, Option<String>)>,
}

impl Ancestry {
    /// Collects the chain of an entity.
    pub(super) async fn load(catalog: &Catalog, forges: &Forges, viewer: &Viewer, record: &Record) -> Self {
        let chain = catalog.ancestry(&viewer.credentials, &record.reference);
        let mut steps = Vec::new();
        let mut file: Option<String> = None;
        for (number, (ancestor, _)) in chain.iter().enumerate() {
            // The location of the registration itself is told by the last step.
            if number > 0 && ancestor.parent.is_none() {
                continue;
            }
            let entity = Some(EntityLink::titled(&ancestor.reference, &*ancestor.title));
            let label = if number == 0 { "This entity" } else { "Named by the location" };
            let icon = if number == 0 { "info" } else { "location" };
            steps.push(Step { icon, label, entity, place: None });
            if file.as_deref() != Some(&*ancestor.location) {
                let view = ancestor.entity().annotation(VIEW_URL).map(str::to_owned);
                let place = Some(super::entity::named(forges, &ancestor.location, view.as_deref()));
                steps.push(Step { icon: "file", label: "Declared in", entity: None, place });
            }
            file = Some(ancestor.location.to_string());
        }
        steps.push(root(catalog, viewer, record).await);
        Self(steps)
    }
}

/// Who brought the first location in.
async fn root(catalog: &Catalog, viewer: &Viewer, record: &Record) -> Step {
    let registered = catalog.location_by_entity(&viewer.credentials, &record.reference).await.ok();
    let is_configured = catalog.is_configured(&record.source);
    let (label, text, leads) = match registered {
        Some(location) if !is_configured => ("Registered as", location.reference(), Some(link::location(location.id))),
        Some(location) => ("Configured as", location.reference(), Some(link::location(location.id))),
        None => ("Brought in by the configuration", record.source.to_string(), Some(link::locations())),
    };
    Step { icon: "register", label, entity: None, place: Some((text, leads)) }
}
