//! Looks at a template's text without a catalog: what authors and editors ask.

use super::action::ActionRegistry;
use super::context::Engines;
use super::template::{Source, Template};
use crate::entity::Entity;
use crate::yaml::Positions;

/// The template of an entity, with problems and notes placed in the text it was written in.
pub(crate) fn lint(entity: &Entity, positions: Positions, text: &str, actions: &ActionRegistry) -> Template {
    let mut template = Template::parse(entity, "", Engines::new().values(), actions);
    template.place(&Source::new(positions, Some(text)));
    template
}
