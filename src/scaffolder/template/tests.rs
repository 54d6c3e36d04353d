//! Tables of what is wrong with templates, and where.

use serde_json::{Value, json};

use super::*;
use crate::scaffolder::expression::Syntax;
use crate::yaml;

struct Actions;

impl KnownActions for Actions {
    fn knows(&self, id: &str) -> bool {
        ["debug:log", "fetch:template"].contains(&id)
    }

    fn like(&self, id: &str) -> Option<String> {
        id.starts_with("fetch:").then(|| "fetch:template".to_owned())
    }

    fn required(&self, id: &str) -> Vec<String> {
        if id == "fetch:template" { vec!["url".to_owned()] } else { Vec::new() }
    }
}

fn parse(source: &str) -> Template {
    let document = yaml::documents(source).remove(0).unwrap();
    let entity = serde_json::from_value(document.value).unwrap();
    let engine = Engine::new(Syntax::backstage());
    let mut template = Template::parse(&entity, "file:/t/template.yaml", &engine, &Actions);
    template.place(&Source::new(document.positions, Some(source)));
    template
}

const HEAD: &str =
    "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata:\n  name: t\nspec:\n  type: service\n";

#[test]
fn mistakes_are_told_with_their_place() {
    let cases = [
        ("  steps: []\n".to_owned(), vec![]),
        (String::new(), vec!["5:1 `spec.steps` is missing; list what the template does"]),
        ("  steps: {}\n".to_owned(), vec!["7:3 `spec.steps` must be a list of steps"]),
        ("  steps:\n    - id: a\n".to_owned(), vec!["8:7 `action` is missing; name the action that the step runs"]),
        ("  steps:\n    - action: nope\n".to_owned(), vec!["8:7 there is no action `nope`"]),
        (
            "  steps:\n    - action: fetch:templat\n".to_owned(),
            vec!["8:7 there is no action `fetch:templat`; did you mean `fetch:template`?"],
        ),
        (
            "  steps:\n    - action: fetch:template\n      input:\n        values: {}\n".to_owned(),
            vec!["9:7 `fetch:template` needs the input `url`"],
        ),
        ("  steps:\n    - action: fetch:template\n      if: ${{ false }}\n".to_owned(), vec![]),
        (
            "  steps:\n    - action: debug:log\n      if: 3\n".to_owned(),
            vec!["9:7 `if` of a step must be an expression or true or false"],
        ),
        (
            "  parameters:\n    properties: []\n  steps: []\n".to_owned(),
            vec!["8:5 `properties` must be a map from names to schemas"],
        ),
        (
            "  parameters:\n    - properties:\n        a: {type: strin}\n  steps: []\n".to_owned(),
            vec![
                "9:13 not a JSON Schema: \"strin\" is not valid under any of the schemas listed in the 'anyOf' keyword",
            ],
        ),
    ];
    for (rest, expected) in cases {
        assert_eq!(told(&parse(&format!("{HEAD}{rest}")).problems), expected, "{rest}");
    }
}

#[test]
fn what_a_run_survives_are_notes() {
    let step = |id: &str, message: &str| {
        format!("    - id: {id}\n      action: debug:log\n      input:\n        message: {message}\n")
    };
    let steps = |steps: &[String]| format!("  steps:\n{}", steps.concat());
    let cases = [
        (
            steps(&[step("a", "x"), step("a", "y")]),
            vec!["12:7 step id `a` is used by step 1 too; give each step its own"],
        ),
        (steps(&[step("a", "${{ steps.b.output.x }}")]), vec!["11:22 there is no step `b`"]),
        (
            steps(&[step("a", "'${{ steps.b.output.x }}'"), step("b", "y")]),
            vec!["11:23 step `a` uses the output of step `b`, which runs later; move it up"],
        ),
        (
            steps(&[step("a", "\"${{ steps['a'].output }}\"")]),
            vec!["11:23 step `a` uses its own output, which is not there yet"],
        ),
        (
            steps(&[step("a", "${{ steps.b.output }}"), step("b", "${{ steps.a.output }}")]),
            vec!["11:22 steps wait for each other: `a` → `b` → `a`; break the circle"],
        ),
        (
            "  steps: []\n  output:\n    a: ${{ steps.none.output.x }}\n".to_owned(),
            vec!["9:12 there is no step `none`"],
        ),
    ];
    for (rest, expected) in cases {
        let template = parse(&format!("{HEAD}{rest}"));
        assert!(template.is_sound(), "{rest}");
        assert_eq!(told(&template.notes), expected, "{rest}");
    }
}

fn told(problems: &[TemplateProblem]) -> Vec<String> {
    let told = problems.iter();
    told.map(|told| format!("{}:{} {}", told.line.unwrap(), told.column.unwrap(), told.message)).collect()
}

#[test]
fn a_step_whose_id_is_used_gets_one_of_its_own() {
    let template = parse(&format!(
        "{HEAD}  steps:\n    - {{id: a, action: 'debug:log'}}\n    - {{id: a-3, action: 'debug:log'}}\n    - {{id: a, action: 'debug:log', outputsAs: z}}\n"
    ));
    let ids: Vec<_> = template.steps.iter().map(|step| (step.id.as_str(), step.read_as())).collect();
    assert_eq!(ids, [("a", "a"), ("a-3", "a-3"), ("a-3_", "a")]);
    let kept: Vec<_> = template.steps.iter().map(|step| Step::of_task(&step.shown).unwrap()).collect();
    assert_eq!(kept, template.steps);
}

#[test]
fn syntax_errors_are_told_where_they_are_in_the_file() {
    let message =
        |text: &str| format!("{HEAD}  steps:\n    - action: debug:log\n      input:\n        message: {text}\n");
    let cases = [
        (message("${{ a + }}"), (10, 25)),
        (message("'x ${{ a + }}'"), (10, 28)),
        (message("|\n          line\n          ${{ a + }}"), (12, 18)),
    ];
    for (source, place) in cases {
        let template = parse(&source);
        assert_eq!(template.problems.len(), 1, "{source}");
        let problem = &template.problems[0];
        assert_eq!((problem.line.unwrap(), problem.column.unwrap()), place, "{source}\n{problem:?}");
    }
}

#[test]
fn unknown_keys_are_notes_not_problems() {
    let template = parse(&format!(
        "{HEAD}  strange: 1\n  steps:\n    - action: debug:log\n      timeout: 5\n      backstage:permissions: {{}}\n"
    ));
    assert!(template.is_sound(), "{:?}", template.problems);
    let notes: Vec<_> = template.notes.iter().map(|note| (note.line.unwrap(), note.message.as_str())).collect();
    assert_eq!(notes, [(7, "`strange` means nothing here"), (10, "`timeout` means nothing in a step")]);
}

#[test]
fn steps_get_the_ids_and_names_that_backstage_gives_them() {
    let template = parse(&format!(
        "{HEAD}  steps:\n    - action: debug:log\n    - id: x\n      action: debug:log\n      name: X\n"
    ));
    let ids: Vec<_> = template.steps.iter().map(|step| (step.id.as_str(), step.name.as_str())).collect();
    assert_eq!(ids, [("step-1", "debug:log"), ("x", "X")]);
    assert_eq!(template.steps[0].shown, json!({"action": "debug:log", "id": "step-1", "name": "debug:log"}));
}

#[test]
fn the_parameter_schema_is_backstages() {
    let check = |rest: &str, expected: Value| {
        assert_eq!(parse(&format!("{HEAD}{rest}  steps: []\n")).parameter_schema(), expected);
    };
    check("", json!({"title": "t", "steps": []}));
    check(
        "  parameters:\n    properties:\n      name: {type: string}\n",
        json!({"title": "t", "steps": [{"title": "Please enter the following information", "schema": {"properties": {"name": {"type": "string"}}}}]}),
    );
    check(
        "  parameters:\n    - title: Basic\n      description: All\n      properties:\n        n: {'ui:autofocus': true}\n",
        json!({"title": "t", "steps": [{"title": "Basic", "description": "All", "schema": {"title": "Basic", "description": "All", "properties": {"n": {"ui:autofocus": true}}}}]}),
    );
}
