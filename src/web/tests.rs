//! The whole router against a real Postgres.

mod client;
mod hygiene;

pub(crate) use client::TestApp;
