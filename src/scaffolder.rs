//! Scaffolder.
mod expression;
mod form;
mod schema;
mod secret;
mod template;
mod workspace;
