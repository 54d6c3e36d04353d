//! One page of a template's form.

use askama::Template;

use super::field::FieldView;
use crate::web::page::Chrome;

/// One page of the form.
#[derive(Template)]
#[template(path = "create/form.html")]
pub(crate) struct FormPage {
    pub(crate) chrome: Chrome,
    pub(crate) crumbs: Vec<(String, String)>,
    pub(crate) template_title: String,
    pub(crate) page_title: String,
    /// Sanitised.
    pub(crate) about: Option<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) errors: Vec<ErrorLine>,
    pub(crate) fields: Vec<FieldView>,
    pub(crate) action: String,
    /// The number of the page before, for the Back button.
    pub(crate) back: Option<usize>,
    pub(crate) back_label: String,
    pub(crate) next_label: String,
}

/// One entry of the stepper.
pub(crate) struct Step {
    pub(crate) title: String,
    /// Where it can be opened.
    pub(crate) link: Option<String>,
    pub(crate) done: bool,
    pub(crate) current: bool,
}

/// One line of the summary of errors.
pub(crate) struct ErrorLine {
    /// The id of the field; empty when the page as a whole is meant.
    pub(crate) anchor: String,
    pub(crate) label: String,
    pub(crate) message: String,
}
