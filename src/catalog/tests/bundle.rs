//! `$openapi` and `$asyncapi`: descriptions in several files become one.

use super::*;

/// An API whose definition is `main.yml`.
const API: &str = "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata:\n  name: pay\nspec:\n  type: openapi\n  lifecycle: production\n  owner: team\n  definition:\n    $openapi: ./main.yml\n";

async fn fixture(files: &[(&str, &str)]) -> Fixture {
    let mut files = files.to_vec();
    files.push(("api.yaml", API));
    Fixture::with_files(&files).await
}

fn lines(numbers: std::ops::Range<usize>, line: impl Fn(usize) -> String) -> String {
    numbers.map(line).collect::<Vec<_>>().join("\n")
}

fn definition(fixture: &Fixture) -> String {
    let record = fixture.entity("api:default/pay").unwrap();
    record.entity().0["spec"]["definition"].as_str().unwrap().to_owned()
}

fn bundled(fixture: &Fixture) -> Value {
    crate::yaml::documents(&definition(fixture)).remove(0).unwrap().value
}

#[tokio::test]
async fn what_other_files_say_is_brought_in_once() {
    let fixture = fixture(&[
        (
            "main.yml",
            "openapi: 3.1.0\n# a comment\npaths:\n  /pets/{id}:\n    get: {$ref: 'paths/get.yml'}\n    put: {$ref: paths/get.yml}\n  /own: {$ref: '#/x-own'}\nx-own: {a: 1}\nx-name: {$ref: 'schemas/pet.yml#/properties/name', description: mine}\nx-name2: {$ref: schemas/pet.yml#/properties/name}\nx-back: {$ref: './main.yml#/x-own'}\n",
        ),
        ("paths/get.yml", "schema: {$ref: ../schemas/pet.yml}\nroot: {$ref: ../main.yml#/x-own}\nsame: {$ref: '#/schema'}\n"),
        (
            "schemas/pet.yml",
            "type: object\nproperties:\n  name: {type: string, description: theirs}\n  parent: {$ref: '#'}\n  friend: {$ref: pet.yml#/properties/parent}\n",
        ),
    ])
    .await;
    assert_eq!(fixture.problems().await, Vec::new());
    let schema = "#/paths/~1pets~1%7Bid%7D/get/schema";
    let expected = json!({
        "openapi": "3.1.0",
        "paths": {
            "/pets/{id}": {
                "get": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "name": { "type": "string", "description": "theirs" },
                            "parent": { "$ref": schema },
                            "friend": { "$ref": format!("{schema}/properties/parent") },
                        },
                    },
                    "root": { "$ref": "#/x-own" },
                    "same": { "$ref": schema },
                },
                "put": { "$ref": "#/paths/~1pets~1%7Bid%7D/get" },
            },
            "/own": { "$ref": "#/x-own" },
        },
        "x-own": { "a": 1 },
        "x-name": { "$ref": format!("{schema}/properties/name"), "description": "mine" },
        "x-name2": { "$ref": format!("{schema}/properties/name") },
        "x-back": { "$ref": "#/x-own" },
    });
    assert_eq!(bundled(&fixture), expected);
}

#[tokio::test]
async fn keys_beside_a_reference_go_over_what_it_names() {
    let fixture = fixture(&[
        ("main.yml", "a: {$ref: x.yml#/t, title: mine}\nb: {$ref: x.yml#/t}\nc: {$ref: x.yml#/u/deep}\n"),
        ("x.yml", "t: {title: theirs, type: string}\nu: {$ref: y.json#/v}\n"),
        ("y.json", r#"{"v": {"deep": [1, {"$ref": "x.yml#/t"}]}}"#),
    ])
    .await;
    assert_eq!(fixture.problems().await, Vec::new());
    let expected = json!({
        "a": { "title": "mine", "type": "string" },
        "b": { "title": "theirs", "type": "string" },
        "c": [1, { "$ref": "#/b" }],
    });
    assert_eq!(bundled(&fixture), expected);
}

#[tokio::test]
async fn a_description_of_one_file_stays_its_text() {
    let text = "openapi: 3.1.0 # kept\na: {$ref: '#/b'}\nb: 1\n";
    let fixture = fixture(&[("main.yml", text)]).await;
    assert_eq!(definition(&fixture), text);
}

#[tokio::test]
async fn a_changed_part_is_noticed() {
    let fixture =
        fixture(&[("main.yml", "a: {$ref: x.yml}\n"), ("x.yml", "$ref: y.yml#/v\n"), ("y.yml", "v: 1\n")]).await;
    assert_eq!(bundled(&fixture), json!({ "a": 1 }));
    fixture.write("y.yml", "v: 22\n");
    fixture.reread().await;
    assert_eq!(bundled(&fixture), json!({ "a": 22 }));
}

#[tokio::test]
async fn what_cannot_be_followed_is_told_with_its_place() {
    let chain = lines(0..200, |at| format!("k{at}: {{$ref: 'x.yml#/k{}/z'}}", at + 1));
    let nested = format!("a: {{$ref: x.yml}}\nb: {}1{}\n", "[".repeat(60), "]".repeat(60));
    let inner = format!("{}{{$ref: y.yml}}{}\n", "[".repeat(60), "]".repeat(60));
    let wide = format!("[{}]\n", "1,".repeat(60_000));
    let many = lines(0..4, |at| format!("k{at}: {{$ref: 'x.yml', at: {at}}}"));
    let cases: &[(&str, &str, &str, &str)] = &[
        ("a: {$ref: gone.yml}\n", "", "", "gone.yml\" cannot be followed, "),
        ("a: 1\nb:\n  $ref: x.yml#/no\n", "a: 1\n", "", "x.yml#/no\" names /no, which is not in file:"),
        ("b:\n  $ref: x.yml#no\n", "a: 1\n", "", "\"#no\" is not a JSON pointer"),
        ("b: {$ref: x.yml}\n", "a: [\n", "", "x.yml: "),
        ("b: {$ref: x.yml}\n", "a: 1\n---\nb: 1\n", "", "has 2 documents, exactly one is expected"),
        ("b: {$ref: x.yml}\n", "$ref: y.yml\n", "$ref: x.yml\n", "leads to itself"),
        (
            "b: {$ref: x.yml#/a/z}\n",
            "a: {$ref: y.yml#/a}\n",
            "a: {$ref: x.yml#/a}\n",
            "leads through more than 100 references",
        ),
        ("b: {$ref: x.yml#/k0/z}\n", &chain, "", "leads through more than 100 references"),
        ("b: {$ref: 'http://169.254.169.254/x'}\n", "", "", "is not allowed"),
        (&nested, &inner, &inner, "nested too deeply, at most 100 levels are brought together"),
        (&many, &wide, "", "too many nodes, at most 200000 are brought together"),
    ];
    for (main, x, y, expected) in cases {
        let fixture = fixture(&[("main.yml", main), ("x.yml", x), ("y.yml", y)]).await;
        let problems = fixture.problems().await;
        assert_eq!(problems.len(), 1, "{expected}: {problems:?}");
        let problem = &problems[0];
        assert!(
            problem.message.contains("Placeholder $openapi unable to bundle the file at ./main.yml, "),
            "{problem:?}"
        );
        assert!(problem.message.contains(expected), "{expected}: {}", problem.message);
        assert!(
            problem.message.contains(", line ")
                || problem.message.contains(" line ")
                || problem.message.contains("documents"),
            "{problem:?}"
        );
        assert_eq!((problem.pointer.as_str(), problem.line), ("/spec/definition", Some(9)));
        assert!(fixture.entity("api:default/pay").is_none());
    }
}

#[tokio::test]
async fn too_many_files_are_refused() {
    let names: Vec<String> = (0..120).map(|at| format!("part{at}.yml")).collect();
    let main = lines(0..120, |at| format!("p{at}: {{$ref: part{at}.yml}}"));
    let mut files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "a: 1\n")).collect();
    files.push(("main.yml", &main));
    let fixture = fixture(&files).await;
    let problems = fixture.problems().await;
    assert!(problems[0].message.contains("too many files, at most 100 are brought together"), "{problems:?}");
    assert!(problems[0].message.contains("main.yml, line 101, column "), "{problems:?}");
}
