//! Greenroom.
#![expect(dead_code, reason = "being assembled")]
#![allow(unused_imports, reason = "being assembled")]
mod auth;
mod db;
mod entity;
mod permission;
mod telemetry;
mod web;
