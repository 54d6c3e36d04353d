//! Greenroom.
#![allow(dead_code, unused_imports, reason = "being assembled")]
mod auth;
mod catalog;
mod db;
mod entity;
mod forge;
mod permission;
mod scaffolder;
mod telemetry;
mod web;
mod yaml;
