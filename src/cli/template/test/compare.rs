//! What is expected against what came out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use similar::TextDiff;

use super::super::tree;
use super::case::{Case, Expected, Outcome};
use crate::catalog::TreeFile;
use crate::forge::FileMode;

/// How long a comparison of two files may look for the smallest difference.
const COMPARING: Duration = Duration::from_millis(500);
/// Most lines of one difference that are shown.
const MAX_LINES: usize = 200;

/// One thing that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    /// The file that says what is expected.
    pub(super) file: PathBuf,
    /// What is not so.
    pub(super) message: String,
    /// Line by line, where it is text.
    pub(super) diff: Option<String>,
}

/// Everything of a case that is not as expected.
pub(super) fn differences(case: &Case, outcome: &Outcome) -> anyhow::Result<Vec<Difference>> {
    let file = case.folder.join("expected.yaml");
    let mut found: Vec<Difference> = told(&case.expected, outcome)
        .into_iter()
        .map(|(message, diff)| Difference { file: file.clone(), message, diff })
        .collect();
    let is_judged = outcome.failure.is_none() || case.tree().is_dir();
    if case.expects_files() && is_judged {
        let expected = if case.tree().is_dir() { tree::read(&case.tree(), &|_| false)? } else { Vec::new() };
        found.extend(files(case, &expected, &outcome.files));
    }
    Ok(found)
}

/// Whether everything but the files is as expected.
pub(super) fn is_met(expected: &Expected, outcome: &Outcome) -> bool {
    told(expected, outcome).is_empty()
}

/// What `expected.yaml` says and is not so, with the difference.
fn told(expected: &Expected, outcome: &Outcome) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    match (&expected.fails, &outcome.failure) {
        (None, Some(message)) => found.push((format!("it fails: {message}"), None)),
        (Some(part), None) => found.push((format!("it does not fail; expected: {part}"), None)),
        (Some(part), Some(message)) if !message.contains(part) => {
            found.push(("it fails in another way".to_owned(), Some(lines(part, message))));
        }
        _ => {}
    }
    if let Some(output) = expected.output.as_ref().filter(|output| **output != outcome.output) {
        found.push(("another output".to_owned(), Some(lines(&pretty(output), &pretty(&outcome.output)))));
    }
    if let Some(effects) = expected.effects.as_ref().filter(|effects| **effects != outcome.effects) {
        found.push(("other effects".to_owned(), Some(lines(&effects.join("\n"), &outcome.effects.join("\n")))));
    }
    let missing = expected.log.iter().filter(|part| !outcome.log.iter().any(|line| line.contains(*part)));
    found.extend(missing.map(|part| (format!("no line of the log has: {part}"), None)));
    found
}

fn files(case: &Case, expected: &[TreeFile], made: &[TreeFile]) -> Vec<Difference> {
    let by_path = |files: &[TreeFile]| -> BTreeMap<String, TreeFile> {
        files.iter().map(|file| (file.path.clone(), file.clone())).collect()
    };
    let (expected, made) = (by_path(expected), by_path(made));
    let mut found = Vec::new();
    // A pattern that nothing fits would compare nothing.
    for pattern in case.patterns.iter().filter(|pattern| !made.keys().any(|path| pattern.fits(path))) {
        let message = format!("no file is made that fits {}", pattern.text);
        found.push(Difference { file: case.folder.join("expected.yaml"), message, diff: None });
    }
    let mut differs = |path: &str, message: String, diff| {
        found.push(Difference { file: case.tree().join(path), message, diff });
    };
    for (path, before) in &expected {
        match made.get(path) {
            None => differs(path, format!("{path} is not made"), None),
            Some(after) if before.mode != after.mode => {
                let modes = format!("{}, expected {}", mode(after.mode), mode(before.mode));
                differs(path, format!("{path} is {modes}"), None);
            }
            Some(after) if before.bytes != after.bytes => {
                differs(path, format!("{path} differs"), contents(before, after));
            }
            Some(_) => {}
        }
    }
    for path in made.keys().filter(|path| case.is_about(path) && !expected.contains_key(*path)) {
        differs(path, format!("{path} is made and not expected"), None);
    }
    found
}

fn mode(mode: FileMode) -> &'static str {
    match mode {
        FileMode::Regular => "a plain file",
        FileMode::Executable => "executable",
        FileMode::Symlink => "a symbolic link",
    }
}

/// Line by line, of texts.
fn contents(before: &TreeFile, after: &TreeFile) -> Option<String> {
    let before = std::str::from_utf8(&before.bytes).ok()?;
    let after = std::str::from_utf8(&after.bytes).ok()?;
    (!before.contains('\0') && !after.contains('\0')).then(|| lines(before, after))
}

/// A unified difference, cut where it gets too long to read.
fn lines(expected: &str, made: &str) -> String {
    let end = |text: &str| if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
    let only_the_end = end(expected) == end(made);
    let (expected, made) =
        if only_the_end { (expected.to_owned(), made.to_owned()) } else { (end(expected), end(made)) };
    let diff = TextDiff::configure().timeout(COMPARING).diff_lines(&expected, &made);
    let text = diff.unified_diff().context_radius(2).header("expected", "made").to_string();
    let count = text.lines().count();
    if count <= MAX_LINES {
        return text;
    }
    let kept: Vec<&str> = text.lines().take(MAX_LINES).collect();
    format!("{}\n… {} more lines\n", kept.join("\n"), count - MAX_LINES)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
