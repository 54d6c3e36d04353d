//! What happens to one entity between its document and the store.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::catalog::config::CatalogConfig;
use crate::catalog::descriptor::{Draft, Fault, Seems};
use crate::catalog::location::LocationRef;
use crate::catalog::reader::Reader;
use crate::catalog::record::digest;
use crate::entity::{
    self, Edge, Entity, MANAGED_BY_LOCATION, MANAGED_BY_ORIGIN_LOCATION, SOURCE_LOCATION, VIEW_URL, ValidationError,
};

/// What an entity is made with: everything that its result depends on beside its text. Cheap to clone.
#[derive(Clone)]
pub(super) struct Process {
    pub(super) reader: Reader,
    pub(super) config: Arc<CatalogConfig>,
    pub(super) root: Arc<LocationRef>,
    /// Hash of program and rules.
    pub(super) rules: Arc<str>,
}

impl Process {
    pub(super) fn new(reader: &Reader, config: &Arc<CatalogConfig>, root: &LocationRef) -> Self {
        let rules = digest(format!("{} {}", env!("CARGO_PKG_VERSION"), config.fingerprint(root)).as_bytes());
        let (reader, config) = (reader.clone(), Arc::clone(config));
        Self { reader, config, root: Arc::new(root.clone()), rules: rules.into() }
    }

    /// Changes when the same text of a file would give something else.
    pub(super) fn context(&self, location: &LocationRef) -> String {
        digest(format!("{} {:?}", self.rules, self.reader.browse(location)).as_bytes())
    }

    /// Refuses an entity of a kind that may not come from here.
    pub(super) fn permit(&self, draft: Draft, location: &LocationRef) -> Result<Draft, Box<Fault>> {
        if self.config.allows(&draft.entity, &self.root) {
            return Ok(draft);
        }
        let message = format!(
            "Entity {} at {location}, originated at {}, is not of an allowed kind for that location",
            draft.entity.reference(),
            self.root
        );
        Err(Box::new(Fault {
            error: ValidationError::new("NotAllowedError", message).at("/kind"),
            place: Some(draft.place("/kind")),
            seems: Seems { kind: Some(draft.entity.kind().to_owned()), name: Some(draft.entity.name().to_owned()) },
        }))
    }

    /// Everything between an entity whose placeholders are replaced and what is stored.
    /// With the relations it states.
    pub(super) fn finish(
        &self,
        mut entity: Entity,
        location: &LocationRef,
    ) -> Result<(Entity, Vec<Edge>), ValidationError> {
        entity::sort_references(&mut entity);
        let edges = entity::check(&self.config.model, &entity)?;
        Ok((self.annotate(entity, location), edges))
    }

    /// Adds the namespace and where the entity comes from, as Backstage does.
    pub(super) fn annotate(&self, mut entity: Entity, location: &LocationRef) -> Entity {
        let Some(Value::Object(metadata)) = entity.0.get_mut("metadata") else {
            return entity;
        };
        metadata.entry("namespace").or_insert_with(|| json!("default"));
        let written = match metadata.shift_remove("annotations") {
            Some(Value::Object(written)) => written,
            _ => Map::new(),
        };
        let mut annotations = Map::new();
        annotations.insert(MANAGED_BY_LOCATION.to_owned(), json!(location.to_string()));
        annotations.insert(MANAGED_BY_ORIGIN_LOCATION.to_owned(), json!(self.root.to_string()));
        if let Some((view, folder)) = self.reader.browse(location) {
            annotations.insert(VIEW_URL.to_owned(), json!(view));
            if let Some(folder) = folder {
                annotations.insert(SOURCE_LOCATION.to_owned(), json!(format!("url:{folder}")));
            }
        }
        for (key, value) in written {
            if key != MANAGED_BY_LOCATION && key != MANAGED_BY_ORIGIN_LOCATION {
                annotations.insert(key, value);
            }
        }
        metadata.insert("annotations".to_owned(), Value::Object(annotations));
        Self::guarded(entity)
    }

    /// Adds the namespace, and takes out addresses that a browser would run.
    pub(super) fn guarded(mut entity: Entity) -> Entity {
        let Some(Value::Object(metadata)) = entity.0.get_mut("metadata") else {
            return entity;
        };
        metadata.entry("namespace").or_insert_with(|| json!("default"));
        let Some(Value::Object(annotations)) = metadata.get_mut("annotations") else {
            return entity;
        };
        for key in [VIEW_URL, "backstage.io/edit-url"] {
            if let Some(value) = annotations.get_mut(key)
                && value.as_str().is_some_and(is_script)
            {
                *value = json!("https://backstage.io/annotation-rejected-for-security-reasons");
            }
        }
        entity
    }
}

/// Whether a browser would run the URL as a script; control characters and blanks before the scheme do not stop it.
fn is_script(url: &str) -> bool {
    let scheme: String = url.chars().filter(|c| !c.is_whitespace() && !c.is_control()).take(11).collect();
    scheme.eq_ignore_ascii_case("javascript:")
}
