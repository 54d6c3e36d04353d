//! Greenroom, an internal developer portal in one process over one Postgres.
//!
//! It speaks Backstage's formats and REST API; everything else is its own. Three flows explain the rest:
//!
//! - **Reading**: a source (file, URL, repository) → descriptors → entities → one transaction of changes in Postgres →
//!   the index in memory that answers every read (`catalog`).
//! - **Running**: a template and its answers → a plan (files for real, outside effects in words) → a run whose steps are
//!   recorded one by one, in Postgres → events that pages, API and command line follow (`scaffolder`).
//! - **Showing**: a request → extractors (who is asking, for what) → one verb of a context → a page or JSON (`web`).
//!
//! # The house
//!
//! One file is a room's face, the folder of the same name its inside, private. A room imports from lower ranks only;
//! `tests/layering.rs` holds the table and enforces it.
//!
//! | rank | rooms |
//! | --- | --- |
//! | 0 | `entity`, `yaml`, `markdown`, `permission`, `db`, `telemetry`: know nothing of ours |
//! | 1 | `forge`: where repositories live, `cluster`: where services run, `registry`: where images are, `definition`: what APIs say |
//! | 2 | `catalog`, `notification`: what people are told, `preference`: what people set for themselves |
//! | 3 | `scaffolder`, `pipeline`: what runs in repositories, `event`: what forges tell, `announcement`: what everybody is told, `techdocs`: documentation |
//! | 4 | `delivery`, `auth`, `review`: checks on pull requests, `import`: bringing repositories in, `ownership`: who has what, `search` |
//! | 5 | `web`: the only room that knows HTTP and HTML |
//! | 6–8 | `config`, `app` (composition), `cli`; `fuzzing`, the doors for hostile bytes |
//!
//! # Invariants
//!
//! - Postgres is the truth. Memory follows it by the change log and can be thrown away at any time.
//! - SQL stands in stores, HTTP and HTML in `web`, the process environment in `config`.
//! - An outside effect of a run is noted before and after it happens, so nothing is done twice or claimed undone.
//! - What a person or a file gets wrong is an answer with its place (file, line, column, field), never a panic.

mod announcement;
mod app;
mod auth;
mod catalog;
pub mod cli;
mod cluster;
mod config;
mod db;
mod definition;
mod delivery;
mod entity;
mod event;
mod forge;
#[doc(hidden)]
pub mod fuzzing;
mod import;
mod markdown;
mod notification;
mod ownership;
mod permission;
mod pipeline;
mod preference;
mod registry;
mod review;
mod scaffolder;
mod search;
mod techdocs;
mod telemetry;
#[cfg(test)]
mod tests;
mod web;
mod yaml;
