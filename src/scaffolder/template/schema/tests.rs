//! The schema against templates: the shipped ones, and one mistake at a time.

use jsonschema::{Draft, Validator};

use super::*;
use crate::yaml;

fn built() -> Validator {
    let schema = schema(&crate::app::known_actions().unwrap().descriptions());
    jsonschema::draft7::meta::validate(&schema).unwrap();
    jsonschema::options().with_draft(Draft::Draft7).build(&schema).unwrap()
}

fn template(rest: &str) -> Value {
    let text =
        format!("apiVersion: {API_VERSION}\nkind: Template\nmetadata: {{name: t}}\nspec:\n  type: service\n{rest}");
    yaml::documents(&text).remove(0).unwrap().value
}

/// Every Template below a folder.
fn shipped(folder: &std::path::Path, found: &mut Vec<Value>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            shipped(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let values = yaml::documents(&text).into_iter().flatten().map(|document| document.value);
            found.extend(values.filter(|value| value["kind"] == "Template"));
        }
    }
}

#[tokio::test]
async fn what_is_shipped_is_valid() {
    let schema = built();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut templates = Vec::new();
    for folder in ["templates/software", "examples"] {
        shipped(&root.join(folder), &mut templates);
    }
    assert!(!templates.is_empty());
    for template in templates {
        let errors: Vec<String> = schema.iter_errors(&template).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", template["metadata"]["name"]);
    }
}

#[tokio::test]
async fn examples_of_actions_are_valid() {
    let schema = built();
    for action in crate::app::known_actions().unwrap().descriptions() {
        for example in &action.examples {
            let steps = yaml::documents(example.example).remove(0).unwrap().value;
            let mut template = template("  steps: []\n");
            template["spec"]["steps"] = steps["steps"].clone();
            let errors: Vec<String> = schema.iter_errors(&template).map(|error| error.to_string()).collect();
            assert_eq!(errors, Vec::<String>::new(), "{}: {}", action.id, example.example);
        }
    }
}

#[tokio::test]
async fn mistakes_are_underlined_and_expressions_are_not() {
    let schema = built();
    let step = |input: &str| format!("  steps:\n    - action: fetch:template\n      input: {input}\n");
    let form = |field: &str| format!("  steps: []\n  parameters:\n    properties:\n      a: {field}\n");
    let cases = [
        ("  steps: []\n".to_owned(), true),
        (String::new(), false),
        ("  steps: {}\n".to_owned(), false),
        ("  steps: [{}]\n".to_owned(), false),
        ("  steps: [{action: acme:own, input: {any: 1}}]\n".to_owned(), true),
        ("  steps: [{action: 5}]\n".to_owned(), false),
        ("  steps: [{action: fetch:template}]\n".to_owned(), false),
        ("  steps: [{action: fetch:template, if: '${{ x }}'}]\n".to_owned(), true),
        ("  steps: [{action: fetch:template, if: 5}]\n".to_owned(), false),
        ("  steps: [{action: debug:log, each: 5}]\n".to_owned(), false),
        ("  steps: {$yaml: ./steps.yaml}\n".to_owned(), true),
        (step("{url: ./a}"), true),
        (step("{url: ./a, values: '${{ parameters }}', replace: '${{ parameters.again }}'}"), true),
        (step("{url: ./a, replace: maybe}"), false),
        (step("{url: 5}"), false),
        (step("{values: {}}"), false),
        (step("{url: ./a, extra: 1}"), true),
        (form("{type: string, 'ui:widget': textarea}"), true),
        (form("{type: strin}"), false),
        (form("{type: object, properties: {b: {type: strin}}}"), false),
        (form("{'ui:order': a}"), false),
        (form("{'ui:field': 5}"), false),
        (form("{'ui:field': AcmePicker}"), true),
        ("  steps: []\n  parameters: [{title: 5}]\n".to_owned(), false),
        ("  steps: []\n  parameters: text\n".to_owned(), false),
        ("  steps: []\n  output: {links: [{if: '${{ x }}', url: '${{ y }}'}], own: 5}\n".to_owned(), true),
        ("  steps: []\n  output: {links: {url: x}}\n".to_owned(), false),
        ("  steps: []\n  output: {text: [{content: 5}]}\n".to_owned(), false),
        ("  steps: []\n  presentation: {buttonLabels: {createButtonText: 5}}\n".to_owned(), false),
        ("  steps: []\n  secrets: {schema: {type: 5}}\n".to_owned(), false),
        ("  steps: []\n  owner: []\n".to_owned(), false),
    ];
    for (rest, is_valid) in cases {
        let template = template(&rest);
        let errors: Vec<String> = schema.iter_errors(&template).map(|error| error.to_string()).collect();
        assert_eq!(errors.is_empty(), is_valid, "{rest}{errors:?}");
    }
}
