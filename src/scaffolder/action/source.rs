//! Where `fetch:` actions read from.
//!
//! A URL is relative to the template's own descriptor, or absolute: a folder of a configured forge, or a file on a host
//! that configuration allows. Files that came with the request stand in for relative ones.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;

use super::{ActionContext, ActionError, Given};
use crate::catalog::{LocationRef, Reader, Tree};
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

    /// A folder's files, read with a person's own token if there is one; one that this run has read before is not read
    /// again.
    pub(super) async fn tree(
        &self,
        ctx: &ActionContext,
        url: &str,
        token: Option<&str>,
    ) -> Result<Arc<Tree>, ActionError> {
        // What one token may see, another may not.
        let key = token.map_or_else(|| url.to_owned(), |token| format!("{url}\n{token}"));
        let known = ctx.fetched.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(tree) = known {
            return Ok(tree);
        }
        let tree = Arc::new(match given(ctx, url) {
            Some(given) => given.folder(url)?,
            None => self.reader(token).read_tree(&base(ctx, url), url).await?,
        });
        ctx.fetched.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&tree));
        Ok(tree)
    }

    /// One file.
    pub(super) async fn file(&self, ctx: &ActionContext, url: &str, token: Option<&str>) -> Result<Bytes, ActionError> {
        if let Some(given) = given(ctx, url) {
            return given.file(url);
        }
        let base = base(ctx, url);
        let base = LocationRef::parse(&base)
            .ok_or_else(|| ActionError::failed(format!("\"{base}\" is no location to fetch from")))?;
        let location = self.reader.resolve(&base, url, LocationKind::Blob)?;
        Ok(self.reader(token).read(&location).await?.bytes)
    }

    fn reader(&self, token: Option<&str>) -> Cow<'_, Reader> {
        token.map_or(Cow::Borrowed(&self.reader), |token| Cow::Owned(self.reader.with_token(&token.to_owned().into())))
    }
}

/// What a URL is relative to: the template's place. A template that has none can still read what is absolute.
fn base(ctx: &ActionContext, url: &str) -> String {
    let place = &ctx.template.location;
    if place.is_empty() { format!("url:{url}") } else { place.clone() }
}

/// The files that came with the request, for URLs that are relative.
fn given<'a>(ctx: &'a ActionContext, url: &str) -> Option<&'a Given> {
    ctx.template.contents.as_deref().filter(|_| url::Url::parse(url).is_err())
}
