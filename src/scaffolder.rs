//! Scaffolder.
pub(crate) mod form;
mod schema;
