//! Entity references: `[kind:][namespace/]name`.
//!
//! References compare without regard to case; the canonical form is all lower-case, as Backstage's
//! `stringifyEntityRef` prints it. Format: <https://backstage.io/docs/features/software-catalog/references>.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A whole, canonical (lower-case) reference to an entity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct EntityRef {
    kind: String,
    namespace: String,
    name: String,
}

/// What a reference that leaves parts out is completed with.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RefDefaults<'a> {
    /// Kind when none is written; without one, the kind must be written.
    pub(crate) kind: Option<&'a str>,
    /// Namespace when none is written; `default` without one.
    pub(crate) namespace: Option<&'a str>,
}

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EntityRefError {
    /// Not of the form at all.
    #[error("entity reference \"{0}\" is not of the form [<kind>:][<namespace>/]<name>")]
    Malformed(String),
    /// No kind, and no default for it.
    #[error("entity reference \"{0}\" had missing or empty kind (e.g. did not start with \"component:\" or similar)")]
    MissingKind(String),
}

impl EntityRef {
    /// Builds a reference from its parts; case is folded.
    pub(crate) fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self { kind: kind.to_lowercase(), namespace: namespace.to_lowercase(), name: name.to_lowercase() }
    }

    /// Parses a reference that may leave out what `defaults` gives.
    pub(crate) fn parse(text: &str, defaults: RefDefaults<'_>) -> Result<Self, EntityRefError> {
        let malformed = || EntityRefError::Malformed(text.to_owned());
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (Some(kind), rest),
            None => (None, text),
        };
        let (namespace, name) = match rest.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, rest),
        };
        let blank = |part: &str| part.trim().is_empty() || part.contains([':', '/']);
        if blank(name) || kind.is_some_and(blank) || namespace.is_some_and(blank) {
            return Err(malformed());
        }
        let kind = kind.or(defaults.kind).ok_or_else(|| EntityRefError::MissingKind(text.to_owned()))?;
        Ok(Self::new(kind.trim(), namespace.or(defaults.namespace).unwrap_or("default").trim(), name.trim()))
    }

    /// Kind, lower-case.
    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    /// Namespace, lower-case.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Name, lower-case.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The shortest form a person reads: no `default` namespace, and no kind where it is the expected one.
    pub(crate) fn short(&self, expected_kind: Option<&str>) -> String {
        let name = match self.namespace.as_str() {
            "default" => self.name.clone(),
            namespace => format!("{namespace}/{}", self.name),
        };
        if expected_kind == Some(self.kind.as_str()) { name } else { format!("{}:{name}", self.kind) }
    }
}

impl fmt::Display for EntityRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}/{}", self.kind, self.namespace, self.name)
    }
}

impl FromStr for EntityRef {
    type Err = EntityRefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text, RefDefaults::default())
    }
}

impl From<EntityRef> for String {
    fn from(reference: EntityRef) -> Self {
        reference.to_string()
    }
}

impl TryFrom<String> for EntityRef {
    type Error = EntityRefError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_completed_and_folded() {
        let group = RefDefaults { kind: Some("group"), namespace: Some("labs") };
        let cases: &[(&str, RefDefaults<'_>, Result<&str, &str>)] = &[
            ("component:default/a", RefDefaults::default(), Ok("component:default/a")),
            ("Component:Web/A.b", RefDefaults::default(), Ok("component:web/a.b")),
            ("payments", group, Ok("group:labs/payments")),
            ("user:jo", group, Ok("user:labs/jo")),
            ("other/payments", group, Ok("group:other/payments")),
            ("payments", RefDefaults::default(), Err("missing or empty kind")),
            ("a:b:c", group, Err("is not of the form")),
            ("a/b/c", group, Err("is not of the form")),
            (":a", group, Err("is not of the form")),
            ("", group, Err("is not of the form")),
        ];
        for (text, defaults, expected) in cases {
            match (EntityRef::parse(text, *defaults), expected) {
                (Ok(parsed), Ok(canonical)) => assert_eq!(parsed.to_string(), *canonical),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{text}: {error}"),
                (got, wanted) => panic!("{text}: got {got:?}, wanted {wanted:?}"),
            }
        }
    }

    #[test]
    fn short_form_leaves_out_what_is_expected() {
        let reference: EntityRef = "group:default/payments".parse().unwrap();
        assert_eq!(reference.short(Some("group")), "payments");
        assert_eq!(reference.short(None), "group:payments");
        assert_eq!(EntityRef::new("group", "labs", "x").short(Some("group")), "labs/x");
    }
}
