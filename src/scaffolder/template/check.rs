//! What can be said of a template before it runs: steps, references between them, expressions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{KnownActions, Rule, Template, TemplateProblem};
use crate::scaffolder::expression::Engine;
use crate::scaffolder::form::FLAG;
use crate::scaffolder::schema::escape;

/// Keys of a step that mean something.
const STEP_KEYS: [&str; 6] = ["id", "name", "action", "input", "if", "each"];
/// Keys of `spec` that mean something.
const SPEC_KEYS: [&str; 11] = [
    "type",
    "owner",
    "lifecycle",
    "parameters",
    "steps",
    "output",
    "secrets",
    "presentation",
    "formDecorators",
    "EXPERIMENTAL_formDecorators",
    "EXPERIMENTAL_recovery",
];

/// A text somewhere in the template that may hold expressions.
pub(in crate::scaffolder) struct Text {
    /// Where.
    pub(in crate::scaffolder) pointer: String,
    /// As written.
    pub(in crate::scaffolder) source: String,
    /// The step it belongs to; none for the form and the output.
    pub(in crate::scaffolder) step: Option<usize>,
}

/// A step that reads what another made.
struct Use {
    user: usize,
    used: usize,
    pointer: String,
    within: (usize, usize),
}

/// Adds every problem and note.
pub(super) fn check(template: &mut Template, engine: &Engine, actions: &dyn KnownActions) {
    unknown_keys(template);
    duplicate_ids(template);
    unknown_actions(template, actions);
    missing_inputs(template, actions);
    expressions(template, engine);
}

fn unknown_keys(template: &mut Template) {
    let keys = |value: Option<&Value>| -> Vec<String> {
        value.and_then(Value::as_object).into_iter().flatten().map(|(key, _)| key.clone()).collect()
    };
    for key in keys(template.entity.at(&["spec"])) {
        if !SPEC_KEYS.contains(&key.as_str()) {
            template.unknown_key(format!("/spec/{}", escape(&key)), format!("`{key}` means nothing here"));
        }
    }
    let steps = template.entity.at(&["spec", "steps"]).and_then(Value::as_array).cloned().unwrap_or_default();
    for (index, step) in steps.iter().enumerate() {
        for key in keys(Some(step)) {
            if key == FLAG {
                let message = format!(
                    "`{FLAG}` hides pages and fields only, as in Backstage; flag a parameter and ask for it in the step's `if`"
                );
                template.unknown_key(format!("/spec/steps/{index}/{}", escape(&key)), message);
            } else if !STEP_KEYS.contains(&key.as_str()) && !key.starts_with("backstage:") {
                template.unknown_key(
                    format!("/spec/steps/{index}/{}", escape(&key)),
                    format!("`{key}` means nothing in a step"),
                );
            }
        }
    }
}

/// Steps may share an id, as where one of two conditions holds: what ran last is read under it. Logs and records tell
/// steps apart by their ids, so each but the first gets one of its own.
fn duplicate_ids(template: &mut Template) {
    let mut ids: BTreeSet<String> = template.steps.iter().map(|step| step.id.clone()).collect();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut notes = Vec::new();
    for (index, step) in template.steps.iter_mut().enumerate() {
        let Some(other) = seen.insert(step.id.clone(), index) else { continue };
        let message = format!("step id `{}` is used by step {} too; give each step its own", step.id, other + 1);
        notes.push(TemplateProblem::new(format!("/spec/steps/{index}/id"), message).of(Rule::DuplicateStep));
        let mut own = format!("{}-{}", step.id, index + 1);
        while !ids.insert(own.clone()) {
            own.push('_');
        }
        step.rename(own);
    }
    template.notes.extend(notes);
}

fn unknown_actions(template: &mut Template, actions: &dyn KnownActions) {
    let mut problems = Vec::new();
    for (index, step) in template.steps.iter().enumerate() {
        if actions.knows(&step.action) {
            continue;
        }
        let hint = actions.like(&step.action).map(|like| format!("; did you mean `{like}`?")).unwrap_or_default();
        let message = format!("there is no action `{}`{hint}", step.action);
        let problem = TemplateProblem::new(format!("/spec/steps/{index}/action"), message).of(Rule::UnknownAction);
        problems.push(TemplateProblem { unknown_action: true, ..problem });
    }
    template.problems.extend(problems);
}

/// Inputs that a step must have and does not name. A step with a condition may never run, so it is left to its run.
fn missing_inputs(template: &mut Template, actions: &dyn KnownActions) {
    let mut problems = Vec::new();
    for (index, step) in template.steps.iter().enumerate().filter(|(_, step)| step.condition.is_none()) {
        for key in actions.required(&step.action).into_iter().filter(|key| !step.input.contains_key(key)) {
            let message = format!("`{}` needs the input `{key}`", step.action);
            problems.push(TemplateProblem::new(format!("/spec/steps/{index}/input"), message).of(Rule::MissingInput));
        }
    }
    template.problems.extend(problems);
}

/// Every text of steps and output, and every expression of the form.
pub(in crate::scaffolder) fn texts(template: &Template) -> Vec<Text> {
    let mut texts = Vec::new();
    if let Some(parameters) = template.entity.at(&["spec", "parameters"]) {
        of_form(parameters, "/spec/parameters", &mut texts);
    }
    for (index, step) in template.steps.iter().enumerate() {
        let pointer = format!("/spec/steps/{index}");
        if let Some(condition) = &step.condition {
            collect(condition, format!("{pointer}/if"), Some(index), &mut texts);
        }
        if let Some(each) = &step.each {
            collect(each, format!("{pointer}/each"), Some(index), &mut texts);
        }
        for (key, value) in &step.input {
            collect(value, format!("{pointer}/input/{}", escape(key)), Some(index), &mut texts);
        }
    }
    for (key, value) in &template.output {
        collect(value, format!("/spec/output/{}", escape(key)), None, &mut texts);
    }
    texts
}

/// The `ui:` keys of a form.
fn of_form(schema: &Value, pointer: &str, texts: &mut Vec<Text>) {
    match schema {
        Value::Object(keys) => {
            for (key, value) in keys {
                let pointer = format!("{pointer}/{}", escape(key));
                if key.starts_with("ui:") {
                    collect(value, pointer, None, texts);
                } else {
                    of_form(value, &pointer, texts);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                of_form(item, &format!("{pointer}/{index}"), texts);
            }
        }
        _ => {}
    }
}

fn collect(value: &Value, pointer: String, step: Option<usize>, texts: &mut Vec<Text>) {
    match value {
        Value::String(text) => texts.push(Text { pointer, source: text.clone(), step }),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{pointer}/{index}"), step, texts);
            }
        }
        Value::Object(entries) => {
            for (key, value) in entries {
                collect(value, format!("{pointer}/{}", escape(key)), step, texts);
            }
        }
        _ => {}
    }
}

/// Syntax of every expression, and the steps that they refer to. A run goes on where nothing is there to refer to.
fn expressions(template: &mut Template, engine: &Engine) {
    let (mut problems, mut notes) = (Vec::new(), Vec::new());
    let mut uses: Vec<Use> = Vec::new();
    for text in texts(template) {
        let references = match engine.references(&text.source) {
            Ok(references) => references,
            Err(error) => {
                let problem = TemplateProblem::new(text.pointer, error.message).of(Rule::Expression);
                problems.push(problem.at(error.line, error.column));
                continue;
            }
        };
        for reference in references {
            let [root, id, ..] = reference.path.as_slice() else {
                continue;
            };
            if root != "steps" {
                continue;
            }
            match (template.steps.iter().position(|step| step.read_as() == id), text.step) {
                (None, _) => {
                    let message = format!("there is no step `{id}`");
                    let note = TemplateProblem::new(text.pointer.clone(), message).of(Rule::UnknownStep);
                    notes.push(note.at(reference.line, reference.column));
                }
                (Some(used), Some(user)) => {
                    let within = (reference.line, reference.column);
                    uses.push(Use { user, used, pointer: text.pointer.clone(), within });
                }
                (Some(_), None) => {}
            }
        }
    }
    notes.extend(forward(template, &uses));
    template.problems.extend(problems);
    template.notes.extend(notes);
}

/// A step can only use what ran before it.
fn forward(template: &Template, uses: &[Use]) -> Vec<TemplateProblem> {
    let mut problems = Vec::new();
    for Use { user, used, pointer, within } in uses.iter().filter(|found| found.used >= found.user) {
        let (user_id, used_id) = (template.steps[*user].read_as(), template.steps[*used].read_as());
        let message = if user == used {
            format!("step `{user_id}` uses its own output, which is not there yet")
        } else if let Some(path) = way_back(uses, *used, *user) {
            let ids: Vec<&str> = path.iter().map(|step| template.steps[*step].read_as()).collect();
            format!("steps wait for each other: `{user_id}` → `{}`; break the circle", ids.join("` → `"))
        } else {
            format!("step `{user_id}` uses the output of step `{used_id}`, which runs later; move it up")
        };
        let problem = TemplateProblem::new(pointer.clone(), message).of(Rule::LaterStep);
        problems.push(problem.at(within.0, within.1));
    }
    problems.dedup_by(|a, b| a.pointer == b.pointer && a.message == b.message);
    problems
}

/// The chain of uses from one step to another, both named.
fn way_back(uses: &[Use], from: usize, to: usize) -> Option<Vec<usize>> {
    let mut paths = vec![vec![from]];
    let mut seen = vec![from];
    while let Some(path) = paths.pop() {
        let end = *path.last()?;
        if end == to {
            return Some(path);
        }
        for next in uses.iter().filter(|found| found.user == end && found.used != end).map(|found| &found.used) {
            if !seen.contains(next) {
                seen.push(*next);
                paths.push(path.iter().copied().chain([*next]).collect());
            }
        }
    }
    None
}
