//! References to places: `type:target`, as Backstage writes them.

use std::fmt;
use std::sync::Arc;

/// Where something is read from: `file:/srv/catalog/all.yaml`, `url:https://…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LocationRef {
    /// `file` or `url`.
    pub(crate) kind: String,
    /// A path or a URL.
    pub(crate) target: String,
    /// What its entity is called if that is not made from the rest: it had another target before.
    name: Option<Arc<str>>,
    /// Whether it is in order that nothing is there.
    is_optional: bool,
}

impl LocationRef {
    /// `kind:target`
    pub(crate) fn new(kind: impl Into<String>, target: impl Into<String>) -> Self {
        Self { kind: kind.into(), target: target.into(), name: None, is_optional: false }
    }

    /// The same place, whose entity has a name from before.
    pub(crate) fn named(self, name: Option<String>) -> Self {
        Self { name: name.map(Arc::from), ..self }
    }

    /// The same place, where it may be in order that nothing is there.
    pub(crate) fn optional(self, is_optional: bool) -> Self {
        Self { is_optional, ..self }
    }

    /// Whether it is in order that nothing is there.
    pub(crate) fn is_optional(&self) -> bool {
        self.is_optional
    }

    /// Parses `type:target`; a bare URL is not one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (kind, target) = text.split_once(':')?;
        let is_reference = !kind.is_empty() && !target.is_empty() && !matches!(kind, "http" | "https");
        is_reference.then(|| Self::new(kind, target))
    }

    /// Whether it is read with a URL.
    pub(crate) fn is_url(&self) -> bool {
        self.kind == "url"
    }

    /// Whether it is read from this machine's disk.
    pub(crate) fn is_file(&self) -> bool {
        self.kind == "file"
    }

    /// The name of the `Location` entity that stands for a root: Backstage's `generated-<sha1>`.
    pub(crate) fn entity_name(&self) -> String {
        if let Some(name) = &self.name {
            return name.to_string();
        }
        let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
        hasher.update(self.to_string().as_bytes());
        // Finalising fails only on a collision attack, which would name two places alike; the text itself tells them apart.
        hasher.try_finalize().map_or_else(|_| format!("generated-{self}"), |id| format!("generated-{id}"))
    }
}

impl fmt::Display for LocationRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.kind, self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_parsed_and_named() {
        let check = |text: &str| LocationRef::parse(text).map(|location| (location.kind, location.target));
        assert_eq!(check("url:https://a/b"), Some(("url".into(), "https://a/b".into())));
        assert_eq!(check("file:/x"), Some(("file".into(), "/x".into())));
        assert_eq!(check("https://a/b"), None);
        assert_eq!(check("nope"), None);
        // Recorded from Backstage.
        let fresh = LocationRef::new("url", "http://localhost:7099/fresh.yaml");
        assert_eq!(fresh.entity_name(), "generated-a6464ac8664f724b3e0b9e10eaf124e98a42570a");
        assert_eq!(fresh.named(Some("kept".to_owned())).entity_name(), "kept");
    }
}
