//! Entity references: `[kind:][namespace/]name`.
//!
//! References compare without regard to case; the canonical form is all lower-case, as Backstage's
//! `stringifyEntityRef` prints it. Format: <https://backstage.io/docs/features/software-catalog/references>.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A whole, canonical (lower-case) reference to an entity.
/// One shared text, cheap to copy.
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct EntityRef {
    text: Arc<str>,
    colon: u32,
    slash: u32,
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
        let (text, colon, slash) = folded(kind, namespace, name);
        Self { text: text.into(), colon, slash }
    }

    /// The same, sharing the text of the reference if it is the one that is known.
    pub(crate) fn shared(known: &Arc<str>, kind: &str, namespace: &str, name: &str) -> Self {
        let (text, colon, slash) = folded(kind, namespace, name);
        let text = if *text == **known { Arc::clone(known) } else { text.into() };
        Self { text, colon, slash }
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
        &self.text[..self.colon as usize]
    }

    /// Namespace, lower-case.
    pub(crate) fn namespace(&self) -> &str {
        &self.text[self.colon as usize + 1..self.slash as usize]
    }

    /// Name, lower-case.
    pub(crate) fn name(&self) -> &str {
        &self.text[self.slash as usize + 1..]
    }

    /// The whole reference.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The shortest form a person reads: no `default` namespace, and no kind where it is the expected one.
    pub(crate) fn short(&self, expected_kind: Option<&str>) -> String {
        let name = match self.namespace() {
            "default" => self.name().to_owned(),
            namespace => format!("{namespace}/{}", self.name()),
        };
        if expected_kind == Some(self.kind()) { name } else { format!("{}:{name}", self.kind()) }
    }
}

fn push_lowercase(text: &mut String, part: &str) {
    let start = text.len();
    if part.is_ascii() {
        text.push_str(part);
        text[start..].make_ascii_lowercase();
    } else {
        text.push_str(&part.to_lowercase());
    }
}

/// The text of a reference, and where its colon and its slash are.
fn folded(kind: &str, namespace: &str, name: &str) -> (String, u32, u32) {
    let mut text = String::with_capacity(kind.len() + namespace.len() + name.len() + 2);
    // Whoever has four gigabytes for one name has other troubles.
    let end = |text: &String| u32::try_from(text.len()).unwrap_or(u32::MAX);
    push_lowercase(&mut text, kind);
    let colon = end(&text);
    text.push(':');
    push_lowercase(&mut text, namespace);
    let slash = end(&text);
    text.push('/');
    push_lowercase(&mut text, name);
    (text, colon, slash)
}

impl PartialEq for EntityRef {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for EntityRef {}

impl Hash for EntityRef {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// By kind, then namespace, then name.
impl Ord for EntityRef {
    fn cmp(&self, other: &Self) -> Ordering {
        self.kind()
            .cmp(other.kind())
            .then_with(|| self.namespace().cmp(other.namespace()))
            .then_with(|| self.name().cmp(other.name()))
    }
}

impl PartialOrd for EntityRef {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for EntityRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EntityRef({})", self.text)
    }
}

impl fmt::Display for EntityRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
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
