//! Postgres' settings, all on its command line, so that a new version of the program brings them to old clusters.

use std::ffi::OsString;

use super::layout::Layout;
use super::{Durability, PORT};

/// For a portal with some thousand entities on a laptop or a small server.
const ALWAYS: [(&str, &str); 17] = [
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("shared_buffers", "64MB"),
    ("huge_pages", "off"), // or the whole of shared_buffers is taken at once where they are configured
    ("jit", "off"),        // compiling costs more than our queries
    ("random_page_cost", "1.1"),
    ("min_wal_size", "32MB"),
    ("max_wal_size", "512MB"),
    ("max_logical_replication_workers", "0"), // one process less
    ("max_wal_senders", "0"),
    ("wal_level", "minimal"),
    ("update_process_title", "off"), // nobody looks at it, and it is written for every statement
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_line_prefix", "%m [%p] "),
    // Start, recovery, end and fatal errors. The statements' errors belong to whoever sent them, and may hold secrets.
    ("log_min_messages", "log"),
    ("log_checkpoints", "off"),
];

/// What a real portal runs with.
const FULL: [(&str, &str); 4] = [
    ("fsync", "on"),
    ("max_connections", "40"),
    // Each look starts a process for each database: most of what a portal costs that nobody uses.
    ("autovacuum_naptime", "5min"),
    // What it would write early is written by the next checkpoint.
    ("bgwriter_lru_maxpages", "0"),
];

/// What tests run with: many databases for a short time, worth nothing after a power cut.
const TEST_ONLY: [(&str, &str); 4] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("autovacuum", "off"), // it would hold on to the template database
    ("max_connections", "300"),
];

/// The whole command line after the program's name.
pub(super) fn arguments(layout: &Layout, durability: Durability) -> Vec<OsString> {
    let settings: &[(&str, &str)] = match durability {
        Durability::Full => &FULL,
        Durability::TestOnly => &TEST_ONLY,
    };
    let mut arguments = vec![OsString::from("-D"), layout.for_postgres("cluster").into()];
    let mut set = |setting: OsString| arguments.extend([OsString::from("-c"), setting]);
    for (name, value) in ALWAYS.iter().chain(settings) {
        set(format!("{name}={value}").into());
    }
    set(format!("port={PORT}").into());
    let mut socket = OsString::from("unix_socket_directories=");
    socket.push(quoted_directory(layout.for_postgres("socket").into_os_string()));
    set(socket);
    arguments
}

/// The setting is a list: a path with a comma, a space or a quote needs quotes.
fn quoted_directory(path: OsString) -> OsString {
    match path.into_string() {
        Ok(path) => format!("\"{}\"", path.replace('"', "\"\"")).into(),
        Err(path) => path,
    }
}
