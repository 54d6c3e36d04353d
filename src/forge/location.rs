//! A file or folder of a repository at a revision, and its URL: `{base}/{owner}/{repo}/{tree|blob}/{revision}/{path}`,
//! the shape GitHub made common. Each part is percent-encoded by itself, so a branch `feature/x` is one segment
//! `feature%2Fx`.

use std::borrow::Cow;

use url::Url;

use super::RepositoryId;

/// Whether a location is of a folder (`tree`) or a file (`blob`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum LocationKind {
    /// A folder.
    Tree,
    /// A file.
    Blob,
}

/// A file or folder of a repository at a revision.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FileLocation {
    /// The repository.
    pub(crate) repository: RepositoryId,
    /// A branch, tag or commit.
    pub(crate) revision: String,
    /// The path from the repository's root; empty for the root.
    pub(crate) path: String,
    /// Folder or file.
    pub(crate) kind: LocationKind,
}

/// Why a relative reference leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LocationError {
    /// More `..` than folders.
    #[error("`{target}`, seen from `{from}`, leaves the repository `{repository}`")]
    Outside {
        /// The reference.
        target: String,
        /// Where it stands.
        from: String,
        /// The repository.
        repository: RepositoryId,
    },
    /// Not a relative path.
    #[error("`{0}` is not a path within a repository: use forward slashes, and no control characters")]
    NotAPath(String),
}

impl FileLocation {
    /// A folder.
    pub(crate) fn tree(repository: RepositoryId, revision: impl Into<String>, path: impl Into<String>) -> Self {
        Self { repository, revision: revision.into(), path: path.into(), kind: LocationKind::Tree }
    }

    /// A file.
    pub(crate) fn blob(repository: RepositoryId, revision: impl Into<String>, path: impl Into<String>) -> Self {
        Self { kind: LocationKind::Blob, ..Self::tree(repository, revision, path) }
    }

    /// The folder that relative references start from: the folder itself, or the one a file is in.
    pub(crate) fn folder(&self) -> &str {
        match self.kind {
            LocationKind::Tree => &self.path,
            LocationKind::Blob => self.path.rsplit_once('/').map_or("", |(folder, _)| folder),
        }
    }

    /// Follows a relative reference (`./chart`, `../docs/index.md`); one that starts with `/` counts from the root.
    /// It names a folder if it ends with `/`, `.` or `..`, and otherwise what `kind` says.
    pub(crate) fn join(&self, target: &str, kind: LocationKind) -> Result<Self, LocationError> {
        if target.contains('\\') || target.chars().any(char::is_control) {
            return Err(LocationError::NotAPath(target.to_owned()));
        }
        let base = if target.starts_with('/') { "" } else { self.folder() };
        let mut segments: Vec<&str> = base.split('/').filter(|segment| !segment.is_empty()).collect();
        for segment in target.split('/') {
            match segment {
                "" | "." => {}
                ".." => {
                    segments.pop().ok_or_else(|| LocationError::Outside {
                        target: target.to_owned(),
                        from: self.path.clone(),
                        repository: self.repository.clone(),
                    })?;
                }
                name => segments.push(name),
            }
        }
        let last = target.rsplit('/').next().unwrap_or_default();
        let kind = if matches!(last, "" | "." | "..") { LocationKind::Tree } else { kind };
        Ok(Self { path: segments.join("/"), kind, ..self.clone() })
    }

    /// The URL below `base`.
    pub(super) fn url_below(&self, base: &Url) -> Url {
        let word = match self.kind {
            LocationKind::Tree => "tree",
            LocationKind::Blob => "blob",
        };
        let path = self.path.split('/').filter(|segment| !segment.is_empty());
        let fixed = [self.repository.owner(), self.repository.name(), word, &self.revision];
        url_below(base, fixed.into_iter().chain(path))
    }

    /// The location that segments below a base name; `None` if they are not `owner/repo/tree|blob/revision/…`.
    pub(super) fn from_segments<'a>(segments: impl Iterator<Item = &'a str>) -> Option<Self> {
        let segments = segments.map(percent_decode).collect::<Option<Vec<_>>>()?;
        let [owner, name, word, revision, path @ ..] = segments.as_slice() else {
            return None;
        };
        let kind = match word.as_ref() {
            "tree" => LocationKind::Tree,
            "blob" => LocationKind::Blob,
            _ => return None,
        };
        let path: Vec<&str> = path.iter().map(Cow::as_ref).filter(|segment| !segment.is_empty()).collect();
        let unsafe_segment = |segment: &&str| matches!(*segment, "." | "..") || segment.contains(['/', '\0']);
        if revision.is_empty() || path.iter().any(unsafe_segment) {
            return None;
        }
        let repository = RepositoryId::new(owner.as_ref(), name.as_ref()).ok()?;
        Some(Self { repository, revision: revision.to_string(), path: path.join("/"), kind })
    }
}

/// `base` with these segments, encoded, after its path.
pub(super) fn url_below<'a>(base: &Url, segments: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// The text a URL segment stands for; `None` if it is not UTF-8 or an escape is cut short.
fn percent_decode(segment: &str) -> Option<Cow<'_, str>> {
    if !segment.contains('%') {
        return Some(Cow::Borrowed(segment));
    }
    let mut decoded = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let digits = tail.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
            decoded.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = &tail[2..];
        } else {
            decoded.push(first);
            rest = tail;
        }
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(path: &str, kind: LocationKind) -> FileLocation {
        let repository = RepositoryId::new("acme", "api").unwrap();
        FileLocation { repository, revision: "main".to_owned(), path: path.to_owned(), kind }
    }

    #[test]
    fn references_are_followed_within_the_repository() {
        use LocationKind::{Blob, Tree};
        let cases = [
            (("catalog-info.yaml", Blob), "./chart", Some("chart")),
            (("services/pay/catalog-info.yaml", Blob), "chart/values.yaml", Some("services/pay/chart/values.yaml")),
            (("services/pay/catalog-info.yaml", Blob), "../docs", Some("services/docs")),
            (("services/pay", Tree), "docs", Some("services/pay/docs")),
            (("services/pay", Tree), "../../x", Some("x")),
            (("services/pay", Tree), "/x", Some("x")),
            (("services/pay", Tree), ".", Some("services/pay")),
            (("services/pay", Tree), "../../..", None),
            (("a.yaml", Blob), "..", None),
            (("a.yaml", Blob), "x/../../y", None),
            (("a.yaml", Blob), "..\\y", None),
            (("a.yaml", Blob), "x\0y", None),
        ];
        for ((path, kind), target, expected) in cases {
            let found = at(path, kind).join(target, Blob).ok().map(|location| location.path);
            assert_eq!(found.as_deref(), expected, "{path} + {target}");
        }
        assert_eq!(at("a", Tree).join("b/", Blob).unwrap().kind, Tree);
        assert_eq!(at("a", Tree).join("b", Blob).unwrap().kind, Blob);
        let error = at("a.yaml", Blob).join("../x", Blob).unwrap_err().to_string();
        assert_eq!(error, "`../x`, seen from `a.yaml`, leaves the repository `acme/api`");
    }

    #[test]
    fn segments_that_do_not_name_a_file_are_nothing() {
        let check = |segments: &str| FileLocation::from_segments(segments.split('/'));
        assert_eq!(check("acme/api/tree/main/"), Some(at("", LocationKind::Tree)));
        assert_eq!(check("acme/api/blob/main/a%20b"), Some(at("a b", LocationKind::Blob)));
        for segments in [
            "acme/api",
            "acme/api/tree",
            "acme/api/raw/main/a",
            "/api/tree/main",
            "acme/api/tree/main/%2e%2e/x",
            "acme/api/tree/main/a%2Fb",
            "acme/..%2fx/tree/main/a",
            "acme/api/tree/main/%ff",
            "acme/api/tree/main/%4",
        ] {
            assert_eq!(check(segments), None, "{segments}");
        }
    }

    proptest! {
        #[test]
        fn a_url_is_read_back(revision in "[^\\p{Cc}]{1,12}", segments in proptest::collection::vec("[^/\\p{Cc}]{1,8}", 0..4), blob: bool) {
            prop_assume!(!segments.iter().any(|segment| segment == "." || segment == ".."));
            prop_assume!(revision != "." && revision != "..");
            let location = FileLocation {
                kind: if blob { LocationKind::Blob } else { LocationKind::Tree },
                revision,
                ..at(&segments.join("/"), LocationKind::Tree)
            };
            let url = location.url_below(&Url::parse("https://local/").unwrap());
            let read = Url::parse(url.as_str()).unwrap();
            prop_assert_eq!(FileLocation::from_segments(read.path_segments().unwrap()), Some(location));
        }
    }
}
