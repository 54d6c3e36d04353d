//! What a dry run of the editor's text would make.

use askama::Template;

use super::super::file::FileView;
use super::super::plan::{EffectGroup, chosen, files_text, groups, log, problems};
use super::super::tree::{Target, TreeFile, tree};
use crate::forge::FileMode;
use crate::scaffolder::{Plan, PlannedFile, Template as ParsedTemplate};

/// The result, as a part of the page.
#[derive(Template, Default)]
#[template(path = "create/rehearsed.html")]
pub(crate) struct Rehearsed {
    /// Why there is none yet.
    pub(crate) waiting: Option<&'static str>,
    pub(crate) problems: Vec<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) groups: Vec<EffectGroup>,
    pub(crate) effects_total: usize,
    pub(crate) log: Vec<String>,
    pub(crate) output: String,
    pub(crate) files_text: String,
    /// Built by [`tree`].
    pub(crate) tree: String,
    pub(crate) file: Option<FileView>,
}

impl askama::filters::HtmlSafe for Rehearsed {}

impl Rehearsed {
    /// Nothing yet, and why.
    pub(super) fn waiting(why: &'static str) -> Self {
        Self { waiting: Some(why), ..Self::default() }
    }

    /// It could not be run at all.
    pub(super) fn failed(message: String) -> Self {
        Self { problems: vec![message], ..Self::default() }
    }

    /// What a plan says, with one of its files.
    pub(super) fn new(plan: &Plan, template: &ParsedTemplate, wanted: Option<&str>) -> Self {
        let chosen = chosen(&plan.files, wanted);
        let row = |file: &PlannedFile| TreeFile {
            target: Target::Button("_file"),
            path: file.path.clone(),
            size: file.content.len() as u64,
            executable: file.mode == FileMode::Executable,
            current: chosen.is_some_and(|chosen| chosen.path == file.path),
        };
        let output = plan.output.as_object().filter(|output| !output.is_empty());
        Self {
            waiting: None,
            problems: problems(plan, template),
            warnings: plan.warnings.clone(),
            groups: groups(&plan.effects),
            effects_total: plan.effects.len(),
            log: log(plan),
            output: output.and_then(|output| serde_yaml::to_string(output).ok()).unwrap_or_default(),
            files_text: files_text(&plan.files),
            tree: tree(&plan.files.iter().map(row).collect::<Vec<_>>()),
            file: chosen.map(FileView::of),
        }
    }

    /// The path of the file that is shown.
    pub(super) fn open_file(&self) -> String {
        self.file.as_ref().map(|file| file.path.clone()).unwrap_or_default()
    }
}
