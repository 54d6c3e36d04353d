//! The text: what is wrong with it, line by line, and texts to begin from.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::scaffolder::{ActionDescription, Draught, TemplateProblem};
use crate::web::error::Error;

/// A line is shown up to this many characters.
const SHOWN: usize = 160;

/// One thing to look at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// The line as written.
    pub(crate) excerpt: String,
    /// It keeps the template from running; else it is worth knowing.
    pub(crate) bad: bool,
}

/// Mistakes and notes, in the order of the text.
pub(super) fn faults(text: &str, draught: &Draught) -> Vec<Fault> {
    let lines: Vec<&str> = text.lines().collect();
    let fault = |problem: &TemplateProblem, bad| {
        let line = problem.line.unwrap_or(1);
        let written = usize::try_from(line).ok().and_then(|line| lines.get(line.checked_sub(1)?)).copied();
        Fault {
            message: problem.message.clone(),
            line,
            column: problem.column.unwrap_or(1),
            excerpt: written.unwrap_or_default().trim().chars().take(SHOWN).collect(),
            bad,
        }
    };
    let problems = draught.problems.iter().map(|problem| fault(problem, true));
    problems.chain(draught.notes.iter().map(|note| fault(note, false))).collect()
}

/// A template around an example of an action: what the example reads of the answers is asked for.
pub(super) fn example(actions: &[ActionDescription], action: &str, number: usize) -> Result<String, Error> {
    let found = actions.iter().find(|known| known.id == action);
    let found = found.ok_or_else(|| Error::NotFound(format!("there is no action \"{action}\"")))?;
    let example = found.examples.get(number);
    let example = example.ok_or_else(|| Error::NotFound(format!("{action} has no example {}", number + 1)))?;
    let parameters = parameters(example.example);
    let name = action.to_lowercase().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    let mut text = format!(
        "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata:\n  name: try-{name}\n  title: Try {action}\nspec:\n  type: service\n"
    );
    if !parameters.is_empty() {
        text.push_str("  parameters:\n    - title: What the example reads\n      properties:\n");
    }
    for parameter in parameters {
        let written = write!(text, "        {parameter}:\n          type: string\n          default: example\n");
        debug_assert!(written.is_ok(), "writing to a String never fails");
    }
    if !example.example.trim_start().starts_with("steps:") {
        text.push_str("  steps:\n");
    }
    for line in example.example.lines() {
        let indented = if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") };
        text.push_str(&indented);
    }
    Ok(text)
}

/// The names after `parameters.`.
fn parameters(example: &str) -> BTreeSet<&str> {
    let name = |rest: &'_ str| {
        rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(rest.len())
    };
    let rests = example.split("parameters.").skip(1);
    rests.map(|rest| &rest[..name(rest)]).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_becomes_a_template_that_asks_what_it_reads() {
        let action = ActionDescription {
            id: "debug:log",
            description: "",
            input: serde_json::json!({}),
            output: None,
            examples: vec![crate::scaffolder::Example {
                description: "",
                example: "steps:\n  - id: log\n    action: debug:log\n    input:\n      message: ${{ parameters.name }} ${{ parameters.name | upper }}\n",
            }],
        };
        let text = example(std::slice::from_ref(&action), "debug:log", 0).unwrap();
        assert!(text.contains("  name: try-debug-log\n") && text.contains("\n  steps:\n    - id: log\n"), "{text}");
        assert_eq!(text.matches("        name:\n").count(), 1, "{text}");
        assert!(example(std::slice::from_ref(&action), "debug:log", 1).is_err());
        assert!(example(&[action], "no:such", 0).is_err());
    }
}
