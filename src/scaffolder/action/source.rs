//! Where `fetch:` actions read from.
//!
//! A URL is relative to the template's own descriptor, or absolute: a folder of a configured forge, or a file on a host
//! that configuration allows. Folders and files that came with the request stand in for relative ones.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;

use super::super::workspace::{self, WorkspaceError};
use super::{ActionContext, ActionError};
use crate::catalog::{LocationRef, ReadError, Reader, Tree, TreeFile};
use crate::forge::LocationKind;

/// Reads folders and files for one action.
pub(super) struct Source {
    reader: Reader,
}

impl Source {
    /// With the catalog's rules of what may be read.
    pub(super) fn new(reader: &Reader) -> Self {
        Self { reader: reader.clone() }
    }

    /// A folder's files; one that this run has read before is not read again.
    pub(super) async fn tree(&self, ctx: &ActionContext, url: &str) -> Result<Arc<Tree>, ActionError> {
        let known = ctx.fetched.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned();
        if let Some(tree) = known {
            return Ok(tree);
        }
        let tree = Arc::new(match given(ctx, url) {
            Some(contents) => part(contents, url)?,
            None => self.reader.read_tree(&base(ctx, url), url).await?,
        });
        ctx.fetched.lock().unwrap_or_else(PoisonError::into_inner).insert(url.to_owned(), Arc::clone(&tree));
        Ok(tree)
    }

    /// One file.
    pub(super) async fn file(&self, ctx: &ActionContext, url: &str) -> Result<Bytes, ActionError> {
        if let Some(contents) = given(ctx, url) {
            let path = beside(url)?;
            let found = contents.files.iter().find(|file| file.path == path);
            return Ok(found.ok_or_else(|| ReadError::NotFound(path.clone()))?.bytes.clone());
        }
        let base = base(ctx, url);
        let base = LocationRef::parse(&base)
            .ok_or_else(|| ActionError::failed(format!("\"{base}\" is no location to fetch from")))?;
        let location = self.reader.resolve(&base, url, LocationKind::Blob)?;
        Ok(self.reader.read(&location).await?.bytes)
    }
}

/// The files below a folder.
fn part(contents: &Tree, folder: &str) -> Result<Tree, ActionError> {
    let folder = beside(folder)?;
    let below = |file: &TreeFile| {
        let rest = if folder.is_empty() { Some(&*file.path) } else { file.path.strip_prefix(&format!("{folder}/")) };
        rest.map(|path| TreeFile { path: path.to_owned(), ..file.clone() })
    };
    Ok(Tree { files: contents.files.iter().filter_map(below).collect(), version: contents.version.clone() })
}

/// The path of a file or folder among those that came with the request.
fn beside(url: &str) -> Result<String, ActionError> {
    workspace::normal(url).map_err(|error| match error {
        WorkspaceError::Outside(_) => ActionError {
            name: "NotAllowedError",
            message: format!(
                "`{url}` leads out of the template's folder: a dry run has only the files in that folder, a run of the \
                 template in the catalog reads it from where the template is"
            ),
        },
        other => other.into(),
    })
}

/// What a URL is relative to: the template's place. A template that has none can still read what is absolute.
fn base(ctx: &ActionContext, url: &str) -> String {
    let place = &ctx.template.location;
    if place.is_empty() { format!("url:{url}") } else { place.clone() }
}

/// The files that came with the request, for URLs that are relative.
fn given<'a>(ctx: &'a ActionContext, url: &str) -> Option<&'a Tree> {
    ctx.template.contents.as_deref().filter(|_| url::Url::parse(url).is_err())
}
