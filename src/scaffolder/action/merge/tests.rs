//! What files become.

use super::super::testing::{Bench, files};
use super::*;

async fn done(action: &dyn Action, path: &str, source: &str, input: Value) -> Result<String, ActionError> {
    let mut bench = Bench::with(&[(path, source)]);
    let mut input = input;
    input["path"] = json!(path);
    let answer = bench.run(action, input).await?;
    assert_eq!(answer, outputs([("path", json!(path))]));
    let [file] = files(&bench.context.workspace).try_into().unwrap();
    Ok(file.strip_prefix(&format!("{path}=")).unwrap().to_owned())
}

/// Every expectation is what lodash's `mergeWith` gives with the original's customizers.
#[test]
fn values_are_merged_as_lodash_merges_them() {
    let cases = [
        (json!({"a": 1, "b": {"c": 2}}), json!({"b": {"d": 3}}), false, json!({"a": 1, "b": {"c": 2, "d": 3}})),
        (json!({"a": [1, 2]}), json!({"a": [3]}), false, json!({"a": [3]})),
        (json!({"a": [1, 2, 2]}), json!({"a": [2, "2", 3]}), true, json!({"a": [1, 2, "2", 3]})),
        (json!({"a": [{"x": 1}]}), json!({"a": [{"x": 1}]}), true, json!({"a": [{"x": 1}, {"x": 1}]})),
        (json!({"a": [1]}), json!({"a": "b"}), true, json!({"a": [1, "b"]})),
        (json!({"a": [1]}), json!({"a": {"b": 2}}), false, json!({"a": {"b": 2}})),
        (json!({"a": {"b": 1}}), json!({"a": [2]}), true, json!({"a": [2]})),
        (json!({"a": {"b": 1}}), json!({"a": null}), false, json!({"a": null})),
        (json!({"a": null}), json!({"a": {"b": 1}}), false, json!({"a": {"b": 1}})),
        (json!({"a": 1}), json!({"__proto__": {"x": 1}}), false, json!({"a": 1, "__proto__": {"x": 1}})),
        (json!([1, {"a": 1}]), json!([2, {"b": 2}, 3]), true, json!([2, {"a": 1, "b": 2}, 3])),
        (json!(null), json!({"a": 1}), false, json!({"a": 1})),
        (json!({"a": 1}), json!(null), false, json!({"a": 1})),
    ];
    for (existing, new, arrays, expected) in cases {
        assert_eq!(merged("f", existing.clone(), &new, arrays).unwrap(), expected, "{existing} + {new}");
    }
    for (existing, new) in [(json!("a"), json!({})), (json!({}), json!("a")), (json!({}), json!([1]))] {
        assert_eq!(merged("f", existing, &new, false).unwrap_err().name, "InputError");
    }
}

#[tokio::test]
async fn json_keeps_its_indentation_only_when_asked() {
    let cases = [
        ("{\n    \"a\": 1\n}", json!({"content": {"b": 2}}), "{\n  \"a\": 1,\n  \"b\": 2\n}"),
        (
            "{\n    \"a\": {\n        \"c\": 1\n    }\n}",
            json!({"content": "{\"a\": 2}", "matchFileIndent": true}),
            "{\n    \"a\": 2\n}",
        ),
        ("{\n\t\"a\": 1\n}", json!({"content": {}, "matchFileIndent": true}), "{\n\t\"a\": 1\n}"),
        ("{\"a\": 1}", json!({"content": {}, "matchFileIndent": true}), "{\n  \"a\": 1\n}"),
        ("{\"a\": [1]}", json!({"content": {"a": [2]}, "mergeArrays": true}), "{\n  \"a\": [\n    1,\n    2\n  ]\n}"),
    ];
    for (source, input, expected) in cases {
        assert_eq!(done(&MergeJson, "a.json", source, input).await.unwrap(), expected, "{source}");
    }
}

#[tokio::test]
async fn a_json_file_is_made_where_there_is_none_but_others_must_be_there() {
    let mut bench = Bench::with(&[]);
    bench.run(&MergeJson, json!({"path": "b.json", "content": {"a": 1}})).await.unwrap();
    assert_eq!(files(&bench.context.workspace), ["b.json={\n  \"a\": 1\n}"]);
    let error = bench.run(&Merge, json!({"path": "c.yaml", "content": {"a": 1}})).await.unwrap_err();
    assert_eq!(error.message, "The file workspace/00000000-0000-0000-0000-000000000000/c.yaml does not exist.");
}

#[tokio::test]
async fn structured_files_are_merged_by_their_ending() {
    let cases = [
        ("a.json", "{\"a\": 1}", json!({"content": {"b": [2]}}), "{\n  \"a\": 1,\n  \"b\": [\n    2\n  ]\n}"),
        ("a.yml", "a: 1 # one\nb: [1]\n", json!({"content": "b: [2]\n"}), "a: 1\nb:\n  - 2\n"),
        (
            "a.yaml",
            "b: [1]\n",
            json!({"content": {"b": [2]}, "mergeArrays": true, "options": {"indentSeq": false}}),
            "b:\n- 1\n- 2\n",
        ),
    ];
    for (path, source, input, expected) in cases {
        assert_eq!(done(&Merge, path, source, input).await.unwrap(), expected, "{path}");
    }
    let mut bench = Bench::with(&[("a.txt", "x")]);
    assert_eq!(bench.run(&Merge, json!({"path": "a.txt", "content": {"a": 1}})).await.unwrap(), Outputs::new());
    assert_eq!(bench.said(), ["a.txt is neither .json nor .yaml nor .yml, nothing is merged"]);
}

#[tokio::test]
async fn one_of_several_documents_is_chosen_by_a_field() {
    let source = "kind: A\nn: 1\n---\nkind: B\nmeta: {name: x}\n";
    let choose = |key: &str, value: &str, keeps: bool| json!({"content": {"n": 2}, "useDocumentIncludingField": {"key": key, "value": value}, "preserveYamlComments": keeps});
    let with = |input| done(&Merge, "a.yaml", source, input);
    assert_eq!(
        with(choose("kind", "B", false)).await.unwrap(),
        "kind: A\nn: 1\n---\nkind: B\nmeta:\n  name: x\nn: 2\n"
    );
    assert_eq!(
        with(choose("meta.name", "x", true)).await.unwrap(),
        "kind: A\nn: 1\n---\nkind: B\nmeta:\n  name: x\nn: 2\n"
    );
    assert!(with(choose("n", "1", false)).await.unwrap_err().message.contains("must be a string or a number"));
    let unsaid = with(json!({"content": {"n": 2}})).await.unwrap_err();
    assert!(unsaid.message.starts_with("Multiple documents found in the input content."), "{unsaid}");
    let nothing = done(&Merge, "a.yaml", "", json!({"content": {"n": 2}})).await.unwrap_err();
    assert!(nothing.message.starts_with("No documents found"), "{nothing}");
}

#[tokio::test]
async fn comments_stay_when_asked() {
    let source =
        "# head\na: 1 # one\n\n# about b\nb:\n  # first\n  - x # ex\n  - y\nc: # see\n  d: 1\n# gone\ne: 2\n# tail\n";
    let input = json!({"content": {"b": ["z"], "a": 3}, "mergeArrays": true, "preserveYamlComments": true});
    let expected = "# head\na: 3 # one\n\n# about b\nb:\n  # first\n  - x # ex\n  - y\n  - z\nc: # see\n  d: 1\n# gone\ne: 2\n# tail\n";
    assert_eq!(done(&Merge, "a.yaml", source, input).await.unwrap(), expected);
    let several = "# one\na: 1\n# end of one\n---\n# two\nb: 1 # be\n";
    let input = json!({"content": {"c": 1}, "preserveYamlComments": true, "useDocumentIncludingField": {"key": "b", "value": "1"}});
    assert_eq!(
        done(&Merge, "a.yaml", several, input).await.unwrap(),
        "# one\na: 1\n# end of one\n---\n# two\nb: 1 # be\nc: 1\n"
    );
}
