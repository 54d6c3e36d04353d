//! The answers of a form whose template changes while it is answered.
//!
//! What was asked is read as the form's own pages read it; what the text asks anew gets its default.

use serde_json::{Map, Value};

use super::sent::Sent;
use crate::scaffolder::form::{self, FormPage};
use crate::scaffolder::{FieldError, Template};

/// The answers to a template's form.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) values: Map<String, Value>,
    pub(super) secrets: Map<String, Value>,
    /// A button that adds or removes a list's item was pressed.
    pub(super) stay: bool,
}

impl Answers {
    /// Reads what was posted.
    pub(super) fn of(template: &Template, sent: &Sent) -> Self {
        // The buttons count once, not for every page.
        let is_button = |(name, _): &&(String, String)| name == "_add" || name == "_remove";
        let plain: Vec<_> = sent.pairs.iter().filter(|pair| !is_button(pair)).cloned().collect();
        let mut answers = Self { values: sent.before.clone(), ..Self::default() };
        for (number, page) in template.pages.iter().enumerate() {
            let is_last = number + 1 == template.pages.len();
            let read = form::read(page, &answers.values, if is_last { &sent.pairs } else { &plain });
            answers.values = read.values;
            answers.secrets.extend(read.secrets);
            answers.stay |= read.stay;
        }
        answers.values.retain(|name, _| sent.asked.contains(name));
        for (name, value) in form::filled(&template.pages, &answers.values) {
            if !sent.asked.contains(&name) {
                answers.values.insert(name, value);
            }
        }
        answers
    }

    /// The pages of the form with these answers.
    pub(super) fn pages(&self, template: &Template, errors: &[FieldError]) -> Vec<FormPage> {
        template.pages.iter().map(|page| form::show(page, &self.values, errors)).collect()
    }
}

/// What the pages ask, by the keys of the answers.
pub(super) fn asked(pages: &[FormPage]) -> Vec<String> {
    let key = |pointer: &str| {
        let first = pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
        first.replace("~1", "/").replace("~0", "~")
    };
    pages.iter().flat_map(|page| &page.fields).map(|field| key(&field.pointer)).collect()
}
