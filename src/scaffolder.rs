//! Scaffolder.
mod form;
mod schema;
