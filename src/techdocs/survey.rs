//! What is said in a whole site, and what is wrong with it.

use std::sync::Arc;

use super::page::Content;
use super::site::{Page, Site};

/// The text below one heading of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DocumentSection {
    /// The page's address below the site: `guide/x/`.
    pub(crate) path: String,
    /// The page's title.
    pub(crate) title: String,
    /// The heading; empty before the first one.
    pub(crate) heading: String,
    /// Its anchor; empty at the beginning of the page.
    pub(crate) anchor: String,
    /// The words below it.
    pub(crate) text: String,
}

/// The text and the flaws of a site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// In the order of the pages.
    pub(crate) sections: Vec<DocumentSection>,
    /// The path of a file, and what is wrong with it.
    pub(crate) problems: Vec<(String, String)>,
}

/// More problems of one site than these are not kept.
const MOST_PROBLEMS: usize = 500;
/// Longer texts below one heading are cut.
const LONGEST_TEXT: usize = 64 * 1024;

impl Site {
    /// What is said on one page, which is rendered if it was not yet.
    pub(crate) fn said_on(&self, page: usize) -> Vec<DocumentSection> {
        said(&self.pages[page], &self.content(page)).collect()
    }

    /// Renders every page and gathers what is said in it; nothing of it stays.
    pub(crate) fn survey(&self) -> Survey {
        let mut survey = Survey::default();
        let mut ids = Vec::with_capacity(self.pages.len());
        let mut anchored = Vec::new();
        let problem = |file: &str, text: String| (file.to_owned(), text);
        survey.problems.extend(self.problems.iter().map(|text| problem("mkdocs.yml", text.clone())));
        for (number, page) in self.pages.iter().enumerate() {
            let content = match self.contents[number].get() {
                Some(known) => Arc::clone(known),
                None => Arc::new(self.render(number, self.other_images)),
            };
            survey.problems.extend(content.problems.iter().map(|text| problem(&page.path, text.clone())));
            anchored.extend(content.anchored.iter().map(|link| (number, link.clone())));
            survey.sections.extend(said(page, &content));
            ids.push(content.ids());
        }
        for (from, (to, anchor, link)) in anchored {
            if !ids[to].contains(&anchor) {
                let text = format!("`{link}` leads to no heading of {}", self.pages[to].path);
                survey.problems.push(problem(&self.pages[from].path, text));
            }
        }
        survey.problems.dedup();
        survey.problems.truncate(MOST_PROBLEMS);
        survey
    }
}

fn said(page: &Page, content: &Content) -> impl Iterator<Item = DocumentSection> {
    content.sections.iter().map(|section| DocumentSection {
        path: page.url.clone(),
        title: page.title.clone(),
        heading: section.heading.replace('\0', ""),
        anchor: section.anchor.replace('\0', ""),
        text: cut(section.text.replace('\0', "")),
    })
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LONGEST_TEXT));
    text
}
