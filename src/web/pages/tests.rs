//! The pages through the real router.

mod approvals;
mod authors;
mod editor;
mod flags;
mod forms;
mod origins;
mod portal;
mod pulls;
mod story;
mod tokens;
