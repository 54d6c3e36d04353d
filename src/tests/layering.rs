//! The walls of the house: who may import whom, where SQL and HTTP may stand, how long a file may get.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The rooms and their ranks: a room imports from lower ranks only. `lib.rs` shows the same table.
const RANKS: [(&str, u8); 29] = [
    ("entity", 0),
    ("yaml", 0),
    ("markdown", 0),
    ("permission", 0),
    ("db", 0),
    ("telemetry", 0),
    ("forge", 1),
    ("cluster", 1),
    ("registry", 1),
    ("definition", 1),
    ("catalog", 2),
    ("notification", 2),
    ("preference", 2),
    ("scaffolder", 3),
    ("announcement", 3),
    ("pipeline", 3),
    ("event", 3),
    ("techdocs", 3),
    ("delivery", 4),
    ("auth", 4),
    ("review", 4),
    ("import", 4),
    ("search", 4),
    ("ownership", 4),
    ("web", 5),
    ("config", 6),
    ("app", 7),
    ("cli", 8),
    ("fuzzing", 8),
];

/// Imports within a rank that are meant: who a caller is, is said in entity references.
const NEIGHBOURS: [(&str, &str); 1] = [("permission", "entity")];

/// Longest file, without its tests.
const MAX_LINES: usize = 500;

/// A source file with its tests cut off.
struct Source {
    path: PathBuf,
    room: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&root).unwrap().to_path_buf();
                if inside
                    .components()
                    .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs" | "testing.rs")))
                {
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned();
                let room = inside
                    .components()
                    .next()
                    .unwrap()
                    .as_os_str()
                    .to_str()
                    .unwrap()
                    .trim_end_matches(".rs")
                    .to_owned();
                found.push(Source { path: inside, room, code });
            }
        }
    }
    assert!(found.len() > 20, "the sources were not found");
    found
}

fn rank(room: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == room).map(|(_, rank)| *rank)
}

/// Rooms that a file names, in `use crate::…` or in a path.
fn imports(code: &str) -> impl Iterator<Item = String> + '_ {
    code.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| {
        line.split("crate::").skip(1).flat_map(|rest| {
            let names = rest.strip_prefix('{').map_or(rest, |list| list.split('}').next().unwrap_or_default());
            let many = rest.starts_with('{');
            names
                .split(',')
                .take(if many { usize::MAX } else { 1 })
                .map(|name| {
                    name.trim()
                        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                        .next()
                        .unwrap_or_default()
                        .to_owned()
                })
                .collect::<Vec<_>>()
        })
    })
}

fn report(title: &str, offences: &[String]) {
    let mut text = String::new();
    for offence in offences {
        writeln!(text, "  {offence}").unwrap();
    }
    assert!(offences.is_empty(), "{title}:\n{text}");
}

#[test]
fn imports_go_down_the_ranks() {
    let mut offences = Vec::new();
    for source in sources() {
        let Some(own) = rank(&source.room) else {
            if !matches!(source.room.as_str(), "lib" | "main") {
                offences.push(format!("{}: `{}` is no room of the table", source.path.display(), source.room));
            }
            continue;
        };
        for name in imports(&source.code) {
            let neighbour = NEIGHBOURS.contains(&(source.room.as_str(), name.as_str()));
            let upward = rank(&name).is_some_and(|other| name != source.room && other >= own);
            if upward && !neighbour {
                offences.push(format!("{} imports `{name}`", source.path.display()));
            }
        }
    }
    report("imports that do not go down", &offences);
}

#[test]
fn every_room_of_the_crate_is_ranked() {
    let lib = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let declared = lib.lines().filter_map(|line| {
        line.trim().trim_start_matches("pub ").strip_prefix("mod ").map(|name| name.trim_end_matches(';').to_owned())
    });
    let missing: Vec<String> = declared.filter(|name| name != "tests" && rank(name).is_none()).collect();
    report("rooms without a rank", &missing);
}

#[test]
fn http_and_html_stay_in_web() {
    let words = ["axum::", "askama::", "axum_extra::", "tower_http::"];
    let offences: Vec<String> = sources()
        .iter()
        .filter(|source| source.room != "web" && words.iter().any(|word| source.code.contains(word)))
        .map(|source| source.path.display().to_string())
        .collect();
    report("files outside `web` that know HTTP or HTML", &offences);
}

#[test]
fn sql_stays_in_stores() {
    let words = ["sqlx::query", "query_as(", "query_scalar(", "QueryBuilder"];
    let offences: Vec<String> = sources()
        .iter()
        .filter(|source| {
            let store =
                source.path.components().any(|part| matches!(part.as_os_str().to_str(), Some("store.rs" | "store")));
            source.room != "db" && !store && words.iter().any(|word| source.code.contains(word))
        })
        .map(|source| source.path.display().to_string())
        .collect();
    report("files with SQL that are no store", &offences);
}

#[test]
fn every_file_opens_with_its_purpose_and_stays_short() {
    let mut offences = Vec::new();
    for source in sources() {
        if !source.code.starts_with("//!") {
            offences.push(format!("{} does not open with //!", source.path.display()));
        }
        let lines = source.code.lines().count();
        if lines > MAX_LINES {
            offences.push(format!("{} has {lines} lines; split it by concept", source.path.display()));
        }
    }
    report("files out of shape", &offences);
}

#[test]
fn no_room_is_named_after_a_mechanism() {
    let banned =
        ["util", "utils", "helper", "helpers", "common", "core", "misc", "types", "models", "manager", "service"];
    let offences: Vec<String> = sources()
        .iter()
        .filter(|source| {
            source
                .path
                .components()
                .any(|part| banned.contains(&part.as_os_str().to_str().unwrap_or_default().trim_end_matches(".rs")))
        })
        .map(|source| source.path.display().to_string())
        .collect();
    report("files named after a mechanism", &offences);
}
