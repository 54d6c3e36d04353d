//! Drafts: one person's form that is not finished, kept in Postgres.
//!
//! Every page of the form has a URL, and a reload, Back or a restart of the portal keeps every answer. The draft's id
//! becomes the run's, so submitting twice gives one run, and the plan shows the very files of the run.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::form::{self, FieldError, FormPage};
use super::plan::Plan;
use super::store::{self, DraftRow};
use super::template::Template;
use super::{Scaffolder, ScaffolderError};
use crate::entity::EntityRef;
use crate::permission::{Credentials, Principal};

/// A form that somebody is filling in.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// Its id, and that of the run it becomes.
    pub(crate) id: Uuid,
    /// The template as it is now.
    pub(crate) template: Arc<Template>,
    /// The answers, with the defaults of the pages that were not answered yet.
    pub(crate) values: Map<String, Value>,
    /// The pages that were answered, from 0.
    pub(crate) answered: BTreeSet<usize>,
    /// When it was last changed.
    pub(crate) updated_at: DateTime<Utc>,
    answers: Map<String, Value>,
    secrets: Map<String, Value>,
}

/// What became of a posted page.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    /// The draft with the answers in it, wrong ones too.
    pub(crate) draft: Draft,
    /// What is wrong on the page.
    pub(crate) errors: Vec<FieldError>,
    /// A button that adds or removes a list's item was pressed: show the page again.
    pub(crate) stay: bool,
}

impl Draft {
    /// One page, from 0; none beyond the last.
    pub(crate) fn page(&self, page: usize, errors: &[FieldError]) -> Option<FormPage> {
        self.template.pages.get(page).map(|page| form::show(page, &self.values, errors))
    }

    fn of(row: &DraftRow, template: Arc<Template>) -> Result<Self, sqlx::Error> {
        let answers: Map<String, Value> = store::json(&row.answers)?;
        let answered = row.answered.iter().filter_map(|page| usize::try_from(*page).ok()).collect();
        let values = form::filled_but(&template.pages, &answers, &answered);
        Ok(Self {
            id: row.id,
            template,
            values,
            answered,
            updated_at: row.updated_at,
            answers,
            secrets: store::json(&row.secrets)?,
        })
    }

    fn row(&self) -> DraftRow {
        DraftRow {
            id: self.id,
            template: self.template.reference.to_string(),
            answers: store::text(&self.answers),
            secrets: store::text(&self.secrets),
            answered: self.answered.iter().filter_map(|page| i32::try_from(*page).ok()).collect(),
            updated_at: self.updated_at,
        }
    }
}

impl Scaffolder {
    /// Opens a new form of a template, filled with what the caller knows already.
    pub(crate) async fn draft_create(
        &self,
        who: &Credentials,
        template: &EntityRef,
        prefill: Map<String, Value>,
    ) -> Result<Draft, ScaffolderError> {
        let template = self.template(who, template)?;
        Self::refuse_broken(&template, false)?;
        let row = DraftRow {
            id: Uuid::now_v7(),
            template: template.reference.to_string(),
            answers: store::text(&prefill),
            secrets: "{}".to_owned(),
            answered: Vec::new(),
            updated_at: Utc::now(),
        };
        store::add_draft(self.pool(), &row, &owner(who)).await?;
        Ok(Draft::of(&row, template)?)
    }

    /// One of the caller's forms.
    pub(crate) async fn draft(&self, who: &Credentials, id: Uuid) -> Result<Draft, ScaffolderError> {
        let found = store::draft(self.pool(), id, &owner(who)).await?;
        let missing =
            || ScaffolderError::NotFound("This form is not there any more; open the template again".to_owned());
        let row = found.ok_or_else(missing)?;
        let reference = row.template.parse().map_err(|_| missing())?;
        Ok(Draft::of(&row, self.template(who, &reference)?)?)
    }

    /// Takes the answers of one page, from 0. Wrong answers are kept too, for the page to show.
    pub(crate) async fn draft_answer(
        &self,
        who: &Credentials,
        id: Uuid,
        page: usize,
        posted: &[(String, String)],
    ) -> Result<Answered, ScaffolderError> {
        let mut draft = self.draft(who, id).await?;
        let template = Arc::clone(&draft.template);
        let asked = template.pages.get(page);
        let asked = asked.ok_or_else(|| ScaffolderError::NotFound(format!("The form has no page {}", page + 1)))?;
        let read = form::read(asked, &draft.values, posted);
        draft.answers = form::merged(asked, &draft.answers, &draft.values, &read.values);
        draft.secrets.extend(read.secrets);
        draft.answered.insert(page);
        draft.updated_at = Utc::now();
        draft.values = form::filled_but(&template.pages, &draft.answers, &draft.answered);
        store::save_draft(self.pool(), &draft.row()).await?;
        let errors =
            if read.stay { Vec::new() } else { form::check_page(asked, &draft.values, &self.shelf(Some(who))) };
        Ok(Answered { draft, errors, stay: read.stay })
    }

    /// What the form's run would do.
    pub(crate) async fn draft_plan(&self, who: &Credentials, id: Uuid) -> Result<Plan, ScaffolderError> {
        let draft = self.draft(who, id).await?;
        self.plan_as(who, &draft.template, id, draft.values, draft.secrets).await
    }

    /// Starts the form's run, once: submitting it again gives the same run.
    pub(crate) async fn draft_submit(&self, who: &Credentials, id: Uuid) -> Result<Uuid, ScaffolderError> {
        if store::task(self.pool(), id).await?.is_some() {
            return Ok(id);
        }
        let draft = self.draft(who, id).await?;
        Self::refuse_broken(&draft.template, false)?;
        self.launch(who, id, &draft.template, draft.values, &draft.secrets).await?;
        store::forget_draft_secrets(self.pool(), id).await?;
        Ok(id)
    }
}

/// Whose form it is.
fn owner(who: &Credentials) -> String {
    match who.principal() {
        Principal::User { user, .. } => user.to_string(),
        Principal::Service { subject } => format!("service:{subject}"),
        Principal::Anonymous => "anonymous".to_owned(),
    }
}
