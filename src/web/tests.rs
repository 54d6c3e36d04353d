//! The whole router against a real Postgres.

mod client;
mod git;
mod golden;
mod hygiene;
mod rig;
