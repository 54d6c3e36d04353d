//! Drafts: one person's form that is not finished, kept in Postgres.
//!
//! Every page of the form has a URL, and a reload, Back or a restart of the portal keeps every answer. The draft's id
//! becomes the run's, so submitting twice gives one run, and the plan shows the very files of the run.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::flag::Flags;
use super::form::{self, FieldError, FormPage, Page, Settled};
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
    /// The pages as they are for these answers; those that are not asked have no field.
    pub(crate) pages: Vec<Arc<Page>>,
    /// The answers to what is asked, with the defaults of the pages that were not answered yet.
    pub(crate) values: Map<String, Value>,
    /// The pages that were answered, from 0.
    pub(crate) answered: BTreeSet<usize>,
    /// When it was last changed.
    pub(crate) updated_at: DateTime<Utc>,
    answers: Map<String, Value>,
    secrets: Map<String, Value>,
    flags: Flags,
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
    /// The answers made the page ask something that it did not ask before.
    pub(crate) revealed: bool,
}

impl Draft {
    /// One page, from 0; none beyond the last.
    pub(crate) fn page(&self, page: usize, errors: &[FieldError]) -> Option<FormPage> {
        self.pages.get(page).map(|page| form::show_given(page, &self.values, &self.secrets, errors))
    }

    /// The numbers of the pages that are asked for these answers.
    pub(crate) fn asked(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.pages.iter().enumerate().filter(|(_, page)| !page.skipped).map(|(number, _)| number)
    }

    async fn of(
        row: &DraftRow,
        template: Arc<Template>,
        who: &Credentials,
        scaffolder: &Scaffolder,
    ) -> Result<Self, ScaffolderError> {
        let answers: Map<String, Value> = store::json(&row.answers)?;
        let answered = row.answered.iter().filter_map(|page| usize::try_from(*page).ok()).collect();
        let flags = scaffolder.flags(who, &template).await?;
        let Settled { pages, values } = scaffolder.settled(who, &template, &answers, &answered, &flags);
        Ok(Self {
            id: row.id,
            template,
            pages,
            values,
            answered,
            updated_at: row.updated_at,
            answers,
            secrets: store::json(&row.secrets)?,
            flags,
        })
    }

    /// Computes the form anew after one page was answered.
    fn resettle(&mut self, page: usize, who: &Credentials, scaffolder: &Scaffolder) {
        let before = Settled { pages: std::mem::take(&mut self.pages), values: std::mem::take(&mut self.values) };
        let settle =
            |draft: &Self| scaffolder.settled(who, &draft.template, &draft.answers, &draft.answered, &draft.flags);
        let mut after = settle(self);
        if form::follow(&before, &after, &mut self.answers) {
            after = settle(self);
        }
        // What the page asks only now has its default, though the page was answered.
        let unanswered: BTreeSet<usize> = self.answered.iter().copied().filter(|number| *number != page).collect();
        let asks =
            |settled: &Settled| settled.pages.get(page).map(|page| page.asks(&settled.values)).unwrap_or_default();
        let fresh: Vec<String> = asks(&after).difference(&asks(&before)).cloned().collect();
        if !fresh.is_empty() {
            let defaults = scaffolder.settled(who, &self.template, &self.answers, &unanswered, &self.flags).values;
            for (name, value) in defaults.into_iter().filter(|(name, _)| fresh.contains(name)) {
                self.answers.entry(name).or_insert(value);
            }
            after = settle(self);
        }
        // A page that asks something new must be looked at again, and what is new has its default until then.
        let asks_more = |number: &usize| {
            let asks = |settled: &Settled| settled.pages.get(*number).map(|page| page.asks(&settled.values));
            asks(&after).is_some_and(|now| !now.is_subset(&asks(&before).unwrap_or_default()))
        };
        let stale: Vec<usize> =
            self.answered.iter().copied().filter(|number| *number != page && asks_more(number)).collect();
        if !stale.is_empty() {
            self.answered.retain(|number| !stale.contains(number));
            after = settle(self);
        }
        Settled { pages: self.pages, values: self.values } = after;
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
        Draft::of(&row, template, who, self).await
    }

    /// One of the caller's forms.
    pub(crate) async fn draft(&self, who: &Credentials, id: Uuid) -> Result<Draft, ScaffolderError> {
        let found = store::draft(self.pool(), id, &owner(who)).await?;
        let missing =
            || ScaffolderError::NotFound("This form is not there any more; open the template again".to_owned());
        let row = found.ok_or_else(missing)?;
        let reference = row.template.parse().map_err(|_| missing())?;
        Draft::of(&row, self.template(who, &reference)?, who, self).await
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
        let missing = || ScaffolderError::NotFound(format!("The form has no page {}", page + 1));
        let asked = Arc::clone(draft.pages.get(page).ok_or_else(missing)?);
        let shown = form::show(&asked, &draft.values, &[]);
        let read = form::read(&asked, &draft.values, posted);
        draft.answers = form::merged(&asked, &draft.answers, &draft.values, &read.values);
        draft.secrets.extend(read.secrets);
        draft.secrets.retain(|_, secret| !secret.is_null());
        draft.answered.insert(page);
        draft.updated_at = Utc::now();
        draft.resettle(page, who, self);
        store::save_draft(self.pool(), &draft.row()).await?;
        let now = draft.pages.get(page).ok_or_else(missing)?;
        let errors = if read.stay { Vec::new() } else { self.page_errors(who, &draft, now) };
        let revealed = !read.stay && form::reveals(&shown, &form::show(now, &draft.values, &[]), posted);
        Ok(Answered { draft, errors, stay: read.stay, revealed })
    }

    /// What is wrong with the answers of a form.
    pub(crate) fn draft_errors(&self, who: &Credentials, draft: &Draft) -> Vec<FieldError> {
        draft.pages.iter().flat_map(|page| self.page_errors(who, draft, page)).collect()
    }

    fn page_errors(&self, who: &Credentials, draft: &Draft, page: &Page) -> Vec<FieldError> {
        let mut errors = form::check_page(page, &draft.values, &self.shelf(who));
        let missing = form::missing_tokens(page, &draft.values, &draft.secrets);
        let is_new = |lacking: &FieldError| errors.iter().all(|error| error.pointer != lacking.pointer);
        let missing: Vec<FieldError> = missing.into_iter().filter(is_new).collect();
        errors.extend(missing);
        errors
    }

    /// Refuses a form that lacks a token: a caller of the API may know better, a person is asked.
    fn refuse_tokenless(draft: &Draft) -> Result<(), ScaffolderError> {
        let missing = |page: &Arc<Page>| form::missing_tokens(page, &draft.values, &draft.secrets);
        let errors: Vec<FieldError> = draft.pages.iter().flat_map(missing).collect();
        if errors.is_empty() { Ok(()) } else { Err(ScaffolderError::Values(errors)) }
    }

    /// What the form's run would do.
    pub(crate) async fn draft_plan(&self, who: &Credentials, id: Uuid) -> Result<Plan, ScaffolderError> {
        let draft = self.draft(who, id).await?;
        Self::refuse_tokenless(&draft)?;
        let answered = draft.template.every_page();
        self.plan_as(who, &draft.template, id, (draft.values, &answered), draft.secrets).await
    }

    /// Starts the form's run, once: submitting it again gives the same run.
    pub(crate) async fn draft_submit(&self, who: &Credentials, id: Uuid) -> Result<Uuid, ScaffolderError> {
        if store::task(self.pool(), id).await?.is_some() {
            return Ok(id);
        }
        let draft = self.draft(who, id).await?;
        Self::refuse_broken(&draft.template, false)?;
        Self::refuse_tokenless(&draft)?;
        let answered = draft.template.every_page();
        self.launch(who, id, &draft.template, (draft.values, &answered), &draft.secrets).await?;
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
