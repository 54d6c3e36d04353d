//! What MkDocs and Backstage write beside the pages: `search/search_index.json`, `techdocs_metadata.json`.

use std::borrow::Cow;
use std::io::{self, Write};
use std::iter;

use serde::Serialize;
use serde_json::json;

use super::site::Site;
use super::survey::DocumentSection;

impl Site {
    /// The files that are no pages.
    pub(crate) fn other_files(&self) -> impl Iterator<Item = &str> {
        self.files.docs.keys().filter(|path| !self.by_path.contains_key(*path)).map(String::as_str)
    }

    /// Every file of the site as MkDocs would write it.
    pub(crate) fn written_files(&self) -> Vec<String> {
        let pages = self.pages.iter().map(|page| file_of(&page.url));
        let others = self.other_files().map(str::to_owned);
        let own = ["404.html", "search/search_index.json", "techdocs_metadata.json"].map(str::to_owned);
        let mut all: Vec<String> = pages.chain(others).chain(own).collect();
        all.sort();
        all
    }
}

/// The file at an address.
pub(crate) fn file_of(url: &str) -> String {
    if url.is_empty() || url.ends_with('/') { format!("{url}index.html") } else { url.to_owned() }
}

/// Writes the index of MkDocs' own search, as JSON: what [`search_documents`] gives for each page.
pub(crate) fn write_search_index(documents: &[String], to: &mut impl Write) -> io::Result<()> {
    let config = json!({"indexing": "full", "lang": ["en"], "min_search_length": 3, "prebuild_index": false,
        "separator": "[\\s\\-]+"});
    write!(to, r#"{{"config":{config},"docs":["#)?;
    for (number, page) in documents.iter().enumerate() {
        to.write_all(if number == 0 { b"" } else { b"," })?;
        to.write_all(page.as_bytes())?;
    }
    to.write_all(b"]}")
}

/// What the search of MkDocs finds on one page: the page, and each heading on it. Items of JSON with commas between; nothing
/// for a page that says nothing.
pub(crate) fn search_documents(page: &[DocumentSection]) -> Option<String> {
    let DocumentSection { path, title, .. } = page.first()?;
    let whole: Vec<&str> = page.iter().map(|section| section.text.as_str()).collect();
    let whole = whole.join("\n");
    let headings = page.iter().filter(|section| !section.anchor.is_empty()).map(|section| {
        let location = Cow::Owned(format!("{path}#{}", section.anchor));
        Document { location, title: &section.heading, text: &section.text }
    });
    let first = Document { location: Cow::Borrowed(path), title, text: &whole };
    let items: Vec<String> = iter::once(first).chain(headings).map(|document| document.json()).collect();
    Some(items.join(","))
}

#[derive(Serialize)]
struct Document<'s> {
    location: Cow<'s, str>,
    title: &'s str,
    text: &'s str,
}

impl Document<'_> {
    fn json(&self) -> String {
        serde_json::to_string(self).expect("texts can be written as JSON")
    }
}
