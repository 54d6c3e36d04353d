//! Inputs and outputs that an action does not declare, and conditions that are the same in every run.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::action::ActionRegistry;
use super::super::expression::{Constancy, Engine};
use super::super::schema::escape;
use super::super::template::{Rule, Template, TemplateProblem, texts};
use super::{distinct, meant};

/// Inputs that the action does not have: a run ignores them with a warning.
pub(super) fn unknown_inputs(template: &Template, actions: &ActionRegistry) -> Vec<TemplateProblem> {
    let mut problems = Vec::new();
    for (index, step) in template.steps.iter().enumerate() {
        let Some(known) = actions.get(&step.action).map(|action| action.input_keys()).filter(|keys| !keys.is_empty())
        else {
            continue;
        };
        for key in step.input.keys().filter(|key| !known.contains(*key)) {
            let hint = meant(key, known.iter().map(String::as_str));
            let message = format!("`{}` has no input `{key}`{hint}", step.action);
            let pointer = format!("/spec/steps/{index}/input/{}", escape(key));
            problems.push(TemplateProblem::new(pointer, message).of(Rule::UnknownInput));
        }
    }
    problems
}

/// Outputs of steps that their actions do not declare: a run reads nothing there.
pub(super) fn unknown_outputs(template: &Template, engine: &Engine, actions: &ActionRegistry) -> Vec<TemplateProblem> {
    let mut problems = Vec::new();
    for text in texts(template) {
        for reference in engine.references(&text.source).unwrap_or_default() {
            let [root, id, rest @ ..] = reference.path.as_slice() else { continue };
            let named = template.steps.iter().filter(|step| root == "steps" && step.read_as() == id);
            let named: Vec<&str> = named.map(|step| step.action.as_str()).collect();
            let Some(action) = named.first() else { continue };
            let message = match rest {
                [key, ..] if key != "output" => {
                    format!("a step has `output` only; write `steps.{id}.output.{key}`")
                }
                [_, key, ..] => {
                    let declared = named.iter().map(|action| declared_outputs(actions, action));
                    let Some(declared) = declared.collect::<Option<Vec<_>>>() else { continue };
                    let declared: BTreeSet<String> = declared.into_iter().flatten().collect();
                    if declared.contains(key) {
                        continue;
                    }
                    let hint = meant(key, declared.iter().map(String::as_str));
                    let known = declared.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
                    let told = if hint.is_empty() { format!("; it has {known}") } else { hint };
                    format!("`{action}` has no output `{key}`{told}")
                }
                _ => continue,
            };
            let problem = TemplateProblem::new(text.pointer.clone(), message).of(Rule::UnknownOutput);
            problems.push(problem.at(reference.line, reference.column));
        }
    }
    distinct(problems)
}

/// The outputs of an action that declares all of them.
fn declared_outputs(actions: &ActionRegistry, id: &str) -> Option<BTreeSet<String>> {
    let schema = actions.get(id)?.description.output.as_ref()?;
    let more = schema.get("additionalProperties");
    let is_open = more.is_some_and(|more| *more != Value::Bool(false))
        || ["patternProperties", "anyOf", "oneOf", "allOf", "$ref"].iter().any(|key| schema.get(key).is_some());
    let declared: BTreeSet<String> = schema.get("properties")?.as_object()?.keys().cloned().collect();
    (!is_open && !declared.is_empty()).then_some(declared)
}

/// Conditions that are a text in every run, and so always hold, or never.
pub(super) fn constant_conditions(template: &Template, engine: &Engine) -> Vec<TemplateProblem> {
    let steps = template.steps.iter().enumerate();
    let of_steps = steps.filter_map(|(index, step)| Some((format!("/spec/steps/{index}/if"), step.condition.clone()?)));
    let of_output = ["links", "text"].into_iter().flat_map(|list| {
        let entries = template.output.get(list).and_then(Value::as_array).into_iter().flatten().enumerate();
        entries.filter_map(move |(index, entry)| {
            Some((format!("/spec/output/{list}/{index}/if"), entry.get("if")?.clone()))
        })
    });
    of_steps
        .chain(of_output)
        .filter_map(|(pointer, condition)| constant(engine, pointer, condition.as_str()?))
        .collect()
}

fn constant(engine: &Engine, pointer: String, source: &str) -> Option<TemplateProblem> {
    let message = match engine.constancy(source).ok()? {
        Constancy::Varies => return None,
        Constancy::Empty => "`if` is empty, so it never holds; write `${{ … }}` or remove it".to_owned(),
        Constancy::Filled if source.contains("${{") => {
            "`if` is a text around expressions, which always holds; put the whole condition into one `${{ … }}`"
                .to_owned()
        }
        Constancy::Filled => {
            let source = source.trim();
            let bare = source.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map_or(source, str::trim);
            let shorten = |text: &str| text.chars().take(60).collect::<String>();
            let (shown, bare) = (shorten(source), shorten(bare));
            format!("`if` is the text `{shown}`, which always holds; write `${{{{ {bare} }}}}`")
        }
    };
    Some(TemplateProblem::new(pointer, message).of(Rule::ConstantCondition))
}
