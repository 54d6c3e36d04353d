//! Another owner in a descriptor, with everything else as it was written: comments, order, quotes.
//!
//! The positions of the YAML reader say where the owner stands; only that word is exchanged, or a line added where there
//! is none. The result is read again and must be the same but for the owner.

use serde_json::Value;

use crate::entity::{Entity, EntityRef};
use crate::yaml::{self, Document, Position};

const OWNER: &str = "/spec/owner";

/// A text with another owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edited {
    /// The whole text.
    pub(super) text: String,
    /// Who it was.
    pub(super) from: Option<String>,
}

/// The text with another owner of one entity, or why it cannot be made. `owner` is told how the owner is written now.
pub(super) fn with_owner(
    text: &str,
    entity: &EntityRef,
    owner: impl FnOnce(Option<&str>) -> String,
) -> Result<Edited, String> {
    let documents: Vec<Document> =
        yaml::documents(text).into_iter().collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let index = documents.iter().position(|document| is_of(document, entity));
    let index = index.ok_or_else(|| format!("{entity} is not in it any more"))?;
    let document = &documents[index];
    let owner = &*owner(document.value.pointer(OWNER).and_then(Value::as_str));
    let written = match document.value.pointer(OWNER) {
        Some(Value::String(from)) => exchanged(text, document, from, owner)?,
        Some(Value::Null) | None => added(text, document, owner)?,
        Some(_) => return Err("`spec.owner` is no text".to_owned()),
    };
    let from = document.value.pointer(OWNER).and_then(Value::as_str).map(str::to_owned);
    if !is_same_but(&documents, &written, index, owner) {
        let place = document.positions.nearest(OWNER);
        return Err(format!("the owner at line {} is written in a way that has to be changed by hand", place.line));
    }
    Ok(Edited { text: written, from })
}

fn is_of(document: &Document, entity: &EntityRef) -> bool {
    let Value::Object(map) = &document.value else { return false };
    let found = Entity(map.clone());
    EntityRef::new(found.kind(), found.namespace(), found.name()) == *entity
}

/// The owner's word exchanged.
fn exchanged(text: &str, document: &Document, from: &str, owner: &str) -> Result<String, String> {
    let place = document.positions.value(OWNER).ok_or("the owner's place is not known")?;
    let start = offset(text, place).ok_or("the owner's place is not known")?;
    let rest = &text[start..];
    let length = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map(|end| end + 2).unwrap_or_default(),
        _ => from.len(),
    };
    let is_word = rest.get(..length).is_some_and(|word| word.trim_matches(['"', '\'']) == from);
    if !is_word {
        return Err(format!("the owner at line {} is written in a way that has to be changed by hand", place.line));
    }
    Ok(format!("{}{}{}", &text[..start], plain(owner), &rest[length..]))
}

/// A line with the owner at the start of `spec`.
fn added(text: &str, document: &Document, owner: &str) -> Result<String, String> {
    let Some(Value::Object(spec)) = document.value.pointer("/spec") else {
        return Err("it has no `spec` to put the owner into".to_owned());
    };
    if spec.contains_key("owner") {
        return Err("its owner is empty; write one by hand".to_owned());
    }
    let first = spec.keys().next().ok_or("its `spec` is empty; write the owner by hand")?;
    let place = document.positions.key(&format!("/spec/{}", first.replace('~', "~0").replace('/', "~1")));
    let place = place.ok_or("the place of `spec` is not known")?;
    let start = offset(text, place).ok_or("the place of `spec` is not known")?;
    let line = text[..start].rfind('\n').map_or(0, |end| end + 1);
    let indent = &text[line..start];
    if !indent.chars().all(|letter| letter == ' ') {
        return Err("its `spec` is written in one line; write the owner by hand".to_owned());
    }
    Ok(format!("{}{indent}owner: {}\n{}", &text[..line], plain(owner), &text[line..]))
}

/// A reference as YAML reads it; those with a colon need no quotes, for no space follows it.
fn plain(owner: &str) -> String {
    let is_plain = owner.chars().next().is_some_and(|first| first.is_ascii_alphabetic())
        && owner.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_./:".contains(letter))
        && !matches!(owner, "true" | "false" | "null" | "yes" | "no" | "on" | "off");
    if is_plain { owner.to_owned() } else { format!("\"{owner}\"") }
}

/// The byte of a line and a column, which counts characters.
fn offset(text: &str, place: Position) -> Option<usize> {
    let line = usize::try_from(place.line).ok()?.checked_sub(1)?;
    let column = usize::try_from(place.column).ok()?.checked_sub(1)?;
    let start = if line == 0 { 0 } else { text.match_indices('\n').nth(line - 1)?.0 + 1 };
    let within = text[start..].char_indices().map(|(at, _)| at).chain([text.len() - start]).nth(column)?;
    Some(start + within)
}

/// Whether a text says the same as the documents, but for the owner of one.
fn is_same_but(documents: &[Document], text: &str, index: usize, owner: &str) -> bool {
    let Ok(written) = yaml::documents(text).into_iter().collect::<Result<Vec<_>, _>>() else { return false };
    let without = |value: &Value| {
        let mut value = value.clone();
        if let Some(spec) = value.pointer_mut("/spec").and_then(Value::as_object_mut) {
            spec.shift_remove("owner");
        }
        value
    };
    written.len() == documents.len()
        && written[index].value.pointer(OWNER).and_then(Value::as_str) == Some(owner)
        && documents.iter().zip(&written).enumerate().all(|(at, (old, new))| {
            if at == index { without(&old.value) == without(&new.value) } else { old.value == new.value }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(name: &str) -> EntityRef {
        EntityRef::new("component", "default", name)
    }

    const HEAD: &str = "kind: Component # here\nmetadata: {name: a}\n";

    #[test]
    fn only_the_owner_changes() {
        let cases = [
            ("spec:\n  owner: old # who\n  type: x\n", "spec:\n  owner: group:team/new # who\n  type: x\n"),
            ("spec:\n  type: x\n  owner: 'old'\n", "spec:\n  type: x\n  owner: group:team/new\n"),
            ("spec: {owner: \"old\", type: x}\n", "spec: {owner: group:team/new, type: x}\n"),
            ("spec: {type: ü, owner: old}", "spec: {type: ü, owner: group:team/new}"),
            ("spec:\r\n  owner: old\r\n", "spec:\r\n  owner: group:team/new\r\n"),
            ("spec:\n  owner: >-\n    old\n", "spec:\n  owner: >-\n    group:team/new\n"),
            ("spec:\n    type: x\n", "spec:\n    owner: group:team/new\n    type: x\n"),
        ];
        for (spec, expected) in cases {
            let edited =
                with_owner(&format!("{HEAD}{spec}"), &component("a"), |_| "group:team/new".to_owned()).unwrap();
            assert_eq!(edited.text, format!("{HEAD}{expected}"));
            assert_eq!(edited.from.as_deref(), spec.contains("old").then_some("old"));
        }
    }

    #[test]
    fn one_of_several_documents_is_meant() {
        let other = "kind: Component\nmetadata: {name: b}\nspec: {owner: old}\n";
        let text = format!("{other}---\n{HEAD}spec: {{owner: old}}\n---\n{other}");
        let edited = with_owner(&text, &component("a"), |_| "new".to_owned()).unwrap();
        assert_eq!(edited.text, format!("{other}---\n{HEAD}spec: {{owner: new}}\n---\n{other}"));
    }

    #[test]
    fn what_cannot_be_changed_is_said() {
        let cases = [
            ("kind: Component\nmetadata: {name: b}\n", "not in it any more"),
            ("kind: [\n", "line"),
            ("kind: Component\nmetadata: {name: a}\n", "no `spec`"),
            ("kind: Component\nmetadata: {name: a}\nspec: {type: x}\n", "by hand"),
            ("kind: Component\nmetadata: {name: a}\nspec: {owner: [x]}\n", "no text"),
            ("kind: Component\nmetadata: {name: a, owner: &o old}\nspec: {owner: *o}\n", "by hand"),
        ];
        for (text, expected) in cases {
            let refused = with_owner(text, &component("a"), |_| "new".to_owned()).unwrap_err();
            assert!(refused.contains(expected), "{text:?}: {refused}");
        }
    }
}
