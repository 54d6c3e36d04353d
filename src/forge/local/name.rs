//! The names a local repository takes, and why it refuses the others.
//!
//! Owner and repository become folder names and URL segments, so they are plain ASCII as on GitHub. Branches follow
//! `git check-ref-format`. File paths follow what Git itself refuses to check out (`verify_path` in its `read-cache.c`,
//! with `core.protectNTFS` and `core.protectHFS` on), and symlinks must stay inside the tree.

use gix::{bstr::BStr, refs::FullName, validate::path as git_path};

use crate::forge::{NameError, RepositoryId, Signature};

/// Longest owner, repository and branch name.
const MAX_NAME_BYTES: usize = 100;
/// Longest file or folder name: what common file systems take.
const MAX_SEGMENT_BYTES: usize = 255;
/// Longest path of a file.
const MAX_PATH_BYTES: usize = 1024;
/// Longest commit message.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// Checks owner and name of a repository.
pub(super) fn check_repository(id: &RepositoryId) -> Result<(), NameError> {
    check_folder_name("repository owner", id.owner())?;
    check_folder_name("repository name", id.name())
}

fn check_folder_name(what: &'static str, value: &str) -> Result<(), NameError> {
    let lower = value.to_ascii_lowercase();
    let rule = if value.is_empty() {
        "is empty; give it a name"
    } else if value.len() > MAX_NAME_BYTES {
        "is longer than 100 bytes; shorten it"
    } else if !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        "has a character other than ASCII letters, digits, `-`, `_` and `.`; replace it"
    } else if value.starts_with(['-', '.']) || value.ends_with('.') || value.contains("..") {
        "starts with `-` or `.`, ends with `.`, or contains `..`; rename it"
    } else if [".git", ".lock", ".atom"].iter().any(|suffix| lower.ends_with(suffix)) {
        "ends with `.git`, `.lock` or `.atom`; leave that out"
    } else {
        return Ok(());
    };
    Err(NameError::new(what, value, rule))
}

/// Checks a branch name and gives its reference.
pub(super) fn branch_reference(branch: &str) -> Result<FullName, NameError> {
    let error = |rule: &str| NameError::new("branch name", branch, rule);
    if branch.is_empty() {
        return Err(error("is empty; give it a name"));
    }
    if branch.len() > MAX_NAME_BYTES {
        return Err(error("is longer than 100 bytes; shorten it"));
    }
    if branch.starts_with('-') || branch.ends_with(['.', ' ']) || branch == "HEAD" || branch == "@" {
        return Err(error("starts with `-`, ends with a dot or space, or is reserved; rename it"));
    }
    if branch.len() == 40 && branch.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(error("looks like a commit id; rename it"));
    }
    FullName::try_from(format!("refs/heads/{branch}"))
        .map_err(|problem| error(&format!("is not a valid Git reference ({problem}); rename it")))
}

/// Checks the path of a file to be written.
pub(super) fn check_file_path(path: &str, symlink: bool) -> Result<(), NameError> {
    let error = |rule: &str| Err(NameError::new("file path", path, rule));
    if path.is_empty() {
        return error("is empty; give it a name");
    }
    if path.starts_with('/') {
        return error("is absolute; make it relative to the repository");
    }
    if path.len() > MAX_PATH_BYTES {
        return error("is longer than 1024 bytes; shorten it");
    }
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_link = symlink && segments.peek().is_none();
        if let Err(rule) = check_segment(segment, is_link) {
            return error(&rule);
        }
    }
    Ok(())
}

fn check_segment(segment: &str, symlink: bool) -> Result<(), String> {
    let rule = if segment.is_empty() {
        "has an empty segment; remove the doubled or final slash"
    } else if matches!(segment, "." | "..") {
        "has a segment `.` or `..`; write the path without it"
    } else if segment.contains('\\') {
        "has a backslash; separate folders with `/`"
    } else if segment.chars().any(char::is_control) {
        "has a control character; remove it"
    } else if segment.starts_with(' ') || segment.ends_with([' ', '.']) {
        "has a segment that starts or ends with a space, or ends with a dot; rename it"
    } else if segment.len() > MAX_SEGMENT_BYTES {
        "has a segment longer than 255 bytes; shorten it"
    } else {
        let options = git_path::component::Options { protect_windows: false, protect_hfs: true, protect_ntfs: true };
        let mode = symlink.then_some(git_path::component::Mode::Symlink);
        let checked = gix::validate::path::component(BStr::new(segment), mode, options);
        return checked.map(|_| ()).map_err(|problem| match problem {
            git_path::component::Error::DotGitDir => {
                format!("has a segment {segment:?} that some file system takes for `.git`; rename it")
            }
            git_path::component::Error::SymlinkedGitModules => {
                "makes `.gitmodules` a symlink; write it as a file".to_owned()
            }
            other => format!("is refused by Git ({other}); rename it"),
        });
    };
    Err(rule.to_owned())
}

/// Checks the target of a symlink at `path`: it stays inside the tree.
///
/// `..` may only come first: after a name it could leave the tree through another symlink, unseen by this check.
pub(super) fn check_symlink(path: &str, target: &[u8]) -> Result<(), NameError> {
    let error = |rule: &str| Err(NameError::new("symlink", path, rule));
    let Ok(target) = std::str::from_utf8(target) else {
        return error("has a target that is not UTF-8; rename the target");
    };
    if target.is_empty() {
        return error("has an empty target; name a file of the repository");
    }
    if target.len() > MAX_PATH_BYTES {
        return error("has a target longer than 1024 bytes; shorten it");
    }
    let drive = target.as_bytes().get(1) == Some(&b':');
    if target.starts_with('/') || target.contains('\\') || drive || target.chars().any(char::is_control) {
        return error("has a target that is absolute or has a backslash or control character; make it a relative path");
    }
    let mut depth = path.split('/').count() - 1;
    let mut names = 0;
    for segment in target.split('/') {
        match segment {
            "" | "." => {}
            ".." if names > 0 => return error("has a target with `..` after a name; write the target without it"),
            ".." if depth == 0 => return error("has a target outside the repository; link to a file inside it"),
            ".." => depth -= 1,
            ".git" => return error("has a target inside `.git`; link to a file of the repository"),
            _ => names += 1,
        }
    }
    Ok(())
}

/// Checks a name and address for a commit: Git separates them by `<`, `>` and line ends.
pub(super) fn check_signature(signature: &Signature) -> Result<(), NameError> {
    let breaks = |text: &str| text.contains(['<', '>']) || text.chars().any(char::is_control);
    if signature.name.trim().is_empty() || breaks(&signature.name) {
        return Err(NameError::new("author name", &signature.name, "is empty or has `<`, `>` or a control character"));
    }
    if breaks(&signature.email) || signature.email.contains(' ') {
        return Err(NameError::new("author address", &signature.email, "has `<`, `>`, a space or a control character"));
    }
    Ok(())
}

/// Checks a commit message.
pub(super) fn check_message(message: &str) -> Result<(), NameError> {
    let error = |rule: &str| Err(NameError::new("commit message", message, rule));
    if message.trim().is_empty() {
        return error("is empty; say what the commit does");
    }
    if message.contains('\0') {
        return error("has a NUL character; remove it");
    }
    if message.len() > MAX_MESSAGE_BYTES {
        return error("is longer than 64 KiB; shorten it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_repositories() {
        let long = "a".repeat(101);
        let cases = [
            ("payments-api", ""),
            ("a", ""),
            ("A_b.c-1", ""),
            ("x.github.io", ""),
            (".github", "starts with"),
            ("-x", "starts with"),
            ("x.", "ends with"),
            ("a..b", ".."),
            ("x.git", "ends with `.git`"),
            ("x.GIT", "ends with `.git`"),
            ("x.lock", ".lock"),
            ("a b", "ASCII"),
            ("é", "ASCII"),
            ("a%2e", "ASCII"),
            ("a:b", "ASCII"),
            (&long, "100 bytes"),
        ];
        for (name, expected) in cases {
            let id = RepositoryId::new("acme", name).unwrap();
            assert_outcome(name, check_repository(&id), expected);
            assert_outcome(name, check_repository(&RepositoryId::new(name, "x").unwrap()), expected);
        }
        for name in ["", "..", ".", "a/b", "a\\b", "a\nb"] {
            assert!(RepositoryId::new("acme", name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn names_of_branches() {
        let cases = [
            ("main", ""),
            ("feature/x", ""),
            ("release-1.2", ""),
            ("", "empty"),
            ("-d", "starts with"),
            ("HEAD", "reserved"),
            ("a..b", "reference"),
            ("a/", "reference"),
            ("/a", "reference"),
            ("a//b", "reference"),
            ("a/.b", "reference"),
            ("a.lock", "reference"),
            ("a~1", "reference"),
            ("a^", "reference"),
            ("a:b", "reference"),
            ("a\\b", "reference"),
            ("a b", "reference"),
            ("a\nb", "reference"),
            ("@", "reserved"),
            ("a@{b", "reference"),
            ("x.", "ends with"),
            ("0123456789012345678901234567890123456789", "commit id"),
            ("../../config", "reference"),
        ];
        for (name, expected) in cases {
            assert_outcome(name, branch_reference(name).map(|_| ()), expected);
        }
    }

    #[test]
    fn paths_of_files() {
        let long_segment = "a".repeat(256);
        let long_path = "aaaa/".repeat(210) + "x";
        let cases = [
            ("README.md", ""),
            (".github/workflows/ci.yaml", ""),
            ("a/.gitignore", ""),
            (".gitmodules", ""),
            ("con", ""),
            ("ünïcode/日本.txt", ""),
            ("a b.txt", ""),
            ("...x", ""),
            (".gitx", ""),
            ("git~11", ""),
            ("", "empty"),
            ("/etc/passwd", "absolute"),
            ("a//b", "empty segment"),
            ("a/", "empty segment"),
            ("../x", "`..`"),
            ("a/../b", "`..`"),
            ("./a", "`.`"),
            ("a\\b", "backslash"),
            ("a\u{7}", "control"),
            ("a\0b", "control"),
            (".git/config", "`.git`"),
            ("a/.GIT/hooks", "`.git`"),
            ("git~1/x", "`.git`"),
            ("GIT~1", "`.git`"),
            (".g\u{200c}it/config", "`.git`"),
            (".git::$INDEX_ALLOCATION/x", "`.git`"),
            (".git./x", "ends with"),
            (".git /x", "ends with"),
            ("a./b", "ends with"),
            ("a /b", "ends with"),
            (" a", "starts or ends"),
            (&long_segment, "255 bytes"),
            (&long_path, "1024 bytes"),
        ];
        for (path, expected) in cases {
            assert_outcome(path, check_file_path(path, false), expected);
        }
        assert_outcome(".gitmodules", check_file_path(".gitmodules", true), "symlink");
    }

    #[test]
    fn targets_of_symlinks() {
        let cases = [
            ("link", "README.md", ""),
            ("a/link", "../README.md", ""),
            ("a/link", "./b/c", ""),
            ("a/b/link", "../..", ""),
            ("link", "../x", "outside"),
            ("a/link", "../../x", "outside"),
            ("link", "/etc/passwd", "absolute"),
            ("link", "a/../../x", "after a name"),
            ("a/link", "b/..", "after a name"),
            ("link", "", "empty"),
            ("link", "..\\x", "backslash"),
            ("link", "C:x", "absolute"),
            ("link", "a\0", "control"),
            ("link", ".git/config", "`.git`"),
        ];
        for (path, target, expected) in cases {
            assert_outcome(target, check_symlink(path, target.as_bytes()), expected);
        }
        assert_outcome("bytes", check_symlink("link", &[0xff]), "UTF-8");
    }

    /// `expected` is empty for success, else a part of the message.
    fn assert_outcome(input: &str, outcome: Result<(), NameError>, expected: &str) {
        match outcome {
            Ok(()) => assert!(expected.is_empty(), "{input:?} was accepted, expected {expected:?}"),
            Err(error) => {
                let message = error.to_string();
                assert!(!expected.is_empty() && message.contains(expected), "{input:?}: {message}");
            }
        }
    }
}
