//! What becomes of texts.

use super::super::testing::{Bench, files};
use super::*;

#[tokio::test]
async fn files_are_written_and_grow() {
    let mut bench = Bench::with(&[("there", "old")]);
    let cases: [(&dyn Action, Value, &str); 5] = [
        (&Write, json!({"path": "./a/b.txt", "content": "x"}), "a/b.txt=x"),
        (&Write, json!({"path": "there", "content": "new"}), "there=new"),
        (
            &Write,
            json!({"path": "c.json", "content": "{\"a\":[1.0,{}]}", "preserveFormatting": true}),
            "c.json={\n  \"a\": [\n    1,\n    {}\n  ]\n}",
        ),
        (&Append, json!({"path": "there", "content": "er"}), "there=newer"),
        (&Append, json!({"path": "fresh", "content": "1"}), "fresh=1"),
    ];
    for (action, input, expected) in cases {
        let answer = bench.run(action, input.clone()).await.unwrap();
        let (path, _) = expected.split_once('=').unwrap();
        assert_eq!(answer, outputs([("path", json!(path))]), "{input}");
        assert!(
            files(&bench.context.workspace).contains(&expected.to_owned()),
            "{input}: {:?}",
            files(&bench.context.workspace)
        );
    }
}

#[tokio::test]
async fn a_file_keeps_its_mode() {
    let mut bench = Bench::with(&[]);
    bench.context.workspace.write("run.sh", FileMode::Executable, Bytes::from("a")).unwrap();
    bench.run(&Append, json!({"path": "run.sh", "content": "b"})).await.unwrap();
    bench.run(&Write, json!({"path": "run.sh", "content": "c"})).await.unwrap();
    assert_eq!(bench.context.workspace.file("run.sh").unwrap().unwrap().mode, FileMode::Executable);
}

#[tokio::test]
async fn files_are_parsed() {
    let mut bench = Bench::with(&[
        ("a.yaml", "a: [1, yes]\n"),
        ("b.yaml", "a: 1\n---\nb: 2\n"),
        ("c.json", "{\"a\": 1}"),
        ("bad.json", "{\n\"a\" 1}"),
    ]);
    let cases = [
        (json!({"path": "a.yaml"}), json!("a: [1, yes]\n")),
        (json!({"path": "a.yaml", "parser": "yaml"}), json!({"a": [1, "yes"]})),
        (json!({"path": "b.yaml", "parser": "multiyaml"}), json!([{"a": 1}, {"b": 2}])),
        (json!({"path": "c.json", "parser": "json"}), json!({"a": 1})),
    ];
    for (input, expected) in cases {
        assert_eq!(bench.run(&Parse, input.clone()).await.unwrap(), outputs([("content", expected)]), "{input}");
    }
    let refused = [
        (json!({"path": "b.yaml", "parser": "yaml"}), "b.yaml has 2 YAML documents where one is expected"),
        (json!({"path": "bad.json", "parser": "json"}), "bad.json is not JSON: expected `:` at line 2 column 5"),
        (json!({"path": "none"}), "there is no file none in the workspace; a step before this one must make it"),
    ];
    for (input, expected) in refused {
        assert_eq!(bench.run(&Parse, input).await.unwrap_err().message, expected);
    }
}

#[tokio::test]
async fn a_text_has_a_limit() {
    let mut bench = Bench::with(&[("a", "x")]);
    let much = "y".repeat(LONGEST);
    for action in [&Append as &dyn Action, &Write] {
        let content = format!("{much}z");
        let error = bench.run(action, json!({"path": "a", "content": content})).await.unwrap_err();
        assert!(error.message.ends_with("actions on texts take files of up to 16 MiB"), "{error}");
    }
    bench.context.workspace.write("big", FileMode::Regular, Bytes::from(format!("{much}z"))).unwrap();
    assert_eq!(bench.run(&Parse, json!({"path": "big"})).await.unwrap_err().name, "InputError");
}
