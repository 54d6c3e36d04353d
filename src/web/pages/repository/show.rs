//! A repository's folder: its entries, its last commit, its README.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};

use super::{CommitLine, Head, Place, last_commit};
use crate::forge::{EntryKind, FileMode, Forge as _, ForgeError, LocalForge, Missing, TreeEntry};
use crate::web::Site;
use crate::web::error::Error;
use crate::web::extract::{Answer, Path};
use crate::web::page::{Chrome, Page};
use crate::web::pages::shown;
use crate::web::session::Viewer;

/// A folder.
#[derive(Template)]
#[template(path = "repository/show.html")]
struct FolderPage {
    chrome: Chrome,
    head: Head,
    path: String,
    /// The page's heading.
    title: String,
    entries: Vec<EntryRow>,
    last: Option<CommitLine>,
    /// The README's name and its HTML.
    readme: Option<(String, String)>,
    /// Nothing has been committed.
    empty: bool,
}

struct EntryRow {
    name: String,
    link: Option<String>,
    icon: &'static str,
    folder: bool,
    /// `executable`, `symbolic link`
    note: &'static str,
    size: String,
}

/// `GET /repositories/{owner}/{repository}`
pub(super) async fn root(
    State(forge): State<LocalForge>,
    State(site): State<Arc<Site>>,
    viewer: Viewer,
    Path(place): Path<Place>,
) -> Answer {
    folder(&forge, &site, &viewer, &place).await
}

/// `GET /repositories/{owner}/{repository}/tree/{revision}/{path}`
pub(super) async fn tree(
    State(forge): State<LocalForge>,
    State(site): State<Arc<Site>>,
    viewer: Viewer,
    Path(place): Path<Place>,
) -> Answer {
    folder(&forge, &site, &viewer, &place).await
}

async fn folder(forge: &LocalForge, site: &Site, viewer: &Viewer, place: &Place) -> Answer {
    let head = Head::load(forge, site, place.repository()?, Some(&place.revision)).await?;
    let path = place.path.trim_matches('/');
    let entries = match forge.tree(&head.id, &head.revision, path).await {
        Ok(entries) => entries,
        // A new repository has a default branch without a commit.
        Err(ForgeError::NotFound(Missing::Revision { .. })) if head.branches.is_empty() => {
            return Ok(Page(FolderPage::empty(viewer, head)).into_response());
        }
        // A link to a file that calls it a folder.
        Err(ForgeError::NotFound(Missing::Path { .. })) if forge.read(&head.id, &head.revision, path).await.is_ok() => {
            return Ok(Redirect::to(&head.blob(path)).into_response());
        }
        Err(error) => return Err(error.into()),
    };
    let last = last_commit(forge, &head, path).await?;
    let readme = readme(forge, &head, &entries).await?;
    let rows = entries.iter().map(|entry| EntryRow::new(&head, entry)).collect();
    let name = path.rsplit('/').next().filter(|name| !name.is_empty());
    Ok(Page(FolderPage {
        chrome: head.chrome(viewer, path),
        title: name.map_or_else(|| head.id.to_string(), str::to_owned),
        path: path.to_owned(),
        entries: rows,
        last,
        readme,
        empty: false,
        head,
    })
    .into_response())
}

impl FolderPage {
    fn empty(viewer: &Viewer, head: Head) -> Self {
        Self {
            chrome: head.chrome(viewer, ""),
            title: head.id.to_string(),
            path: String::new(),
            entries: Vec::new(),
            last: None,
            readme: None,
            empty: true,
            head,
        }
    }
}

impl EntryRow {
    fn new(head: &Head, entry: &TreeEntry) -> Self {
        let (icon, note, link) = match entry.kind {
            EntryKind::Folder => ("folder", "", Some(head.tree(&entry.path))),
            EntryKind::File(mode) => ("file", note(mode), Some(head.blob(&entry.path))),
            EntryKind::Submodule => ("repository", "submodule", None),
        };
        Self {
            name: entry.name().to_owned(),
            link,
            icon,
            folder: entry.kind == EntryKind::Folder,
            note,
            size: entry.size.map(shown::size).unwrap_or_default(),
        }
    }
}

fn note(mode: FileMode) -> &'static str {
    match mode {
        FileMode::Regular => "",
        FileMode::Executable => "executable",
        FileMode::Symlink => "symbolic link",
    }
}

/// The folder's README, rendered.
async fn readme(forge: &LocalForge, head: &Head, entries: &[TreeEntry]) -> Result<Option<(String, String)>, Error> {
    let is_readme = |entry: &&TreeEntry| {
        let name = entry.name().to_ascii_lowercase();
        matches!(entry.kind, EntryKind::File(FileMode::Regular | FileMode::Executable))
            && matches!(name.as_str(), "readme.md" | "readme.markdown" | "readme")
    };
    let Some(entry) = entries.iter().find(is_readme) else { return Ok(None) };
    let bytes = forge.blob(&head.id, &entry.object_id).await?;
    let source = String::from_utf8_lossy(&bytes);
    Ok(Some((entry.name().to_owned(), head.markdown(&entry.path, &source))))
}
