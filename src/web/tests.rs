//! The whole router against a real Postgres.

mod catalog;
mod client;
mod events;
mod faces;
mod git;
mod golden;
mod hygiene;
mod outage;
mod own;
mod rig;
mod scaffolder;
mod user_settings;

pub(crate) use client::{Answer, Options, TestApp};
