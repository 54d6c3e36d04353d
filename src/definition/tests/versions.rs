//! Two versions told apart.

use super::{LEDGER, STOREFRONT, read};
use crate::definition::{Impact, compare};

/// The changes as lines: `! GET /a | Answer 200: x | is gone`.
fn told(declared: &str, old: &str, new: &str) -> Vec<String> {
    let comparison = compare(&read(declared, old), &read(declared, new));
    let line = |change: &crate::definition::Change| {
        let mark = match change.impact {
            Impact::Breaks => '!',
            Impact::Check => '?',
            Impact::Fine => '+',
        };
        format!("{mark} {} | {} | {}", change.entry, change.place, change.words)
    };
    comparison.changes.iter().map(line).collect()
}

/// A definition with one operation: parameters, body and answer as YAML in its short form.
fn operation(parameters: &str, body: &str, answer: &str) -> String {
    let body = if body.is_empty() {
        String::new()
    } else {
        format!("      requestBody: {{content: {{application/json: {{schema: {body}}}}}}}\n")
    };
    format!(
        "openapi: 3.0.0\npaths:\n  /a/{{id}}:\n    post:\n      parameters: [{parameters}]\n{body}      responses:\n        '200': {{description: x, content: {{application/json: {{schema: {answer}}}}}}}\n"
    )
}

/// What is told of an operation whose parameters, body and answer change.
fn check(old: (&str, &str, &str), new: (&str, &str, &str), expected: &[&str]) {
    let whole = |(parameters, body, answer): (&str, &str, &str)| operation(parameters, body, answer);
    let expected: Vec<String> = expected.iter().map(|line| line.replacen(' ', " POST /a/{id} | ", 1)).collect();
    assert_eq!(told("openapi", &whole(old), &whole(new)), expected);
}

fn object(fields: &str) -> String {
    format!("{{type: object, {fields}}}")
}

#[test]
fn parameters_break_callers_when_more_is_asked_of_them() {
    let none = "{type: object}";
    check(
        ("", "", none),
        ("{name: x, in: query, schema: {type: string}}", "", none),
        &["+ Query parameters: x | is new"],
    );
    check(
        ("", "", none),
        ("{name: x, in: query, required: true, schema: {type: string}}", "", none),
        &["! Query parameters: x | is new and must be given"],
    );
    check(
        ("{name: x, in: query, schema: {type: string}}", "", none),
        ("{name: x, in: query, required: true, schema: {type: integer}}", "", none),
        &["! Query parameters: x | must be given now", "! Query parameters: x | was `string`, is `integer` now"],
    );
    check(
        ("{name: x, in: query, schema: {type: string}}", "", none),
        ("", "", none),
        &["? Query parameters: x | is not taken any more"],
    );
}

#[test]
fn what_breaks_callers_depends_on_the_direction() {
    let none = "{type: object}";
    // The same change in what is sent and in what comes.
    let (few, many) =
        (object("properties: {a: {type: string, enum: [x]}}"), object("properties: {a: {type: string, enum: [x, y]}}"));
    check(
        ("", &few, &few),
        ("", &many, &many),
        &["? Answer 200: a | may be `y` now", "+ Request body: a | may be `y` now"],
    );
    check(
        ("", &many, &many),
        ("", &few, &few),
        &["! Request body: a | is not `y` any more", "+ Answer 200: a | is not `y` any more"],
    );
    let (free, must) =
        (object("properties: {a: {type: string}}"), object("required: [a], properties: {a: {type: string}}"));
    check(
        ("", &free, &free),
        ("", &must, &must),
        &["! Request body: a | must be given now", "+ Answer 200: a | is always there now"],
    );
    check(
        ("", &must, &must),
        ("", &free, &free),
        &["! Answer 200: a | may be missing now", "+ Request body: a | may be left out now"],
    );
    check(
        ("", &free, &free),
        ("", none, none),
        &["! Answer 200: a | is gone", "? Request body: a | is not taken any more"],
    );
    let (low, high) = (
        object("properties: {a: {type: integer, maximum: 5}}"),
        object("properties: {a: {type: integer, maximum: 9}}"),
    );
    check(
        ("", &high, &high),
        ("", &low, &low),
        &["! Request body: a | at most: was `9`, is `5` now", "+ Answer 200: a | at most: was `9`, is `5` now"],
    );
    let null = object("properties: {a: {type: string, nullable: true}}");
    check(
        ("", &free, &free),
        ("", &null, &null),
        &["! Answer 200: a | may be null now", "+ Request body: a | may be null now"],
    );
    check(("", &free, none), ("", "", none), &["? Request body | is not read any more"]);
}

#[test]
fn operations_come_and_go() {
    let old = "openapi: 3.0.0\npaths: {'/a/{x}': {get: {}, post: {deprecated: true}}, /b: {get: {}}}";
    let new =
        "openapi: 3.0.0\npaths: {'/a/{y}': {get: {security: [{k: []}]}}, /b: {get: {deprecated: true}}, /c: {get: {}}}";
    assert_eq!(
        told("openapi", old, new),
        [
            "! GET /a/{y} | Who may call | is `k` now",
            "! POST /a/{x} |  | is gone (it was deprecated)",
            "? GET /b |  | is deprecated",
            "+ GET /c |  | is new",
        ]
    );
}

#[test]
fn renaming_a_schema_is_no_change() {
    let of = |name: &str| {
        format!(
            "openapi: 3.0.0\npaths: {{/a: {{get: {{responses: {{'200': {{description: x, content: {{application/json: {{schema: {{$ref: '#/components/schemas/{name}'}}}}}}}}}}}}}}}}\ncomponents: {{schemas: {{{name}: {{type: object, properties: {{a: {{type: string}}}}}}}}}}"
        )
    };
    assert_eq!(told("openapi", &of("Old"), &of("New")), Vec::<String>::new());
}

#[test]
fn other_formats_are_told_apart_too() {
    let new = STOREFRONT.replace("  me: Customer\n", "  me(full: Boolean!): Customer!\n").replace("  LAST_FEW\n", "");
    assert_eq!(
        told("graphql", STOREFRONT, &new),
        [
            "! QUERY me | Arguments: full | is new and must be given",
            "! enum Availability | Values: LAST_FEW | is gone",
            "+ QUERY me | Returns: (result) | is never null now",
        ]
    );
    let new =
        LEDGER.replace("string currency = 2;", "string currency = 4;").replace("int32 limit = 3;", "int64 limit = 3;");
    assert_eq!(
        told("grpc", LEDGER, &new),
        [
            "! message Money | Fields: currency | number: was `2`, is `4` now",
            "! message ListEntriesRequest | Fields: limit | was `int32`, is `int64` now",
        ]
    );
    assert_eq!(told("grpc", LEDGER, LEDGER), Vec::<String>::new());
}
