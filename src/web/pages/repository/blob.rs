//! One file of a repository.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use serde::Deserialize;

use super::{CommitLine, Head, Place, last_commit, raw};
use crate::forge::{FileMode, Forge as _, ForgeError, LocalForge, Missing};
use crate::web::Site;
use crate::web::extract::{Answer, Path, Query};
use crate::web::page::{Chrome, Page};
use crate::web::pages::shown;
use crate::web::session::Viewer;

/// More of a text than this is left to the raw view.
const BYTES_SHOWN: usize = 300_000;

#[derive(Template)]
#[template(path = "repository/blob.html")]
struct BlobPage {
    chrome: Chrome,
    head: Head,
    path: String,
    name: String,
    last: Option<CommitLine>,
    facts: String,
    body: Body,
    /// Whether there is a rendered and a source view, and which of them this is.
    rendered: Option<bool>,
    wrap: bool,
    cut: bool,
}

enum Body {
    Lines(Vec<String>),
    Html(String),
    Image,
    Link(String),
    Empty,
    Binary,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    /// `source` shows the text of a file that would be rendered.
    #[serde(default)]
    view: String,
    /// Whether long lines are wrapped.
    wrap: Option<String>,
}

/// `GET /repositories/{owner}/{repository}/blob/{revision}/{path}`
pub(super) async fn show(
    State(forge): State<LocalForge>,
    State(site): State<Arc<Site>>,
    viewer: Viewer,
    Path(place): Path<Place>,
    Query(asked): Query<Asked>,
) -> Answer {
    let head = Head::load(&forge, &site, place.repository()?, Some(&place.revision)).await?;
    let path = place.path.trim_matches('/');
    let file = match forge.read(&head.id, &head.revision, path).await {
        Ok(file) => file,
        Err(ForgeError::NotFound(Missing::Path { .. })) if forge.tree(&head.id, &head.revision, path).await.is_ok() => {
            return Ok(Redirect::to(&head.tree(path)).into_response());
        }
        Err(error) => return Err(error.into()),
    };
    let last = last_commit(&forge, &head, path).await?;
    let markdown = is_markdown(path);
    let source = !markdown || asked.view == "source";
    let (body, cut) = body(&head, path, &file.bytes, file.mode, source);
    let facts = facts(&body, cut, &file.bytes, file.mode);
    Ok(Page(BlobPage {
        chrome: head.chrome(&viewer, path),
        name: path.rsplit('/').next().unwrap_or(path).to_owned(),
        path: path.to_owned(),
        last,
        facts,
        rendered: markdown.then_some(!source),
        wrap: asked.wrap.is_some(),
        body,
        cut,
        head,
    })
    .into_response())
}

fn is_markdown(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    [".md", ".markdown"].iter().any(|ending| lower.ends_with(ending))
}

fn body(head: &Head, path: &str, bytes: &[u8], mode: FileMode, source: bool) -> (Body, bool) {
    if bytes.is_empty() {
        return (Body::Empty, false);
    }
    if mode == FileMode::Symlink {
        return (Body::Link(String::from_utf8_lossy(bytes).into_owned()), false);
    }
    if raw::image_type(path).is_some() {
        return (Body::Image, false);
    }
    let Some(text) = raw::text_of(bytes) else { return (Body::Binary, false) };
    if !source {
        return (Body::Html(head.markdown(path, text)), false);
    }
    let mut shown = 0;
    let lines = text.lines().take_while(|line| {
        shown += line.len() + 1;
        shown <= BYTES_SHOWN
    });
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    (Body::Lines(lines), shown > BYTES_SHOWN)
}

fn facts(body: &Body, cut: bool, bytes: &[u8], mode: FileMode) -> String {
    let mut facts = Vec::new();
    if let (Body::Lines(lines), false) = (body, cut) {
        facts.push(shown::count(lines.len(), "line", "lines"));
    }
    facts.push(shown::size(bytes.len() as u64));
    match mode {
        FileMode::Regular => {}
        FileMode::Executable => facts.push("executable".to_owned()),
        FileMode::Symlink => facts.push("symbolic link".to_owned()),
    }
    facts.join(" · ")
}
