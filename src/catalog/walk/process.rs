//! What happens to one entity between its document and the store.

use serde_json::{Map, Value, json};

use super::Walker;
use crate::catalog::descriptor::Placeholders;
use crate::catalog::location::LocationRef;
use crate::entity::{
    self, Edge, Entity, MANAGED_BY_LOCATION, MANAGED_BY_ORIGIN_LOCATION, SOURCE_LOCATION, VIEW_URL, ValidationError,
};

impl Walker<'_> {
    /// Everything between what is written and what is stored, and the relations it states.
    pub(super) async fn process(
        &self,
        entity: Entity,
        location: &LocationRef,
    ) -> Result<(Entity, Vec<Edge>), ValidationError> {
        let placeholders = Placeholders { reader: self.reader, location };
        let mut entity = placeholders.replace(entity).await?;
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
        for key in [VIEW_URL, "backstage.io/edit-url"] {
            if let Some(value) = annotations.get_mut(key)
                && value.as_str().is_some_and(is_script)
            {
                *value = json!("https://backstage.io/annotation-rejected-for-security-reasons");
            }
        }
        metadata.insert("annotations".to_owned(), Value::Object(annotations));
        entity
    }
}

/// Whether a browser would run the URL as a script; control characters and blanks before the scheme do not stop it.
fn is_script(url: &str) -> bool {
    let scheme: String = url.chars().filter(|c| !c.is_whitespace() && !c.is_control()).take(11).collect();
    scheme.eq_ignore_ascii_case("javascript:")
}
