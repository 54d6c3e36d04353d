//! One case: what is given, what is expected, and what came out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::super::tree;
use crate::catalog::TreeFile;
use crate::scaffolder::{Branch, Plan};
use crate::yaml;

/// How long one case may take.
pub(super) const TIMEOUT: Duration = Duration::from_mins(1);

/// `tests/<case>/`
#[derive(Debug)]
pub(super) struct Case {
    /// The folder's name.
    pub(super) name: String,
    /// The folder.
    pub(super) folder: PathBuf,
    /// `values.yaml`
    pub(super) given: Given,
    /// `expected.yaml`
    pub(super) expected: Expected,
    /// Which files are compared; all of them if there is no pattern.
    pub(super) patterns: Vec<Pattern>,
}

/// `values.yaml`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Given {
    /// The answers.
    pub(super) values: Map<String, Value>,
    /// The secrets.
    pub(super) secrets: Map<String, Value>,
    /// The feature flags that are on.
    #[serde(rename = "featureFlags")]
    pub(super) flags: Vec<String>,
    /// A reference, or a User entity.
    user: Option<Value>,
}

impl Given {
    /// The person as expressions see them.
    pub(super) fn user(&self) -> anyhow::Result<Option<Value>> {
        Ok(match &self.user {
            None => None,
            Some(Value::String(reference)) => Some(json!({"ref": reference})),
            Some(entity @ Value::Object(_)) => {
                let name = entity.pointer("/metadata/name").and_then(Value::as_str);
                let name = name.context("`user` has no `metadata.name`; write a User entity or its reference")?;
                let namespace = entity.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or("default");
                Some(json!({"entity": entity, "ref": format!("user:{namespace}/{name}")}))
            }
            Some(_) => bail!("`user` is a reference such as user:default/ada, or a User entity"),
        })
    }
}

/// `expected.yaml`: what it names is compared.
#[derive(Debug, Default, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Expected {
    /// A part of the message that the run fails with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fails: Option<String>,
    /// The template's output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output: Option<Value>,
    /// What would happen outside, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effects: Option<Vec<String>>,
    /// Parts of lines of the log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) log: Vec<String>,
    /// Patterns of the files that the case is about; all of them without.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) files: Vec<String>,
}

impl Expected {
    /// The patterns, ready to be asked; `place` is the file that they stand in.
    fn patterns(&self, place: &Path) -> anyhow::Result<Vec<Pattern>> {
        let pattern = |text: &String| {
            let glob = GlobBuilder::new(text).literal_separator(true).build();
            let wrong = || format!("{}: `files`: {text} is no pattern of paths", place.display());
            anyhow::Ok(Pattern { text: text.clone(), glob: glob.with_context(wrong)?.compile_matcher() })
        };
        self.files.iter().map(pattern).collect()
    }
}

/// One pattern of files; `*` stays within a folder, `**` does not.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) text: String,
    glob: GlobMatcher,
}

impl Pattern {
    /// Whether a path fits.
    pub(super) fn fits(&self, path: &str) -> bool {
        self.glob.is_match(path)
    }
}

/// What came out.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Why it fails.
    pub(super) failure: Option<String>,
    /// The files.
    pub(super) files: Vec<TreeFile>,
    /// The template's output.
    pub(super) output: Value,
    /// What would happen outside.
    pub(super) effects: Vec<String>,
    /// What the steps said.
    pub(super) log: Vec<String>,
    /// The branches that were taken.
    pub(super) taken: BTreeSet<Branch>,
}

impl Outcome {
    /// That of a run.
    pub(super) fn of(plan: &Plan, taken: BTreeSet<Branch>) -> Self {
        let failure = plan.problems.first().map(|problem| format!("step {}: {}", problem.step, problem.message));
        let conflict = plan.effects.iter().find_map(|effect| effect.conflict.clone());
        let files = plan.files.iter().map(|file| TreeFile {
            path: file.path.clone(),
            mode: file.mode,
            bytes: file.content.clone(),
        });
        Self {
            failure: failure.or(conflict),
            files: files.collect(),
            output: plan.output.clone(),
            effects: plan.effects.iter().map(|effect| effect.sentence.clone()).collect(),
            log: plan.log.clone(),
            taken,
        }
    }

    /// That of a run that does not begin.
    pub(super) fn refused(message: String) -> Self {
        Self {
            failure: Some(message),
            files: Vec::new(),
            output: json!({}),
            effects: Vec::new(),
            log: Vec::new(),
            taken: BTreeSet::new(),
        }
    }
}

/// The cases of a template, by name.
pub(super) fn all(folder: &Path, only: Option<&str>) -> anyhow::Result<Vec<Case>> {
    let missing = || format!("{} has no cases; write {}/<case>/values.yaml", folder.display(), folder.display());
    let entries = fs::read_dir(folder).with_context(missing)?;
    let mut cases = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_asked_for = only.is_none_or(|part| name.contains(part));
        if entry.file_type()?.is_dir() && !name.starts_with('.') && is_asked_for {
            cases.push(Case::read(name, entry.path())?);
        }
    }
    ensure!(!cases.is_empty(), missing());
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(cases)
}

impl Case {
    fn read(name: String, folder: PathBuf) -> anyhow::Result<Self> {
        let given = document(&folder.join("values.yaml"))?;
        let given =
            given.with_context(|| format!("{} has no values.yaml; write the answers there", folder.display()))?;
        let place = folder.join("expected.yaml");
        let expected: Expected = document(&place)?.unwrap_or_default();
        let patterns = expected.patterns(&place)?;
        Ok(Self { name, folder, given, expected, patterns })
    }

    /// Whether the case is about a file.
    pub(super) fn is_about(&self, path: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.fits(path))
    }

    /// The folder of the files that are expected.
    pub(super) fn tree(&self) -> PathBuf {
        self.folder.join("expected")
    }

    /// Whether files are expected, or a failure alone.
    pub(super) fn expects_files(&self) -> bool {
        self.expected.fails.is_none() || self.tree().is_dir()
    }

    /// Writes what came out as what is expected. A failure is only written where one was expected.
    pub(super) fn update(&self, outcome: &Outcome) -> anyhow::Result<bool> {
        if outcome.failure.is_some() != self.expected.fails.is_some() {
            return Ok(false);
        }
        if self.expects_files() {
            let tree = self.tree();
            if tree.is_dir() {
                fs::remove_dir_all(&tree).with_context(|| format!("cannot replace {}", tree.display()))?;
            }
            for file in outcome.files.iter().filter(|file| self.is_about(&file.path)) {
                tree::write(&tree, &file.path, file.mode, &file.bytes)?;
            }
        }
        let file = self.folder.join("expected.yaml");
        let is_new = !file.exists();
        let expected = Expected {
            fails: outcome.failure.clone(),
            output: (is_new || self.expected.output.is_some()).then(|| outcome.output.clone()),
            effects: (is_new || self.expected.effects.is_some()).then(|| outcome.effects.clone()),
            log: self.expected.log.clone(),
            files: self.expected.files.clone(),
        };
        // What is right already keeps its comments.
        if is_new || !super::compare::is_met(&self.expected, outcome) {
            let text = serde_yaml::to_string(&expected)?;
            fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(true)
    }
}

/// The first document of a file, none if there is no such file.
fn document<T: DeserializeOwned + Default>(file: &Path) -> anyhow::Result<Option<T>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    let document = match yaml::documents(&text).into_iter().next() {
        None => return Ok(Some(T::default())),
        Some(Ok(document)) => document.value,
        Some(Err(error)) => {
            let (line, column) = (error.position.line, error.position.column);
            bail!("{}:{line}:{column}: {}", file.display(), error.message)
        }
    };
    if document.is_null() {
        return Ok(Some(T::default()));
    }
    serde_path_to_error::deserialize(document).map(Some).with_context(|| format!("{} is wrong", file.display()))
}
