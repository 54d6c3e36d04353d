//! Expressions that YAML takes for something else because they are not quoted.
//!
//! Three ways to lose one: ` #` begins a comment, so the text ends before its `}}`; a text that begins with `{{` is a
//! map in a map; `: ` inside makes the line a map, and in `[…]` and `{…}` the braces belong to the list or map, both of
//! which YAML refuses. The last two are no document any more, so [`hint`] is asked where reading failed.

use serde_json::Value;

use super::super::expression::Engine;
use super::super::schema::escape;
use super::super::template::{Rule, Source, Template, TemplateProblem, texts};
use crate::yaml::Position;

/// What to do where a file could not be read, if an expression is on that line or the one before.
pub(crate) fn hint(text: &str, position: Position) -> Option<&'static str> {
    let lines: Vec<&str> = text.lines().collect();
    let at = usize::try_from(position.line).ok()?.checked_sub(1)?;
    let near = [Some(at), at.checked_sub(1)].into_iter().flatten().filter_map(|line| lines.get(line));
    near.into_iter()
        .any(|line| is_bare(line))
        .then_some("a text with an expression must be in quotes here: key: \"${{ … }}\"")
}

/// Whether an expression of the line is outside of quotes.
fn is_bare(line: &str) -> bool {
    let Some(at) = line.find("{{") else { return false };
    let before = &line[..at];
    ['"', '\''].iter().all(|quote| before.matches(*quote).count().is_multiple_of(2))
}

/// Texts that a comment cut, and maps that were meant as expressions.
pub(super) fn check(template: &Template, engine: &Engine, source: &Source) -> Vec<TemplateProblem> {
    let cut = texts(template).into_iter().filter(|text| engine.references(&text.source).is_err()).filter_map(|text| {
        let line = source.line_of(&text.pointer)?;
        let (_, rest) = line.split_once("{{")?;
        let is_cut = is_bare(line) && rest.split_once(" #").is_some_and(|(before, _)| !before.contains("}}"));
        let message = "YAML reads what follows ` #` as a comment, so the expression has no end; put the text in quotes";
        is_cut.then(|| TemplateProblem::new(text.pointer, message).of(Rule::UnquotedExpression))
    });
    let mut found: Vec<TemplateProblem> = cut.collect();
    for key in ["steps", "output"] {
        if let Some(value) = template.entity.at(&["spec", key]) {
            braces(value, &format!("/spec/{key}"), source, &mut found);
        }
    }
    found
}

/// Maps that are written `{{ … }}`.
fn braces(value: &Value, pointer: &str, source: &Source, found: &mut Vec<TemplateProblem>) {
    if value.is_object() && source.starts_with(pointer, "{{") {
        let message = "YAML reads `{{ … }}` as a map; write \"${{ … }}\"";
        return found.push(TemplateProblem::new(pointer, message).of(Rule::UnquotedExpression));
    }
    match value {
        Value::Object(keys) => {
            for (key, value) in keys {
                braces(value, &format!("{pointer}/{}", escape(key)), source, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                braces(item, &format!("{pointer}/{index}"), source, found);
            }
        }
        _ => {}
    }
}
