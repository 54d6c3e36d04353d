//! Scaffolder.
mod action;
mod expression;
pub(crate) mod form;
mod log;
mod schema;
mod secret;
mod template;
mod workspace;
pub(crate) use action::*;
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct ScaffolderConfig {}
