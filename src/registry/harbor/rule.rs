//! Immutable tags: a rule for one image says which of its tags can neither be moved nor deleted.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, Harbor, gone};
use crate::registry::{ImageName, RegistryError};

/// A rule as Harbor tells it; only what tells it from others.
#[derive(Deserialize)]
struct Told {
    id: i64,
    #[serde(default)]
    tag_selectors: Vec<Selector>,
    #[serde(default)]
    scope_selectors: Scope,
}

#[derive(Default, Deserialize)]
struct Scope {
    #[serde(default)]
    repository: Vec<Selector>,
}

#[derive(Deserialize, PartialEq, Eq)]
struct Selector {
    decoration: String,
    pattern: String,
}

impl Selector {
    fn is(&self, decoration: &str, pattern: &str) -> bool {
        self.decoration == decoration && self.pattern == pattern
    }
}

impl Harbor<'_> {
    /// The number of the rule that keeps the tags of a pattern of an image, if there is one.
    pub(crate) async fn rule(&self, image: &ImageName, tags: &str) -> Result<Option<i64>, RegistryError> {
        let project = image.project().unwrap_or_default();
        let doing = format!("list the immutable tag rules of project {project}");
        let what = format!("project {project}");
        let path = ["projects", project, "immutabletagrules"];
        let found: Vec<Told> = self.list(&path, &[], &doing, &what).await?;
        let is_it = |one: &Told| {
            matches!(&one.tag_selectors[..], [tag] if tag.is("matches", tags))
                && matches!(&one.scope_selectors.repository[..], [of] if of.is("repoMatches", image.within()))
        };
        Ok(found.iter().find(|one| is_it(one)).map(|one| one.id))
    }

    /// Makes that rule. [`RegistryError::Conflict`] where there is such a one.
    pub(crate) async fn create_rule(&self, image: &ImageName, tags: &str) -> Result<(), RegistryError> {
        let project = image.project().unwrap_or_default();
        let doing = format!("make the tags {tags} of {image} immutable");
        let what = format!("project {project}");
        let selector = |decoration: &str, pattern: &str| -> Value {
            json!({"kind": "doublestar", "decoration": decoration, "pattern": pattern})
        };
        let body = json!({
            "action": "immutable",
            "template": "immutable_template",
            "disabled": false,
            "tag_selectors": [selector("matches", tags)],
            "scope_selectors": {"repository": [selector("repoMatches", image.within())]},
        });
        let path = ["projects", project, "immutabletagrules"];
        self.call(Call::new(Method::POST, &path, &doing, &what).body(body)).await.map(drop)
    }

    /// Deletes a rule; one that is gone already is no error.
    pub(crate) async fn delete_rule(&self, project: &str, id: i64) -> Result<(), RegistryError> {
        let doing = format!("delete an immutable tag rule of project {project}");
        let path = ["projects", project, "immutabletagrules", &id.to_string()];
        gone(self.call(Call::new(Method::DELETE, &path, &doing, "such rule")).await)
    }
}
