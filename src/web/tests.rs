//! The whole router against a real Postgres.

mod client;
mod git;
mod golden;
mod hygiene;

pub(crate) use client::TestApp;
