//! What MkDocs and Backstage write beside the pages: `search/search_index.json`, `techdocs_metadata.json`.

use serde_json::{Value, json};

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

/// The index of MkDocs' own search: one document for every page, and one for each heading below it.
pub(crate) fn search_index(said: &[DocumentSection]) -> Value {
    let mut documents = Vec::new();
    for sections in said.chunk_by(|one, other| one.path == other.path) {
        let page = &sections[0];
        let whole: Vec<&str> = sections.iter().map(|section| section.text.as_str()).collect();
        documents.push(json!({"location": page.path, "title": page.title, "text": whole.join("\n")}));
        for section in sections.iter().filter(|section| !section.anchor.is_empty()) {
            let location = format!("{}#{}", page.path, section.anchor);
            documents.push(json!({"location": location, "title": section.heading, "text": section.text}));
        }
    }
    json!({"config": {"indexing": "full", "lang": ["en"], "min_search_length": 3, "prebuild_index": false,
        "separator": "[\\s\\-]+"}, "docs": documents})
}
