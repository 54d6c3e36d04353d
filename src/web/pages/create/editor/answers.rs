//! The answers of a form whose template changes while it is answered.
//!
//! What was asked is read as the form's own pages read it; what the text asks anew gets its default.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::sent::Sent;
use crate::permission::Credentials;
use crate::scaffolder::form::{self, FormPage, Page};
use crate::scaffolder::{FieldError, Flags, Scaffolder, Template};

/// The answers to a template's form.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) values: Map<String, Value>,
    pub(super) secrets: Map<String, Value>,
    /// A button of a list was pressed.
    pub(super) stay: bool,
    pages: Vec<Arc<Page>>,
}

impl Answers {
    /// Reads what was posted.
    pub(super) fn of(
        scaffolder: &Scaffolder,
        (who, flags): (&Credentials, &Flags),
        template: &Template,
        sent: &Sent,
    ) -> Self {
        // The buttons count once, not for every page.
        let is_button = |(name, _): &&(String, String)| form::BUTTONS.contains(&name.as_str());
        let plain: Vec<_> = sent.pairs.iter().filter(|pair| !is_button(pair)).cloned().collect();
        let mut answers = Self { values: sent.before.clone(), ..Self::default() };
        let shown = scaffolder.settled(who, template, &sent.before, &BTreeSet::new(), flags).pages;
        for (number, page) in shown.iter().enumerate() {
            let is_last = number + 1 == shown.len();
            let read = form::read(page, &answers.values, if is_last { &sent.pairs } else { &plain });
            answers.values = read.values;
            answers.secrets.extend(read.secrets.into_iter().filter(|(_, secret)| !secret.is_null()));
            answers.stay |= read.stay;
        }
        answers.values.retain(|name, _| sent.asked.contains(name));
        let settled = scaffolder.settled(who, template, &answers.values, &BTreeSet::new(), flags);
        answers.pages = settled.pages;
        for (name, value) in settled.values {
            if !sent.asked.contains(&name) {
                answers.values.insert(name, value);
            }
        }
        answers
    }

    /// The pages of the form with these answers.
    pub(super) fn pages(&self, errors: &[FieldError]) -> Vec<FormPage> {
        self.pages.iter().filter(|page| !page.skipped).map(|page| form::show(page, &self.values, errors)).collect()
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
