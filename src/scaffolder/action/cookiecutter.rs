//! `fetch:cookiecutter`: a cookiecutter template, rendered by our own engine without Python.
//!
//! As with Backstage, the folder at the URL is what one project's folder is to cookiecutter: all of it is rendered, and
//! `cookiecutter.json` in it has the defaults. Defaults are those of `cookiecutter --no-input`: of a list the first,
//! and a text may use what stands before it. Python extensions cannot be loaded; those that cookiecutter has itself are
//! there as far as the engine knows them.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::super::expression::{Engine, Syntax};
use super::super::workspace;
use super::skeleton::Rendering;
use super::source::Source;
use super::{Action, ActionContext, ActionDescription, ActionError, Example, Outputs, text, text_file, texts};
use crate::catalog::{Reader, Tree};

/// Where a template has its defaults.
const DEFAULTS: &str = "cookiecutter.json";
/// Its key for paths that are copied as they are.
const COPIED: &str = "_copy_without_render";

/// The action.
pub(super) fn actions(reader: &Reader) -> Vec<Arc<dyn Action>> {
    vec![Arc::new(Cookiecutter { source: Source::new(reader) })]
}

struct Cookiecutter {
    source: Source,
}

impl Action for Cookiecutter {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "fetch:cookiecutter",
            description: "Downloads a template from the given URL into the workspace, and runs cookiecutter on it.",
            input: json!({
                "type": "object", "required": ["url"], "additionalProperties": false,
                "properties": {
                    "url": {"type": "string", "title": "Fetch URL", "description": "Relative path or absolute URL pointing to the directory tree to fetch"},
                    "targetPath": {"type": "string", "title": "Target Path", "description": "Target path within the working directory to download the contents to."},
                    "values": {"type": "object", "title": "Template Values", "description": "Values to pass on to cookiecutter for templating"},
                    "copyWithoutRender": {"type": "array", "items": {"type": "string"}, "title": "Copy Without Render", "description": "Avoid rendering directories and files in the template"},
                    "extensions": {"type": "array", "items": {"type": "string"}, "title": "Template Extensions", "description": "Accepted for compatibility: Python extensions are not loaded"},
                    "imageName": {"type": "string", "title": "Cookiecutter Docker image", "description": "Accepted for compatibility: templates are rendered without a container"},
                },
            }),
            output: None,
            examples: vec![Example {
                description: "Renders a cookiecutter template beside the template.",
                example: "steps:\n  - id: fetch\n    action: fetch:cookiecutter\n    input:\n      url: ./cookiecutter\n      values:\n        name: ${{ parameters.name }}\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            ctx.log.info("Fetching and then templating using cookiecutter");
            for key in ["extensions", "imageName"].into_iter().filter(|key| input.contains_key(*key)) {
                ctx.log.warn(format!("{key} has no effect: templates are rendered here, without Python"));
            }
            let target = workspace::normal(text(&input, "targetPath").unwrap_or("./"))?;
            let tree = self.source.tree(ctx, text(&input, "url").unwrap_or_default(), None).await?;
            let (values, mut copied) = values(&tree, &input)?;
            copied.extend(texts(&input, "copyWithoutRender"));
            Rendering::cookiecutter(values, &copied)?.into_workspace(ctx, tree, &target).await?;
            Ok(Outputs::new())
        })
    }
}

/// The template's defaults with the step's values over them, and the patterns that the template copies by itself.
fn values(tree: &Tree, input: &Outputs) -> Result<(Map<String, Value>, Vec<String>), ActionError> {
    let mut all = defaults(tree)?;
    let given = input.get("values").and_then(Value::as_object);
    all.extend(given.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())));
    // The step's list stands in for the template's.
    let copied = if input.contains_key("copyWithoutRender") { Vec::new() } else { texts(&all, COPIED) };
    let engine = Engine::new(Syntax::cookiecutter());
    let mut values = Map::new();
    for (key, value) in all {
        let value = settle(&engine, &key, value, &values)?;
        values.insert(key, value);
    }
    Ok((values, copied))
}

fn defaults(tree: &Tree) -> Result<Map<String, Value>, ActionError> {
    let Some(file) = tree.files.iter().find(|file| file.path == DEFAULTS) else {
        return Ok(Map::new());
    };
    match text_file::parse_json(DEFAULTS, &String::from_utf8_lossy(&file.bytes))? {
        Value::Object(defaults) => Ok(defaults),
        _ => Err(ActionError::input(format!("{DEFAULTS} is no object of names and values"))),
    }
}

/// A value as an expression sees it, given those before it.
fn settle(engine: &Engine, key: &str, value: Value, before: &Map<String, Value>) -> Result<Value, ActionError> {
    // Names with one underscore are cookiecutter's own, and stay as they are.
    if key.starts_with('_') && !key.starts_with("__") {
        return Ok(value);
    }
    let context = Map::from_iter([("cookiecutter".to_owned(), Value::Object(before.clone()))]);
    let render = |text: &str| {
        engine
            .render(text, &context)
            .map(Value::String)
            .map_err(|error| ActionError { name: "TemplateError", message: format!("{DEFAULTS}: {key}: {error}") })
    };
    match value {
        Value::String(text) => render(&text),
        Value::Array(choices) => match choices.into_iter().next() {
            Some(Value::String(text)) => render(&text),
            Some(other) => Ok(other),
            None => Err(ActionError::input(format!("{key} has no choices; give it a value"))),
        },
        Value::Object(map) => {
            let settled = map.into_iter().map(|(inner, value)| {
                let value =
                    if value.is_array() { value } else { settle(engine, &format!("{key}.{inner}"), value, before)? };
                Ok((inner, value))
            });
            Ok(Value::Object(settled.collect::<Result<_, ActionError>>()?))
        }
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, files};
    use super::*;
    use crate::catalog::CatalogConfig;
    use crate::forge::Forges;

    async fn done(beside: &[(&str, &str)], input: Value) -> Result<(Vec<String>, Vec<String>), ActionError> {
        let mut bench = Bench::with(&[("README.md", "old")]).beside(beside);
        let action =
            Cookiecutter { source: Source::new(&Reader::new(Forges::default(), CatalogConfig::default().reading)) };
        bench.run(&action, input).await?;
        let said = bench.said();
        Ok((files(&bench.context.workspace), said))
    }

    #[tokio::test]
    async fn defaults_values_and_names_are_rendered() {
        let template = [
            (
                "t/cookiecutter.json",
                r#"{"name": "My App", "slug": "{{ cookiecutter.name | lower | replace(' ', '-') }}", "kind": ["lib", "bin"], "_own": "{{ x }}", "more": {"a": "{{ cookiecutter.slug }}", "list": [1]}}"#,
            ),
            (
                "t/README.md",
                "{{ cookiecutter.name }}/{{ cookiecutter.slug }}/{{ cookiecutter.kind }}/{{ cookiecutter._own }}/{{ cookiecutter.more.a }}{{ cookiecutter.more.list[0] }}",
            ),
            ("t/{{ cookiecutter.slug }}/${{ values.x }}.txt", "${{ values.x }}"),
        ];
        let (made, _) = done(&template, json!({"url": "./t", "values": {"name": "Other App"}})).await.unwrap();
        assert_eq!(made[0], "README.md=Other App/other-app/lib/{{ x }}/other-app1");
        assert!(made.iter().any(|file| file.starts_with("other-app/$")), "{made:?}");
        let (made, said) = done(
            &template,
            json!({"url": "./t", "targetPath": "out", "imageName": "x", "values": {"kind": "bin", "slug": "s"}}),
        )
        .await
        .unwrap();
        assert!(made.contains(&"out/README.md=My App/s/bin/{{ x }}/s1".to_owned()), "{made:?}");
        assert_eq!(
            said[..2],
            [
                "Fetching and then templating using cookiecutter",
                "imageName has no effect: templates are rendered here, without Python"
            ]
        );
    }

    #[tokio::test]
    async fn some_files_are_copied_as_they_are() {
        let template = [
            ("t/cookiecutter.json", r#"{"n": "x", "_copy_without_render": ["raw/*"]}"#),
            ("t/raw/{{ cookiecutter.n }}/a.html", "{{ a }}"),
            ("t/b.html", "{{ cookiecutter.n }}"),
        ];
        let (made, _) = done(&template, json!({"url": "./t"})).await.unwrap();
        assert!(made.contains(&"raw/x/a.html={{ a }}".to_owned()) && made.contains(&"b.html=x".to_owned()), "{made:?}");
        let (made, _) = done(&template, json!({"url": "./t", "copyWithoutRender": ["*.html"]})).await.unwrap();
        assert!(
            made.contains(&"raw/x/a.html={{ a }}".to_owned())
                && made.contains(&"b.html={{ cookiecutter.n }}".to_owned()),
            "{made:?}"
        );
    }

    #[tokio::test]
    async fn mistakes_are_told_with_their_place() {
        let cases = [
            (r#"{"a": "{{ 1 + }}"}"#, "cookiecutter.json: a: "),
            (r#"{"a": []}"#, "a has no choices; give it a value"),
            ("[1]", "cookiecutter.json is no object of names and values"),
            ("{", "cookiecutter.json is not JSON: "),
        ];
        for (defaults, expected) in cases {
            let error = done(&[("t/cookiecutter.json", defaults)], json!({"url": "./t"})).await.unwrap_err();
            assert!(error.message.starts_with(expected), "{defaults}: {error}");
        }
    }
}
