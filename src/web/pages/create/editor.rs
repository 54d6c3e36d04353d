//! `/create/edit`: a template's text beside the form and the files that it makes.
//!
//! One form holds everything and nothing is stored: *Check* looks at the text, *Dry run* runs it with the form's
//! answers and without effect, *Download* gives the text back. Without JavaScript each is a page; `editor.js` sends the
//! same form in the background after a pause in typing and puts the parts of the answer (`data-part`) in place.

mod answers;
mod result;
mod sent;
mod source;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde_json::Value;

use self::answers::{Answers, asked};
use self::result::Rehearsed;
use self::sent::{Sent, Wish};
use self::source::{Fault, example, faults};
use super::field::{FieldView, OptionView};
use super::form::{ErrorLine, summary};
use super::offers::PortalOffers;
use crate::catalog::Catalog;
use crate::forge::Forges;
use crate::scaffolder::form::Field;
use crate::scaffolder::{self, Draught, FieldError, Scaffolder, ScaffolderError, Trial};
use crate::web::error::Error;
use crate::web::extract::{Answer, MixedForm, Query};
use crate::web::page::{Area, Chrome, Page, Site};
use crate::web::pages::{markdown, shown};
use crate::web::session::Viewer;
use crate::web::url as link;

/// What a form of this page may have at most, in bytes: text, answers, and files both new and carried along.
pub(super) const LARGEST_BODY: usize = 4 * 1024 * 1024;
/// What a new text begins as.
const STARTER: &str = include_str!("editor/starter.yaml");

/// The editor.
#[derive(Template)]
#[template(path = "create/editor.html")]
pub(crate) struct EditorPage {
    pub(crate) chrome: Chrome,
    pub(crate) crumbs: Vec<(String, String)>,
    /// Templates of the catalog to begin from.
    pub(crate) templates: Vec<OptionView>,
    pub(crate) base: String,
    pub(crate) text: String,
    /// Path and size of every file beside the template.
    pub(crate) files: Vec<(String, String)>,
    /// The files, for the next time the form is sent.
    pub(crate) kept: String,
    pub(crate) faults: Vec<Fault>,
    pub(crate) broken: bool,
    pub(crate) pages: Vec<FormPart>,
    pub(crate) errors: Vec<ErrorLine>,
    pub(crate) asked: Vec<String>,
    pub(crate) values: String,
    pub(crate) open_file: String,
    pub(crate) result: Rehearsed,
}

/// One page of the template's form.
pub(crate) struct FormPart {
    pub(crate) title: String,
    /// Sanitised.
    pub(crate) about: Option<String>,
    pub(crate) fields: Vec<FieldView>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// A template of the catalog to begin from.
    #[serde(default)]
    template: String,
    /// An action whose example to begin from.
    #[serde(default)]
    action: String,
    #[serde(default)]
    example: usize,
}

/// What the page needs to be made.
#[derive(Clone)]
pub(super) struct Desk {
    scaffolder: Scaffolder,
    catalog: Catalog,
    forges: Forges,
    site: Arc<Site>,
}

impl axum::extract::FromRef<crate::web::AppState> for Desk {
    fn from_ref(state: &crate::web::AppState) -> Self {
        Self {
            scaffolder: state.scaffolder.clone(),
            catalog: state.catalog.clone(),
            forges: state.forges.clone(),
            site: Arc::clone(&state.site),
        }
    }
}

/// Opens the editor with a text.
pub(super) async fn show(State(desk): State<Desk>, viewer: Viewer, Query(begin): Query<Asked>) -> Answer {
    let mut sent = Sent { text: STARTER.to_owned(), wish: Wish::Run, ..Sent::default() };
    if !begin.template.is_empty() {
        let base = sent::reference(&begin.template)?;
        sent.text = desk.scaffolder.template_text(&viewer.credentials, &base).await?;
        sent.base = Some(base);
    } else if !begin.action.is_empty() {
        sent.text = example(&desk.scaffolder.actions(), &begin.action, begin.example)?;
    }
    Ok(Page(desk.page(&viewer, &sent).await?).into_response())
}

/// Looks at what was sent.
pub(super) async fn answer(State(desk): State<Desk>, viewer: Viewer, form: MixedForm) -> Answer {
    let sent = Sent::read(form)?;
    if sent.wish == Wish::Download {
        let headers = [
            (header::CONTENT_TYPE, "application/yaml; charset=utf-8"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"template.yaml\""),
            (header::CACHE_CONTROL, "no-store"),
        ];
        return Ok((headers, sent.text).into_response());
    }
    Ok(Page(desk.page(&viewer, &sent).await?).into_response())
}

impl Desk {
    async fn page(&self, viewer: &Viewer, sent: &Sent) -> Result<EditorPage, Error> {
        let draught = self.scaffolder.read_text(&sent.text);
        let who = &viewer.credentials;
        let answers = match &draught.template {
            Some(template) => {
                let flags = self.scaffolder.flags(who, template).await?;
                Answers::of(&self.scaffolder, (who, &flags), template, sent)
            }
            None => Answers::default(),
        };
        let (errors, result) = self.rehearse(viewer, sent, &draught, &answers).await?;
        let pages = answers.pages(&errors);
        let asked_for: Vec<&Field> = pages.iter().flat_map(|page| &page.fields).collect();
        let offers = PortalOffers::new(&self.catalog, &self.forges, &self.site, viewer);
        let offers = offers.with_fields(&asked_for, &answers.values).await;
        let lines = pages.iter().flat_map(|page| summary(&page.fields, &errors)).collect();
        let part = |page: &scaffolder::form::FormPage| FormPart {
            title: page.title.clone(),
            about: page.description.as_deref().map(markdown::note),
            // The form comes anew while somebody types elsewhere: it must not take the focus.
            fields: page
                .fields
                .iter()
                .map(|field| FieldView::new(&Field { autofocus: false, ..field.clone() }, &offers))
                .collect(),
        };
        Ok(EditorPage {
            chrome: viewer.chrome(Area::Create, "Editor"),
            crumbs: vec![("Create".to_owned(), link::create())],
            templates: self.templates(viewer, sent),
            base: sent.base.as_ref().map(ToString::to_string).unwrap_or_default(),
            files: sent.files.iter().map(|file| (file.path.clone(), shown::size(file.bytes.len() as u64))).collect(),
            kept: if sent.files.is_empty() { String::new() } else { sent.contents().to_string() },
            faults: faults(&sent.text, &draught),
            broken: !draught.problems.is_empty(),
            asked: asked(&pages),
            pages: pages.iter().map(part).collect(),
            errors: lines,
            values: Value::Object(answers.values).to_string(),
            open_file: result.open_file(),
            result,
            text: sent.text.clone(),
        })
    }

    /// Runs the text, if that is asked for and it can run with these answers.
    async fn rehearse(
        &self,
        viewer: &Viewer,
        sent: &Sent,
        draught: &Draught,
        answers: &Answers,
    ) -> Result<(Vec<FieldError>, Rehearsed), Error> {
        let Some(template) = draught.template.as_ref().filter(|_| draught.problems.is_empty()) else {
            return Ok((Vec::new(), Rehearsed::waiting("The files are shown as soon as the text has no mistake.")));
        };
        if sent.wish != Wish::Run || answers.stay {
            return Ok((Vec::new(), Rehearsed::waiting("Press Dry run to see the files that it makes.")));
        }
        let trial = Trial {
            base: sent.base.clone(),
            files: sent.contents(),
            values: answers.values.clone(),
            secrets: answers.secrets.clone(),
        };
        match self.scaffolder.try_out(&viewer.credentials, template, trial).await {
            Ok(plan) => Ok((Vec::new(), Rehearsed::new(&plan, template, sent.file.as_deref()))),
            Err(ScaffolderError::Values(errors)) => {
                // A form that nobody has seen yet has no wrong answers.
                let errors = if sent.asked.is_empty() { Vec::new() } else { errors };
                Ok((errors, Rehearsed::waiting("Answer the form to see the files that it makes.")))
            }
            // What is wrong with the files beside the template, or that it took too long, is for its author.
            Err(ScaffolderError::Invalid(message)) => Ok((Vec::new(), Rehearsed::failed(message))),
            Err(error) => Err(error.into()),
        }
    }

    fn templates(&self, viewer: &Viewer, sent: &Sent) -> Vec<OptionView> {
        let templates = self.scaffolder.templates(&viewer.credentials);
        let option = |template: &Arc<scaffolder::Template>| OptionView {
            label: template.entity.title().to_owned(),
            hint: template.reference.short(Some("template")),
            selected: sent.base.as_ref() == Some(&template.reference),
            ..OptionView::plain(template.reference.to_string())
        };
        templates.iter().map(option).collect()
    }
}
