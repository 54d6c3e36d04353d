//! Includes, as `pymdownx.snippets` writes them (`--8<-- "path"`, ranges `path:3:9`, sections `path:name`, and blocks) and as
//! `markdown-include` does (`{!path!}`).
//!
//! Invariants: what is included is bounded in depth, number and size, whatever includes itself; a name is only ever handed
//! to [`Surroundings::include`], which knows the files there are.

use super::{Remark, Surroundings};

/// How deep an included file may include.
const DEPTH: usize = 8;
/// How many includes one page may have.
const FILES: usize = 200;
/// How large a page may get.
const BYTES: usize = 4 * 1024 * 1024;

/// Takes in what a page includes.
pub(super) struct Includes<'s> {
    surroundings: &'s dyn Surroundings,
    files: usize,
    pub(super) remarks: Vec<Remark>,
}

impl<'s> Includes<'s> {
    pub(super) fn new(surroundings: &'s dyn Surroundings) -> Self {
        Self { surroundings, files: 0, remarks: Vec::new() }
    }

    /// The source with everything in it.
    pub(super) fn expand(&mut self, source: &str) -> Option<String> {
        if !source.contains("8<") && !source.contains("{!") {
            return None;
        }
        let mut out = String::with_capacity(source.len() * 2);
        self.append(source, "", 0, &mut out);
        Some(out)
    }

    fn append(&mut self, source: &str, indent: &str, depth: usize, out: &mut String) {
        let mut block: Option<&str> = None;
        for line in source.lines() {
            let trimmed = line.trim_start();
            let own = &line[..line.len() - trimmed.len()];
            let marked = mark(trimmed);
            match (block, marked) {
                (None, Some("")) => block = Some(own),
                (Some(_), Some("")) => block = None,
                (Some(inner), None) => {
                    let name = line.trim();
                    if !name.is_empty() {
                        self.include(name, &format!("{indent}{inner}"), depth, out);
                    }
                }
                (_, Some(names)) => {
                    for name in quoted(names) {
                        self.include(name, &format!("{indent}{own}"), depth, out);
                    }
                }
                (None, None) if braced(trimmed).is_some() => {
                    let name = braced(trimmed).unwrap_or_default();
                    self.include(name, &format!("{indent}{own}"), depth, out);
                }
                (None, None) => {
                    // `;--8<--` is how one writes about it.
                    let line = match trimmed.strip_prefix(';') {
                        Some(rest) if mark(rest).is_some() => format!("{own}{rest}").into(),
                        _ => std::borrow::Cow::Borrowed(line),
                    };
                    if out.len() < BYTES {
                        if !line.is_empty() {
                            out.push_str(indent);
                        }
                        out.push_str(&line);
                        out.push('\n');
                    }
                }
            }
        }
    }

    fn include(&mut self, name: &str, indent: &str, depth: usize, out: &mut String) {
        let name = name.trim();
        if name.is_empty() || name.starts_with(';') {
            return;
        }
        self.files += 1;
        let refused = if depth >= DEPTH {
            Some(format!("files include each other more than {DEPTH} deep"))
        } else if self.files > FILES {
            Some(format!("a page includes at most {FILES} files"))
        } else if out.len() >= BYTES {
            Some(format!("with what it includes the page is larger than {} MiB", BYTES >> 20))
        } else {
            None
        };
        if let Some(reason) = refused {
            if self.remarks.len() < 20 {
                self.remarks.push(Remark::Include { name: name.to_owned(), reason });
            }
            return;
        }
        let (path, part) = split(name);
        match self.surroundings.include(path) {
            Ok(text) => match selected(&text, part) {
                Some(text) => self.append(&text, indent, depth + 1, out),
                None => self.remarks.push(Remark::Include {
                    name: name.to_owned(),
                    reason: format!("{path} has no section `{}`", part.unwrap_or_default()),
                }),
            },
            Err(reason) => self.remarks.push(Remark::Include { name: name.to_owned(), reason }),
        }
    }
}

/// The files that a source names, without looking into them.
pub(crate) fn names(source: &str) -> Vec<String> {
    if !source.contains("8<") && !source.contains("{!") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut in_block = false;
    for line in source.lines() {
        match mark(line.trim_start()) {
            Some("") => in_block = !in_block,
            Some(names) => found.extend(quoted(names).map(|name| split(name.trim()).0.to_owned())),
            None if in_block => found.push(split(line.trim()).0.to_owned()),
            None => found.extend(braced(line.trim_start()).map(str::to_owned)),
        }
    }
    found.retain(|name| !name.is_empty() && !name.starts_with(';'));
    found.truncate(FILES);
    found
}

/// The file of `{!path!}` on a line of its own.
fn braced(line: &str) -> Option<&str> {
    let name = line.trim_end().strip_prefix("{!")?.strip_suffix("!}")?.trim();
    (!name.is_empty() && !name.contains(['{', '}'])).then_some(name)
}

/// What follows the scissors at the start of a line.
fn mark(line: &str) -> Option<&str> {
    let dashes = line.len() - line.trim_start_matches('-').len();
    let rest = line[dashes..].strip_prefix("8<")?;
    let after = rest.trim_start_matches('-');
    (dashes > 0 && after.len() < rest.len()).then(|| after.trim())
}

fn quoted(names: &str) -> impl Iterator<Item = &str> {
    let quote = if names.starts_with('\'') { '\'' } else { '"' };
    let is_section = !names.starts_with(quote);
    names.split(quote).skip(1).step_by(2).take(if is_section { 0 } else { usize::MAX })
}

fn split(name: &str) -> (&str, Option<&str>) {
    if name.starts_with("http://") || name.starts_with("https://") {
        return (name, None);
    }
    match name.split_once(':') {
        Some((path, part)) if !part.is_empty() => (path, Some(part)),
        Some((path, _)) => (path, None),
        None => (name, None),
    }
}

/// A part of a file: lines (`3:9`, `:4`, `1:2,7:9`) or a named section.
fn selected(text: &str, part: Option<&str>) -> Option<String> {
    let without_marks = |lines: &mut dyn Iterator<Item = &str>| {
        let mut out = String::new();
        for line in lines.filter(|line| section(line).is_none()) {
            out.push_str(line);
            out.push('\n');
        }
        out
    };
    let Some(part) = part else {
        return Some(without_marks(&mut text.lines()));
    };
    if part.starts_with(|first: char| first.is_ascii_digit() || matches!(first, ':' | '-')) {
        let mut out = String::new();
        for range in part.split(',') {
            let mut ends = range.splitn(2, ':');
            let first = ends.next().and_then(|number| number.parse().ok()).unwrap_or(1_usize).max(1);
            let last = ends.next().and_then(|number| number.parse().ok()).unwrap_or(usize::MAX);
            let mut lines = text.lines().skip(first - 1).take(last.saturating_sub(first).saturating_add(1));
            out.push_str(&without_marks(&mut lines));
        }
        return Some(out);
    }
    let start = text.lines().position(|line| section(line) == Some(("start", part)))?;
    let mut lines = text.lines().skip(start + 1).take_while(|line| section(line) != Some(("end", part)));
    Some(dedented(&without_marks(&mut lines)))
}

/// `--8<-- [start:name]`, in a comment of whatever language.
fn section(line: &str) -> Option<(&str, &str)> {
    let at = line.find("8<-")?;
    let (_, rest) = line[at..].split_once('[')?;
    let (inside, _) = rest.split_once(']')?;
    let (kind, name) = inside.split_once(':')?;
    let (kind, name) = (kind.trim(), name.trim());
    matches!(kind, "start" | "end").then_some((kind, name))
}

fn dedented(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let least = text.lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        out.push_str(line.get(least..).unwrap_or_default());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    struct Files;

    impl Surroundings for Files {
        fn include(&self, name: &str) -> Result<Cow<'_, str>, String> {
            match name {
                "a.md" => Ok("one\n# --8<-- [start:part]\n  two\n# --8<-- [end:part]\nthree\n".into()),
                "b.md" => Ok("--8<-- \"a.md:part\"\n".into()),
                "self.md" => Ok("--8<-- \"self.md\"\n--8<-- \"self.md\"\n".into()),
                _ => Err("not there".to_owned()),
            }
        }
    }

    fn expanded(source: &str) -> (String, usize) {
        let mut includes = Includes::new(&Files);
        let text = includes.expand(source).unwrap_or_else(|| source.to_owned());
        (text, includes.remarks.len())
    }

    #[test]
    fn files_and_parts_are_included() {
        for (source, expected) in [
            ("--8<-- \"a.md\"\n", "one\n  two\nthree\n"),
            ("--8<-- \"a.md:part\"\n", "two\n"),
            ("--8<-- \"a.md:1:1\"\n", "one\n"),
            ("    --8<-- \"b.md\"\n", "    two\n"),
            ("--8<--\na.md:5:5\n--8<--\n", "three\n"),
            ("{!a.md!}\n", "one\n  two\nthree\n"),
            (";--8<-- \"a.md\"\n", "--8<-- \"a.md\"\n"),
            ("text {!a.md!}\n", "text {!a.md!}\n"),
        ] {
            assert_eq!(expanded(source), (expected.to_owned(), 0), "{source}");
        }
        assert_eq!(expanded("--8<-- \"gone.md\"\n").1, 1);
        assert_eq!(names("--8<-- \"a.md:part\" \"b.md\"\n{!c.md!}\n"), ["a.md", "b.md", "c.md"]);
    }

    #[test]
    fn what_includes_itself_ends() {
        let (text, remarks) = expanded("--8<-- \"self.md\"\n");
        assert!(text.len() < BYTES && (1..=20).contains(&remarks));
    }
}
