//! Greenroom.
#![expect(dead_code, reason = "being assembled")]
mod entity;
mod permission;
