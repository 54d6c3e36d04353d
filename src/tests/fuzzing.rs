//! Every seed of `tests/fuzz/seeds`, and thousands of mutations of each, through the doors of [`crate::fuzzing`].
//!
//! `GREENROOM_FUZZ_CASES` and `GREENROOM_FUZZ_SEED` make it search longer or elsewhere; cargo-fuzz searches better.

use std::path::Path;

use crate::fuzzing;

const CASES: u64 = 3000;
const SEED: u64 = 20_261_126;

/// What mutations put in: what the formats are made of.
const SHARP: &[&str] = &[
    ":",
    "/",
    "=",
    ",",
    " ",
    "\n",
    "\t",
    "\0",
    "\r",
    "-",
    "---\n",
    "...",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\\",
    "#",
    "&a",
    "*a",
    "!",
    "!!str ",
    "|",
    ">",
    "%",
    "@",
    "?",
    "$",
    "$not",
    "$all",
    "$any",
    "$in",
    "$exists",
    "$hasPrefix",
    "$contains",
    "null",
    "1e999",
    "\u{feff}",
    "\u{85}",
    "\u{130}",
    "\u{3a3}",
    "\u{f0000}",
];

#[test]
fn hostile_descriptors_are_refused_in_order() {
    search("descriptor", fuzzing::descriptor);
}

#[test]
fn hostile_entity_references_are_refused_in_order() {
    search("entity_ref", fuzzing::entity_ref);
}

#[test]
fn hostile_filters_are_refused_in_order() {
    search("filter", fuzzing::filter);
}

#[test]
fn hostile_predicates_are_refused_in_order() {
    search("predicate", fuzzing::predicate);
}

/// Seeds are named after what becomes of them: `accepted-…` or `refused-…`.
fn search(target: &str, door: fn(&[u8]) -> bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(target);
    let mut seeds: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    assert!(seeds.len() >= 6, "{target} has few seeds");
    let seeds: Vec<Vec<u8>> = seeds
        .into_iter()
        .map(|path| {
            let bytes = std::fs::read(&path).unwrap();
            let is_meant = path.file_name().unwrap().to_string_lossy().starts_with("accepted-");
            assert_eq!(door(&bytes), is_meant, "{}", path.display());
            bytes
        })
        .collect();
    let number = |name| std::env::var_os(name)?.to_str()?.parse::<u64>().ok();
    let mut random = Random(fastrand::Rng::with_seed(number("GREENROOM_FUZZ_SEED").unwrap_or(SEED)));
    for _ in 0..number("GREENROOM_FUZZ_CASES").unwrap_or(CASES) {
        let mutant = random.mutant(&seeds);
        door(&mutant);
    }
}

struct Random(fastrand::Rng);

impl Random {
    fn below(&mut self, count: usize) -> usize {
        self.0.usize(..count.max(1))
    }

    /// A seed with one to six edits.
    fn mutant(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(6) {
            let (at, other) = (self.below(bytes.len() + 1), self.below(bytes.len() + 1));
            let (from, to) = (at.min(other), at.max(other));
            match self.below(6) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(from..to.min(from + 9))),
                2 => {
                    let copy = bytes[from..to.min(from + 40)].to_vec();
                    drop(bytes.splice(at..at, copy));
                }
                3 if at < bytes.len() => bytes[at] = u8::try_from(self.below(256)).unwrap(),
                4 => {
                    let other = &seeds[self.below(seeds.len())];
                    let cut = self.below(other.len() + 1);
                    bytes.truncate(at);
                    bytes.extend_from_slice(&other[cut..]);
                }
                _ => drop(bytes.splice(at..at, SHARP[self.below(SHARP.len())].bytes())),
            }
        }
        bytes
    }
}
