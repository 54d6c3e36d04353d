//! A template's form: one draft, page by page.
//!
//! Each page is a URL; posting it keeps the answers, right or wrong, and leads on, back, or to the same page with
//! what is wrong. `_go` says which button was pressed: `next`, or the number of a page.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::field::{FieldView, id_of};
use super::offers::PortalOffers;
use crate::catalog::Catalog;
use crate::entity::EntityRef;
use crate::forge::Forges;
use crate::scaffolder::form::{BUTTONS, Field};
use crate::scaffolder::{Answered, Draft, FieldError, Scaffolder};
use crate::web::error::Error;
use crate::web::extract::{Answer, Form, Path, Query};
use crate::web::page::{Area, Chrome, Page, Site};
use crate::web::pages::markdown;
use crate::web::session::Viewer;
use crate::web::url as link;

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
    /// The number of the page, where answers change what it asks.
    pub(crate) here: Option<usize>,
    /// The answers made it ask more.
    pub(crate) revealed: bool,
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

impl ErrorLine {
    /// Whether the message begins with the field's label.
    pub(crate) fn names_itself(&self) -> bool {
        self.message.starts_with(&self.label)
    }
}

#[derive(Deserialize)]
pub(super) struct TemplatePath {
    namespace: String,
    name: String,
}

impl TemplatePath {
    /// The template that the address names.
    pub(super) fn reference(&self) -> EntityRef {
        EntityRef::new("template", &self.namespace, &self.name)
    }
}

/// `GET /create/templates/{namespace}/{name}`: opens a form. What the query says is filled in: single answers by
/// their names, or all of them as JSON in `formData`, as Backstage's links have it.
pub(super) async fn begin(
    State(scaffolder): State<Scaffolder>,
    viewer: Viewer,
    Path(path): Path<TemplatePath>,
    RawQuery(query): RawQuery,
) -> Answer {
    let template = path.reference();
    let mut prefill = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match serde_json::from_str::<Value>(&value) {
            Ok(Value::Object(values)) if name == "formData" => prefill.extend(values),
            _ => drop(prefill.insert(name.into_owned(), Value::String(value.into_owned()))),
        }
    }
    let draft = scaffolder.draft_create(&viewer.credentials, &template, prefill).await?;
    let first = draft.asked().next().map_or_else(|| link::draft_plan(draft.id), |page| link::draft(draft.id, page));
    Ok(Redirect::to(&first).into_response())
}

#[derive(Deserialize)]
pub(super) struct DraftPath {
    id: Uuid,
    page: usize,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    /// Shows what is wrong with the answers, as after posting them.
    check: Option<String>,
}

/// `GET /create/drafts/{id}/{page}`
pub(super) async fn show(
    State(scaffolder): State<Scaffolder>,
    State(catalog): State<Catalog>,
    State(forges): State<Forges>,
    State(site): State<Arc<Site>>,
    viewer: Viewer,
    Path(path): Path<DraftPath>,
    Query(asked): Query<Asked>,
) -> Answer {
    let draft = scaffolder.draft(&viewer.credentials, path.id).await?;
    let errors = if asked.check.is_some() { scaffolder.draft_errors(&viewer.credentials, &draft) } else { Vec::new() };
    let offers = PortalOffers::new(&catalog, &forges, &site, &viewer);
    let shown = Shown { number: path.page, errors: &errors, revealed: false };
    Ok(Page(FormPage::new(&viewer, &draft, &shown, offers).await?).into_response())
}

/// `POST /create/drafts/{id}/{page}`
pub(super) async fn answer(
    State(scaffolder): State<Scaffolder>,
    State(catalog): State<Catalog>,
    State(forges): State<Forges>,
    State(site): State<Arc<Site>>,
    viewer: Viewer,
    Path(path): Path<DraftPath>,
    Form(posted): Form<Vec<(String, String)>>,
) -> Answer {
    let answered = scaffolder.draft_answer(&viewer.credentials, path.id, path.page, &posted).await?;
    let go = posted.iter().find(|(name, _)| name == "_go").map_or("next", |(_, value)| value.as_str());
    if answered.stay {
        let list = posted.iter().find(|(name, _)| BUTTONS.contains(&name.as_str()));
        let at = list.map(|(_, path)| {
            format!(
                "#{}",
                id_of(&path.split('.').take_while(|part| part.parse::<usize>().is_err()).collect::<Vec<_>>().join("/"))
            )
        });
        return Ok(
            Redirect::to(&format!("{}{}", link::draft(path.id, path.page), at.unwrap_or_default())).into_response()
        );
    }
    if let Ok(page) = go.parse::<usize>() {
        return Ok(Redirect::to(&link::draft(path.id, page)).into_response());
    }
    let Answered { draft, errors, revealed, .. } = answered;
    if !errors.is_empty() || revealed {
        let offers = PortalOffers::new(&catalog, &forges, &site, &viewer);
        // What was asked a moment ago cannot be wrong yet.
        let errors = if revealed { &[][..] } else { &errors[..] };
        let shown = Shown { number: path.page, errors, revealed };
        return Ok(Page(FormPage::new(&viewer, &draft, &shown, offers).await?).into_response());
    }
    let next = draft.asked().find(|number| *number > path.page);
    let next = next.map_or_else(|| link::draft_plan(path.id), |next| link::draft(path.id, next));
    Ok(Redirect::to(&next).into_response())
}

/// What is shown of a draft.
struct Shown<'a> {
    number: usize,
    errors: &'a [FieldError],
    revealed: bool,
}

impl FormPage {
    async fn new(viewer: &Viewer, draft: &Draft, shown: &Shown<'_>, offers: PortalOffers<'_>) -> Result<Self, Error> {
        let Shown { number, errors, revealed } = *shown;
        let missing = || Error::NotFound(format!("this form has no page {}", number + 1));
        let page = draft.page(number, errors).ok_or_else(missing)?;
        let offers = offers.with_fields(&page.fields.iter().collect::<Vec<_>>(), &draft.values).await;
        let template = &draft.template;
        let is_last = draft.asked().all(|asked| asked <= number);
        let changes = template.pages.get(number).is_some_and(|page| page.changes);
        let label = |key: &str, other: &str| template.button(key).unwrap_or(other).to_owned();
        Ok(Self {
            chrome: viewer.chrome(Area::Create, format!("{} · {}", page.title, template.entity.title())),
            crumbs: vec![("Create".to_owned(), link::create())],
            template_title: template.entity.title().to_owned(),
            about: page.description.as_deref().map(markdown::note),
            steps: stepper(draft, Some(number)),
            errors: summary(&page.fields, errors),
            fields: page.fields.iter().map(|field| FieldView::new(field, &offers)).collect(),
            page_title: page.title,
            action: link::draft(draft.id, number),
            here: changes.then_some(number),
            revealed,
            back: draft.asked().rfind(|asked| *asked < number),
            back_label: label("backButtonText", "Back"),
            next_label: if is_last { label("reviewButtonText", "Review plan") } else { "Next".to_owned() },
        })
    }
}

/// The pages of the form and the plan; those that were reached can be opened.
pub(super) fn stepper(draft: &Draft, current: Option<usize>) -> Vec<Step> {
    let mut before_done = true;
    let pages = draft.asked().map(|number| {
        let done = draft.answered.contains(&number);
        let reached = done || before_done;
        before_done = done;
        Step {
            title: draft.pages[number].title.clone(),
            link: reached.then(|| link::draft(draft.id, number)),
            done,
            current: current == Some(number),
        }
    });
    let all = draft.asked().all(|number| draft.answered.contains(&number));
    let plan = Step {
        title: "Plan".to_owned(),
        link: all.then(|| link::draft_plan(draft.id)),
        done: false,
        current: current.is_none(),
    };
    let mut steps: Vec<Step> = pages.collect();
    steps.push(plan);
    steps
}

/// The errors of the page's fields; those of other pages are told there.
pub(super) fn summary(fields: &[Field], errors: &[FieldError]) -> Vec<ErrorLine> {
    let mut lines = Vec::new();
    for error in errors {
        let field = owner_of(fields, &error.pointer);
        if field.is_none() && !error.pointer.is_empty() {
            continue;
        }
        lines.push(ErrorLine {
            anchor: field.map(|field| id_of(&field.pointer)).unwrap_or_default(),
            label: field.map(|field| field.label.clone()).unwrap_or_default(),
            message: error.message.clone(),
        });
    }
    lines
}

/// The innermost field that an error's pointer is in.
fn owner_of<'a>(fields: &'a [Field], pointer: &str) -> Option<&'a Field> {
    use crate::scaffolder::form::FieldKind;
    let field =
        fields.iter().find(|field| pointer == field.pointer || pointer.starts_with(&format!("{}/", field.pointer)))?;
    let inner = match &field.kind {
        FieldKind::Group { fields } => owner_of(fields, pointer),
        FieldKind::List { items, .. } => items.iter().find_map(|fields| owner_of(fields, pointer)),
        _ => None,
    };
    Some(inner.unwrap_or(field))
}

/// The first page with a wrong answer, with what is wrong.
pub(super) fn first_wrong(draft: &Draft, errors: &[FieldError]) -> String {
    let wrong =
        |number: &usize| draft.page(*number, errors).is_some_and(|page| !summary(&page.fields, errors).is_empty());
    let number = draft.asked().find(wrong).unwrap_or_default();
    format!("{}?check=yes", link::draft(draft.id, number))
}
