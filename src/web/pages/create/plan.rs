//! The plan: what a run would do, with every file.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::file::FileView;
use super::form::{Step, first_wrong, stepper};
use super::tree::{Target, TreeFile, tree};
use crate::forge::FileMode;
use crate::scaffolder::form::{Field, FieldKind, text_of};
use crate::scaffolder::{
    Draft, Effect, EffectKind, Plan, PlanProblem, PlannedFile, Scaffolder, ScaffolderError, Template as ParsedTemplate,
};
use crate::web::extract::{Answer, Form, Path, Query};
use crate::web::page::{Area, Chrome, Page};
use crate::web::pages::diff::Diff;
use crate::web::pages::shown;
use crate::web::pages::task::without_colours;
use crate::web::session::Viewer;
use crate::web::url as link;

/// The plan.
#[derive(Template)]
#[template(path = "create/plan.html")]
pub(crate) struct PlanPage {
    pub(crate) chrome: Chrome,
    pub(crate) crumbs: Vec<(String, String)>,
    pub(crate) template_title: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) problems: Vec<String>,
    pub(crate) conflicts: usize,
    pub(crate) warnings: Vec<String>,
    pub(crate) groups: Vec<EffectGroup>,
    pub(crate) effects_total: usize,
    pub(crate) answers: Vec<(String, String)>,
    pub(crate) log: Vec<String>,
    /// `31 files, 42.1 kB`
    pub(crate) files_text: String,
    /// The tree as nested lists; built by [`tree`].
    pub(crate) tree: String,
    pub(crate) file: Option<FileView>,
    pub(crate) back: String,
    pub(crate) back_label: String,
    pub(crate) create_label: String,
    /// Conflicts or problems forbid to go on.
    pub(crate) blocked: bool,
    pub(crate) action: String,
}

/// Effects of one kind.
pub(crate) struct EffectGroup {
    pub(crate) title: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) effects: Vec<EffectLine>,
}

/// One effect.
pub(crate) struct EffectLine {
    pub(crate) sentence: String,
    pub(crate) step: String,
    pub(crate) conflict: Option<String>,
    pub(crate) diff: Option<Diff>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    /// The file to show; without one, the README or the first.
    file: Option<String>,
}

/// `GET /create/drafts/{id}/plan`
pub(super) async fn show(
    State(scaffolder): State<Scaffolder>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
    Query(asked): Query<Asked>,
) -> Answer {
    if scaffolder.task(&viewer.credentials, id).await.is_ok() {
        return Ok(Redirect::to(&link::task(id)).into_response());
    }
    let draft = scaffolder.draft(&viewer.credentials, id).await?;
    match scaffolder.draft_plan(&viewer.credentials, id).await {
        Ok(plan) => Ok(Page(PlanPage::new(&viewer, &draft, &plan, asked.file.as_deref())).into_response()),
        Err(ScaffolderError::Values(errors)) => Ok(Redirect::to(&first_wrong(&draft, &errors)).into_response()),
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
pub(super) struct Pressed {}

/// `POST /create/drafts/{id}/plan`: starts the run, once.
pub(super) async fn submit(
    State(scaffolder): State<Scaffolder>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
    _: Form<Pressed>,
) -> Answer {
    match scaffolder.draft_submit(&viewer.credentials, id).await {
        Ok(task) => Ok(Redirect::to(&link::task(task)).into_response()),
        // Something changed since the plan was shown, which says what.
        Err(ScaffolderError::Values(_)) => Ok(Redirect::to(&link::draft_plan(id)).into_response()),
        Err(error) => Err(error.into()),
    }
}

impl PlanPage {
    fn new(viewer: &Viewer, draft: &Draft, plan: &Plan, wanted: Option<&str>) -> Self {
        let template = &draft.template;
        let label = |key: &str, other: &str| template.button(key).unwrap_or(other).to_owned();
        let chosen = chosen(&plan.files, wanted);
        let here = link::draft_plan(draft.id);
        let row = |file: &PlannedFile| TreeFile {
            target: Target::Link(format!("{here}?file={}#file", link::query(&file.path))),
            path: file.path.clone(),
            size: file.content.len() as u64,
            executable: file.mode == FileMode::Executable,
            current: chosen.is_some_and(|chosen| chosen.path == file.path),
        };
        Self {
            chrome: viewer.chrome(Area::Create, format!("Plan · {}", template.entity.title())),
            crumbs: vec![("Create".to_owned(), link::create())],
            template_title: template.entity.title().to_owned(),
            steps: stepper(draft, None),
            problems: problems(plan, template),
            conflicts: plan.effects.iter().filter(|effect| effect.conflict.is_some()).count(),
            warnings: plan.warnings.clone(),
            groups: groups(&plan.effects),
            effects_total: plan.effects.len(),
            answers: answers(draft),
            log: log(plan),
            files_text: files_text(&plan.files),
            tree: tree(&plan.files.iter().map(row).collect::<Vec<_>>()),
            file: chosen.map(FileView::of),
            back: draft.asked().next_back().map_or_else(link::create, |last| link::draft(draft.id, last)),
            back_label: label("backButtonText", "Back"),
            create_label: label("createButtonText", "Create"),
            blocked: !plan.is_clear(),
            action: here,
        }
    }
}

/// Why a plan cannot be carried out, with the names of the steps.
pub(super) fn problems(plan: &Plan, template: &ParsedTemplate) -> Vec<String> {
    let step_name =
        |id: &str| template.steps.iter().find(|step| step.id == id).map_or(id, |step| step.name.as_str()).to_owned();
    let problem = |problem: &PlanProblem| match problem.step.as_str() {
        "" => problem.message.clone(),
        step => format!("“{}”: {}", step_name(step), problem.message),
    };
    plan.problems.iter().map(problem).collect()
}

/// What the steps said, without the colours of a terminal.
pub(super) fn log(plan: &Plan) -> Vec<String> {
    plan.log.iter().map(|line| without_colours(line)).collect()
}

/// `31 files, 42.1 kB`
pub(super) fn files_text(files: &[PlannedFile]) -> String {
    let size: usize = files.iter().map(|file| file.content.len()).sum();
    format!("{}, {}", shown::count(files.len(), "file", "files"), shown::size(size as u64))
}

/// The file that is shown: the one asked for, a README, or the first.
pub(super) fn chosen<'a>(files: &'a [PlannedFile], wanted: Option<&str>) -> Option<&'a PlannedFile> {
    let named = |name: &str| files.iter().find(|file| file.path.eq_ignore_ascii_case(name));
    wanted
        .and_then(|wanted| files.iter().find(|file| file.path == wanted))
        .or_else(|| named("README.md"))
        .or_else(|| files.first())
}

/// Effects by kind, kinds in the order a run reaches them.
pub(super) fn groups(effects: &[Effect]) -> Vec<EffectGroup> {
    let kinds = [
        (EffectKind::Repository, "Repositories", "repository"),
        (EffectKind::Push, "Pushes", "push"),
        (EffectKind::PullRequest, "Pull requests", "branch"),
        (EffectKind::Register, "Catalog", "register"),
        (EffectKind::Deploy, "Deployments", "deploy"),
        (EffectKind::Other, "Other", "run"),
    ];
    let group = |(kind, title, icon): (EffectKind, &'static str, &'static str)| {
        let line = |effect: &Effect| EffectLine {
            sentence: effect.sentence.clone(),
            step: effect.step_name.clone(),
            conflict: effect.conflict.clone(),
            diff: effect.diff.as_deref().map(|text| Diff::unified(effect.sentence.clone(), text)),
        };
        let effects: Vec<EffectLine> = effects.iter().filter(|effect| effect.kind == kind).map(line).collect();
        (!effects.is_empty()).then_some(EffectGroup { title, icon, effects })
    };
    kinds.into_iter().filter_map(group).collect()
}

/// Every answer by the label of its field.
fn answers(draft: &Draft) -> Vec<(String, String)> {
    let mut answers = Vec::new();
    for page in draft.asked().filter_map(|number| draft.page(number, &[])) {
        collect(&page.fields, "", &mut answers);
    }
    answers
}

fn collect(fields: &[Field], above: &str, answers: &mut Vec<(String, String)>) {
    for field in fields.iter().filter(|field| field.review.show) {
        let name = field.review.name.as_ref().unwrap_or(&field.label);
        let label = if above.is_empty() { name.clone() } else { format!("{above} › {name}") };
        if let Some(mask) = field.review.mask.as_ref().filter(|_| !field.value.is_null()) {
            answers.push((label, mask.clone()));
            continue;
        }
        match &field.kind {
            FieldKind::Group { fields } if field.review.explode => collect(fields, &label, answers),
            FieldKind::List { items, .. } if field.review.explode => {
                for (index, item) in items.iter().enumerate() {
                    collect(item, &format!("{label} {}", index + 1), answers);
                }
            }
            FieldKind::Hidden => {}
            FieldKind::Password | FieldKind::Secret if !field.value.is_null() => {
                answers.push((label, "••••••".to_owned()));
            }
            _ => {
                let text = said(field);
                if !text.is_empty() {
                    answers.push((label, text));
                }
            }
        }
    }
}

/// An answer in words: labels of what was chosen.
fn said(field: &Field) -> String {
    let options = match &field.kind {
        FieldKind::Select { options } | FieldKind::Radio { options } | FieldKind::Checkboxes { options } => {
            &options[..]
        }
        _ => &[],
    };
    let word = |value: &Value| match (options.iter().find(|choice| choice.value == *value), value) {
        (Some(choice), _) => choice.label.clone(),
        (None, Value::Bool(true)) => "yes".to_owned(),
        (None, Value::Bool(false)) => "no".to_owned(),
        (None, value) => text_of(value),
    };
    match &field.value {
        Value::Array(items) => items.iter().map(word).collect::<Vec<_>>().join(", "),
        value => word(value),
    }
}
