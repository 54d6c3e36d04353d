//! The format of names, labels, annotations, tags and links, in Backstage's rules and words.

use serde_json::Value;

use super::validation::pointer_step;
use super::{Entity, ValidationError};

const NAME: &str =
    "a string that is sequences of [a-zA-Z0-9] separated by any of [-_.], at most 63 characters in total";
const PREFIXED: &str = "a valid prefix and/or suffix";
const NAMESPACE: &str = "a string that is sequences of [a-z0-9] separated by [-], at most 63 characters in total";
const TAG: &str = "a string that is sequences of [a-z0-9+#] separated by [-], at most 63 characters in total";
const KIND: &str = "a string that is a sequence of [a-zA-Z][a-z0-9A-Z], at most 63 characters in total";
const URL: &str = "a string that is a valid url";
const NOT_EMPTY: &str = "a non empty string";

/// Checks an entity whose fields have the right types.
pub(super) fn check(entity: &Entity) -> Result<(), ValidationError> {
    let version = entity.text(&["apiVersion"]).unwrap_or_default();
    expect("apiVersion", version, prefixed(version, |name| word(name, 63, |c| c.is_ascii_alphanumeric())), PREFIXED)?;
    expect("kind", entity.kind(), is_kind(entity.kind()), KIND)?;
    expect("metadata.name", entity.name(), is_name(entity.name()), NAME)?;
    if let Some(namespace) = entity.text(&["metadata", "namespace"]) {
        expect("metadata.namespace", namespace, is_dns_label(namespace), NAMESPACE)?;
    }
    for (key, value) in texts(entity, "labels") {
        let field = format!("labels.{key}");
        expect(&field, key, prefixed(key, is_name), PREFIXED)?;
        expect(&field, value, value.is_empty() || is_name(value), NAME)?;
    }
    for (key, _) in texts(entity, "annotations") {
        expect(&format!("annotations.{key}"), key, prefixed(key, is_name), PREFIXED)?;
    }
    for (at, tag) in entity.tags().enumerate() {
        expect(&format!("tags.{at}"), tag, is_tag(tag), TAG)?;
    }
    for (at, link) in entity.links().iter().enumerate() {
        expect(&format!("links.{at}.url"), &link.url, url::Url::parse(&link.url).is_ok(), URL)?;
        for (name, value) in [("title", &link.title), ("icon", &link.icon)] {
            let value = value.as_deref();
            let filled = value.is_none_or(|value| !value.trim().is_empty());
            expect(&format!("links.{at}.{name}"), value.unwrap_or_default(), filled, NOT_EMPTY)?;
        }
    }
    Ok(())
}

fn expect(field: &str, found: &str, valid: bool, expected: &str) -> Result<(), ValidationError> {
    if valid {
        return Ok(());
    }
    let message = format!(
        "\"{field}\" is not valid; expected {expected} but found \"{found}\". To learn more about catalog file format, visit: https://github.com/backstage/backstage/blob/master/docs/architecture-decisions/adr002-default-catalog-file-format.md"
    );
    Err(ValidationError::new("Error", message).at(pointer(field)))
}

/// `labels.a/b` → `/metadata/labels/a~1b`.
fn pointer(field: &str) -> String {
    let Some((first, rest)) = field.split_once('.') else {
        return format!("/{field}");
    };
    match first {
        "metadata" => format!("/metadata/{rest}"),
        "links" => format!("/metadata/links/{}", rest.replace('.', "/")),
        map => format!("/metadata/{map}/{}", pointer_step(rest)),
    }
}

fn texts<'a>(entity: &'a Entity, field: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let map = entity.at(&["metadata", field]).and_then(Value::as_object);
    map.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

fn word(text: &str, limit: usize, allowed: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.len() <= limit && text.chars().all(allowed)
}

fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    word(text, 63, inner)
        && [text.chars().next(), text.chars().next_back()].iter().flatten().all(char::is_ascii_alphanumeric)
}

fn is_kind(text: &str) -> bool {
    word(text, 63, |c| c.is_ascii_alphanumeric()) && text.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn is_dns_label(text: &str) -> bool {
    word(text, 63, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_label)
}

fn is_tag(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '+' | '#');
    text.len() <= 63 && text.split('-').all(|part| word(part, 63, allowed))
}

/// `suffix` or `prefix/suffix`, where a prefix is a DNS name.
fn prefixed(text: &str, is_suffix: impl Fn(&str) -> bool) -> bool {
    match text.split_once('/') {
        None => is_suffix(text),
        Some((prefix, suffix)) => is_dns_subdomain(prefix) && is_suffix(suffix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: impl Fn(&str) -> bool, valid: &[&str], invalid: &[&str]) {
        for text in valid {
            assert!(rule(text), "{text:?} is valid");
        }
        for text in invalid {
            assert!(!rule(text), "{text:?} is invalid");
        }
    }

    #[test]
    fn formats_follow_the_rules() {
        let long = "a".repeat(64);
        check(is_name, &["a", "A.b-c_9", "a..b", &long[1..]], &["", "a-", "-a", "a b", "ä", &long]);
        check(is_kind, &["Component", "API2"], &["", "2A", "A B", "a-b", &long]);
        check(is_dns_label, &["default", "a--b", "9"], &["", "UPPER", "-a", "a-", "a.b", &long]);
        check(is_tag, &["java", "c++", "c#", "a-b"], &["", "Java", "a.b", "a--b", "-a", &long]);
        let label = |text: &str| prefixed(text, is_name);
        check(label, &["a", "example.com/a", "a.b/c_d"], &["", "a//b", "a/b/c", "A.com/x", "/a", "a/"]);
        let version = |text: &str| prefixed(text, |name| word(name, 63, |c| c.is_ascii_alphanumeric()));
        check(version, &["v1", "backstage.io/v1alpha1"], &["", "v1/v2/v3", "backstage.io/", "backstage.io/v-1"]);
    }

    #[test]
    fn fields_have_pointers() {
        assert_eq!(pointer("metadata.name"), "/metadata/name");
        assert_eq!(pointer("labels.a.b/c"), "/metadata/labels/a.b~1c");
        assert_eq!(pointer("links.0.url"), "/metadata/links/0/url");
        assert_eq!(pointer("kind"), "/kind");
    }
}
