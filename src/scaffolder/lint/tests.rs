//! One table: what is written in a template, and what its author is told.

use super::*;
use crate::yaml;

/// `line:column rule severity` and message of everything that is said.
fn told(rest: &str) -> Vec<String> {
    let text = format!(
        "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {{name: t}}\nspec:\n  type: service\n{rest}"
    );
    let document = yaml::documents(&text).remove(0).unwrap();
    let entity = serde_json::from_value(document.value).unwrap();
    let actions = crate::app::known_actions().unwrap();
    let template = lint(&entity, document.positions, &text, &actions, Care::Author);
    let all = template.problems.iter().map(|told| (told, "error"));
    let all = all.chain(template.notes.iter().map(|told| (told, "warning")));
    all.map(|(told, severity)| {
        format!("{}:{} {} {severity} {}", told.line.unwrap(), told.column.unwrap(), told.rule.id(), told.message)
    })
    .collect()
}

fn check(rest: &str, expected: &[&str]) {
    assert_eq!(told(rest), expected, "{rest}");
}

/// A template with the parameter `name`, which is read, and more.
fn steps(more: &str) -> String {
    format!(
        "  parameters:\n    properties:\n      name: {{type: string}}\n  steps:\n    - id: a\n      action: debug:log\n      input: {{message: 'for ${{{{ parameters.name }}}}'}}\n{more}"
    )
}

#[tokio::test]
async fn names_that_nobody_declares_are_told() {
    check(&steps(""), &[]);
    check(
        &steps("    - action: debug:log\n      input: {message: '${{ parameters.nmae }}'}\n"),
        &["14:29 unknown-parameter error no page of `parameters` declares `nmae`; did you mean `name`?"],
    );
    check(
        &steps("  output: {links: [{title: x, url: '${{ parameters.other }}'}]}\n"),
        &["13:41 unknown-parameter error no page of `parameters` declares `other`"],
    );
    check(
        &steps("    - action: debug:log\n      input: {mesage: x}\n"),
        &["14:15 unknown-input warning `debug:log` has no input `mesage`; did you mean `message`?"],
    );
    check(
        &steps("    - action: debug:logs\n"),
        &["13:7 unknown-action error there is no action `debug:logs`; did you mean `debug:log`?"],
    );
    check(
        &steps("    - action: fetch:template\n      input: {values: {}}\n"),
        &["14:7 missing-input error `fetch:template` needs the input `url`"],
    );
}

#[tokio::test]
async fn outputs_are_those_that_the_action_declares() {
    let after = |reference: &str| {
        steps(&format!(
            "    - id: publish\n      action: publish:repository\n      input: {{repoUrl: x}}\n  output:\n    a: ${{{{ {reference} }}}}\n"
        ))
    };
    check(&after("steps.publish.output.remoteUrl"), &[]);
    check(&after("steps.publish.output"), &[]);
    check(&after("steps['publish'].output[parameters.name]"), &[]);
    // An action that declares none may have any.
    check(&after("steps.a.output.any"), &[]);
    check(
        &after("steps.publish.output.remoteURL"),
        &["17:12 unknown-output error `publish:repository` has no output `remoteURL`; did you mean `remoteUrl`?"],
    );
    check(
        &after("steps.publish.remoteUrl"),
        &["17:12 unknown-output error a step has `output` only; write `steps.publish.output.remoteUrl`"],
    );
    check(&after("steps.publis.output.x"), &["17:12 unknown-step error there is no step `publis`"]);
    check(
        &steps(
            "    - action: debug:log\n      input: {message: '${{ steps.z.output.x }}'}\n    - {id: z, action: debug:log}\n",
        ),
        &["14:29 later-step error step `step-2` uses the output of step `z`, which runs later; move it up"],
    );
}

#[tokio::test]
async fn parameters_are_read_in_many_ways() {
    let form = |properties: &str, steps: &str| {
        format!(
            "  parameters:\n    - title: x\n{properties}  steps:\n    - action: debug:log\n      input: {{message: '{steps}'}}\n"
        )
    };
    let one = "      properties:\n        a: {type: string}\n";
    check(&form(one, "${{ parameters.a }}"), &[]);
    check(&form(one, "${{ parameters }}"), &[]);
    check(&form(one, "${{ parameters[user.name] }}"), &[]);
    check(&form(one, "${{ parameters[\"a\"] | upper }}"), &[]);
    check(&form(one, "${{ secrets.a }}"), &[]);
    check(&form(one, "{% for b in parameters.a %}${{ b }}{% endfor %}"), &[]);
    check(
        &form(one, "x"),
        &["9:9 unused-parameter warning nothing reads the parameter `a`; use it or ask no question for it"],
    );
    let branches = "      properties:\n        a: {type: boolean}\n      dependencies:\n        a: {oneOf: [{properties: {a: {const: true}, b: {type: string}}}]}\n";
    check(&form(branches, "${{ parameters.b }}"), &[]);
    check(
        &form(branches, "${{ parameters.c }}"),
        &[
            "14:29 unknown-parameter error no page of `parameters` declares `c`",
            "11:53 unused-parameter warning nothing reads the parameter `b`; use it or ask no question for it",
        ],
    );
    let conditional = "      properties: {a: {type: string}}\n      if: {properties: {a: {const: x}}}\n      then: {properties: {b: {type: string}}}\n";
    check(&form(conditional, "${{ parameters.b }}"), &[]);
    for agreed in ["enum: [true]", "const: true", "ui:field: AcmePreview"] {
        check(&form(&format!("      properties:\n        a: {{type: boolean, {agreed}}}\n"), "x"), &[]);
    }
    let open = "      additionalProperties: true\n";
    check(&form(open, "${{ parameters.any }}"), &[]);
    let computed =
        "      properties:\n        a: {type: string}\n        b: {type: string, default: '${{ parameters.a }}'}\n";
    check(&form(computed, "${{ parameters.b }}"), &[]);
}

#[tokio::test]
async fn conditions_that_never_change_are_told() {
    let with = |condition: &str| steps(&format!("    - action: debug:log\n      if: {condition}\n"));
    for condition in
        ["${{ parameters.name }}", "true", "false", "'{% if parameters.name %}x{% endif %}'", "'${{ always() }}'"]
    {
        check(&with(condition), &[]);
    }
    check(
        &with("parameters.name"),
        &[
            "14:7 constant-condition error `if` is the text `parameters.name`, which always holds; write `${{ parameters.name }}`",
        ],
    );
    check(
        &with("'{{ parameters.name }}'"),
        &[
            "14:7 constant-condition error `if` is the text `{{ parameters.name }}`, which always holds; write `${{ parameters.name }}`",
        ],
    );
    let around = "14:7 constant-condition error `if` is a text around expressions, which always holds; put the whole condition into one `${{ … }}`";
    check(&with("${{ parameters.name }} === \"x\""), &[around]);
    check(&with("|\n        ${{ parameters.name }}\n"), &[around]);
    check(
        &with("''"),
        &["14:7 constant-condition error `if` is empty, so it never holds; write `${{ … }}` or remove it"],
    );
    check(
        &steps("  output: {text: [{if: 'false', content: x}]}\n"),
        &["13:20 constant-condition error `if` is the text `false`, which always holds; write `${{ false }}`"],
    );
}

#[tokio::test]
async fn expressions_that_yaml_takes_for_something_else_are_told() {
    let with = |message: &str| steps(&format!("    - action: debug:log\n      input:\n        message: {message}\n"));
    check(&with("${{ parameters.name }} # x"), &[]);
    check(&with("'${{ parameters.name + \" #\" }}'"), &[]);
    check(
        &with("${{ parameters.name + ' #1' }}"),
        &[
            "15:18 expression error the output is not closed: '}}' is missing",
            "15:9 unquoted-expression error YAML reads what follows ` #` as a comment, so the expression has no end; put the text in quotes",
        ],
    );
    check(
        &with("{{ parameters.name }}"),
        &["15:9 unquoted-expression error YAML reads `{{ … }}` as a map; write \"${{ … }}\""],
    );
}

#[tokio::test]
async fn of_steps_with_one_id_any_may_have_the_output() {
    let steps = "  steps:
    - {id: a, action: 'fetch:plain', input: {url: ./a}}
    - {id: b, action: 'publish:repository', if: '${{ user.ref }}', input: {repoUrl: x}}
    - {id: b, action: 'catalog:register', if: '${{ not user.ref }}', input: {catalogInfoUrl: x}}
    - {id: c, action: 'debug:log', input: {message: '${{ steps.b.output.entityRef }} ${{ steps.b.output.remoteUrl }}'}}
";
    check(steps, &["9:8 duplicate-step warning step id `b` is used by step 2 too; give each step its own"]);
}
