//! The pages through the real router.

mod approvals;
mod authors;
mod ci;
mod definitions;
mod docs;
mod editor;
mod flags;
mod forms;
mod graph;
mod image;
mod import;
mod lists;
mod origins;
mod personal;
mod portal;
mod pulls;
mod search;
mod story;
mod tokens;
