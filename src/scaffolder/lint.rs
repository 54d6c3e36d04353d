//! Looks at a template's text without a catalog: what authors and editors ask.
//!
//! What keeps a template from running is told by [`Template::parse`], for the portal and for authors alike. Here is
//! what only its author needs to hear, because a run goes on in spite of it, with a value that is not there: names of
//! parameters, outputs and inputs that nobody declares (`parameters`, `steps`), steps that are not there or run later (a
//! note of the template, an error here), and texts that YAML or a condition takes for something else (`quoting`, `steps`).

mod parameters;
mod quoting;
mod steps;

use super::action::{ActionRegistry, distance};
use super::context::Engines;
use super::template::{Rule, Source, Template, TemplateProblem};
use crate::entity::Entity;
use crate::yaml::Positions;

pub(crate) use self::quoting::hint as quoting_hint;

/// Most letters that a name may be off to be meant.
const NEAR: usize = 2;

/// How much is said of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    /// What the portal says.
    Portal,
    /// What its author wants to know, too.
    Author,
}

/// The template of an entity, with problems and notes placed in the text it was written in.
pub(crate) fn lint(
    entity: &Entity,
    positions: Positions,
    text: &str,
    actions: &ActionRegistry,
    care: Care,
) -> Template {
    let engines = Engines::new();
    let mut template = Template::parse(entity, "", engines.values(), actions);
    let source = Source::new(positions, Some(text));
    if care == Care::Author {
        let engine = engines.values();
        let reads_nothing = |note: &TemplateProblem| matches!(note.rule, Rule::UnknownStep | Rule::LaterStep);
        let (nothing, notes) = std::mem::take(&mut template.notes).into_iter().partition(reads_nothing);
        template.notes = notes;
        template.problems.extend::<Vec<_>>(nothing);
        let (mut errors, mut warnings) = parameters::check(&template, engine);
        errors.extend(steps::unknown_outputs(&template, engine, actions));
        errors.extend(steps::constant_conditions(&template, engine));
        warnings.extend(steps::unknown_inputs(&template, actions));
        errors.extend(quoting::check(&template, engine, &source));
        template.problems.extend(errors);
        template.notes.extend(warnings);
    }
    template.place(&source);
    template
}

/// `; did you mean …?`, if one of the names is close.
fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let is_near = |off: usize| off <= NEAR && 2 * off <= name.chars().count();
    let near = known.map(|known| (distance(known, name), known)).filter(|(off, _)| is_near(*off)).min();
    near.map(|(_, known)| format!("; did you mean `{known}`?")).unwrap_or_default()
}

/// Once for each place and message.
fn distinct(mut problems: Vec<TemplateProblem>) -> Vec<TemplateProblem> {
    let mut seen = std::collections::HashSet::new();
    problems.retain(|problem| seen.insert((problem.pointer.clone(), problem.message.clone())));
    problems
}

#[cfg(test)]
mod tests;
