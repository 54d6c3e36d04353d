//! Definitions of every format, read and compared.

use super::*;

#[test]
fn nothing() {}
