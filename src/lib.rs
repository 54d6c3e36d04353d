//! Greenroom.
#![expect(dead_code, reason = "being assembled")]
mod app;
mod auth;
mod catalog;
pub mod cli;
mod config;
mod db;
mod delivery;
mod entity;
mod forge;
mod permission;
mod scaffolder;
mod telemetry;
mod web;
mod yaml;
#[cfg(test)]
mod tests;
