//! Greenroom.
#![expect(dead_code, reason = "being assembled")]
mod catalog;
mod db;
mod entity;
mod forge;
mod permission;
mod yaml;
