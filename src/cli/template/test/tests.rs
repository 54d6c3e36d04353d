//! The command on templates written here, and on those that are shipped.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

const TEMPLATE: &str = "apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: t}
spec:
  type: service
  parameters:
    required: [name]
    properties:
      name: {type: string, pattern: '^[a-z]+$'}
      port: {type: number, default: 8080}
      zones: {type: array, items: {type: string}, default: []}
  steps:
    - id: fetch
      action: fetch:template
      input: {url: ./skeleton, values: {name: '${{ parameters.name }}', port: '${{ parameters.port }}', by: '${{ user.ref }}'}}
    - id: zone
      each: ${{ parameters.zones }}
      if: ${{ parameters.name !== 'plain' }}
      action: debug:log
      input: {message: 'zone ${{ each.value }} ${{ secrets.token }}'}
    - id: always
      if: ${{ always() }}
      action: debug:log
      input: {message: done}
    - id: publish
      action: publish:repository
      input: {repoUrl: 'local?owner=acme&repo=${{ parameters.name }}'}
  output:
    name: ${{ parameters.name }}
";

/// A folder with a template and the cases `name → values`.
fn folder(cases: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "template.yaml", TEMPLATE);
    write(
        &folder,
        "skeleton/${{ values.name }}.txt",
        "name ${{ values.name }}\nport ${{ values.port }}\nby ${{ values.by }}\n",
    );
    for (name, values) in cases {
        write(&folder, &format!("tests/{name}/values.yaml"), values);
    }
    folder
}

fn write(folder: &TempDir, path: &str, text: &str) {
    let path = folder.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn config() -> Config {
    // The program does this once at its start; a second time is not an error that matters here.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let nothing = tempfile::tempdir().unwrap();
    crate::config::load_in(nothing.path(), &[], &BTreeMap::new()).unwrap().config
}

async fn report(folder: &TempDir, update: bool) -> Report {
    test(&config(), &folder.path().join("template.yaml"), None, update).await.unwrap()
}

/// What each case showed: its name and the messages.
fn told(report: &Report) -> Vec<(String, Vec<String>)> {
    let messages = |case: &CaseReport| case.differences.iter().map(|told| told.message.clone()).collect();
    report.cases.iter().map(|case| (case.name.clone(), messages(case))).collect()
}

fn ways(report: &Report) -> Vec<(&str, &str)> {
    report.uncovered.iter().map(|one| (one.branch.step.as_str(), one.branch.way.words())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_out_becomes_what_is_expected() {
    let folder = folder(&[("a", "values: {name: shop}\nuser: user:default/ada\n")]);
    let fresh = report(&folder, false).await;
    assert_eq!(told(&fresh), [("a".to_owned(), vec!["shop.txt is made and not expected".to_owned()])]);

    let updated = report(&folder, true).await;
    assert!(updated.cases[0].is_updated && updated.is_good(None));
    let made = fs::read_to_string(folder.path().join("tests/a/expected/shop.txt")).unwrap();
    assert_eq!(made, "name shop\nport 8080\nby user:default/ada\n");
    let expected = fs::read_to_string(folder.path().join("tests/a/expected.yaml")).unwrap();
    assert_eq!(expected, "output:\n  name: shop\neffects:\n- create repository acme/shop\n- push 1 file to main\n");

    let again = report(&folder, false).await;
    assert!(!again.cases[0].is_updated && again.is_good(None), "{:?}", told(&again));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_can_be_about_some_files() {
    let folder = folder(&[("a", "values: {name: shop}\n")]);
    let expect = |patterns: &str| write(&folder, "tests/a/expected.yaml", &format!("files: {patterns}\n"));
    expect("['*.md', 'docs/**']");
    let nothing = ["no file is made that fits *.md", "no file is made that fits docs/**"].map(str::to_owned).to_vec();
    assert_eq!(told(&report(&folder, false).await), [("a".to_owned(), nothing)]);

    expect("['shop.*']");
    assert!(report(&folder, true).await.is_good(None));
    assert!(folder.path().join("tests/a/expected/shop.txt").exists());
    // What lies there is compared in any case.
    expect("['*.txt']");
    write(&folder, "tests/a/expected/other.md", "");
    let other = vec!["other.md is not made".to_owned()];
    assert_eq!(told(&report(&folder, false).await), [("a".to_owned(), other)]);

    expect("['{']");
    let wrong = test(&config(), &folder.path().join("template.yaml"), None, false).await.unwrap_err();
    assert!(format!("{wrong:#}").contains("expected.yaml: `files`: { is no pattern of paths"), "{wrong:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_as_expected_is_told() {
    let folder = folder(&[("a", "values: {name: shop, zones: [x]}\nsecrets: {token: s3cr3t-word}\n")]);
    write(&folder, "tests/a/expected/shop.txt", "name shop\nport 80\nby \n");
    write(&folder, "tests/a/expected/gone.txt", "");
    write(
        &folder,
        "tests/a/expected.yaml",
        "output: {name: other}\neffects: []\nlog: [Running step each, zone y, s3cr3t-word]\n",
    );
    let report = report(&folder, false).await;
    assert_eq!(
        told(&report),
        [(
            "a".to_owned(),
            [
                "another output",
                "other effects",
                "no line of the log has: zone y",
                "no line of the log has: s3cr3t-word",
                "gone.txt is not made",
                "shop.txt differs",
            ]
            .map(str::to_owned)
            .to_vec()
        )]
    );
    let diff = report.cases[0].differences.last().unwrap().diff.clone().unwrap();
    assert_eq!(diff, "--- expected\n+++ made\n@@ -1,3 +1,3 @@\n name shop\n-port 80\n+port 8080\n by \n");
    assert!(!report.is_good(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_can_be_what_is_expected() {
    let folder = folder(&[("bad", "values: {name: '5'}\n"), ("good", "values: {name: shop}\n")]);
    write(&folder, "tests/bad/expected.yaml", "fails: must match the pattern\n");
    write(&folder, "tests/good/expected.yaml", "fails: something\n");
    let first = report(&folder, false).await;
    assert_eq!(told(&first)[0], ("bad".to_owned(), vec![]));
    assert_eq!(told(&first)[1].1, ["it does not fail; expected: something"]);

    fs::remove_file(folder.path().join("tests/bad/expected.yaml")).unwrap();
    // A failure that nobody expected is not made the expectation.
    let updated = report(&folder, true).await;
    let [(_, messages), _] = told(&updated).try_into().unwrap();
    assert!(messages[0].starts_with("it fails: ") && messages[0].contains("must match the pattern"), "{messages:?}");
    assert!(!folder.path().join("tests/bad/expected.yaml").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_that_no_case_takes_are_told() {
    let folder = folder(&[("a", "values: {name: shop}\n")]);
    let one = report(&folder, true).await;
    assert_eq!(ways(&one), [("zone", "`if` always holds"), ("zone", "`each` is always empty")]);
    assert_eq!((one.branches, one.coverage()), (4, 50));
    assert!(one.is_good(Some(50)) && !one.is_good(Some(51)));

    write(&folder, "tests/b/values.yaml", "values: {name: plain}\n");
    write(&folder, "tests/c/values.yaml", "values: {name: shop, zones: [x]}\n");
    let all = report(&folder, true).await;
    assert_eq!((ways(&all), all.coverage()), (vec![], 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_run_says_why() {
    let cases = [
        ("value: {name: shop}\n", "unknown field `value`"),
        ("values: {name: shop}\nuser: 5\n", "`user` is a reference"),
        ("values: [\n", "values.yaml:"),
    ];
    for (values, message) in cases {
        let folder = folder(&[("a", values)]);
        let error = test(&config(), &folder.path().join("template.yaml"), None, false).await.unwrap_err();
        assert!(format!("{error:#}").contains(message), "{error:#}");
    }
    let empty = folder(&[]);
    let error = test(&config(), &empty.path().join("template.yaml"), None, false).await.unwrap_err();
    assert!(error.to_string().contains("has no cases"), "{error}");
    let broken = folder(&[("a", "values: {name: shop}\n")]);
    write(&broken, "template.yaml", &TEMPLATE.replace("debug:log", "debug:logs"));
    let error = test(&config(), &broken.path().join("template.yaml"), None, false).await.unwrap_err();
    assert!(error.to_string().contains("there is no action `debug:logs`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_get_the_same_as_people() {
    let folder = folder(&[("a", "values: {name: shop}\n")]);
    let report = report(&folder, false).await;
    let file = folder.path().join("template.yaml");
    let (case, tree) = (folder.path().join("tests/a"), folder.path().join("tests/a/expected/shop.txt"));
    let difference = json!({"file": tree, "message": "shop.txt is made and not expected", "diff": null});
    let expected: Value = json!({
        "template": file,
        "cases": [{"name": "a", "folder": case, "outcome": "failed", "differences": [difference]}],
        "coverage": {"percent": 50, "branches": 4, "uncovered": [
            {"step": "zone", "way": "if-false", "line": 18, "column": 7},
            {"step": "zone", "way": "rounds", "line": 17, "column": 7},
        ]},
    });
    assert_eq!(report.json(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn shipped_templates_make_what_their_cases_expect() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/software");
    let mut count = 0;
    for entry in fs::read_dir(root).unwrap() {
        let file = entry.unwrap().path().join("template.yaml");
        if file.is_file() {
            let report = test(&config(), &file, None, false).await.unwrap();
            for case in &report.cases {
                assert_eq!(case.differences, [], "{}", case.folder.display());
            }
            count += report.cases.len();
        }
    }
    assert!(count > 1, "{count}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_template_may_be_in_other_files() {
    let folder = folder(&[("one", "values: {name: pay}\n")]);
    let (head, steps) = TEMPLATE.split_once("  steps:\n").unwrap();
    let (first, rest) = steps.split_once("    - id: zone\n").unwrap();
    write(&folder, "fetch.yaml", &first.replace("    - id", "id").replace("\n      ", "\n"));
    let steps = format!("  steps:\n    - $yaml: ./fetch.yaml\n    - id: zone\n{rest}");
    write(&folder, "template.yaml", &format!("{head}{steps}"));
    write(&folder, "tests/one/expected/pay.txt", "name pay\nport 8080\nby \n");
    assert_eq!(told(&report(&folder, false).await), [("one".to_owned(), vec![])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skeleton_elsewhere_in_the_repository_is_found_and_a_missing_one_is_told() {
    let repository = tempfile::tempdir().unwrap();
    let step = |url: &str| {
        let input = format!("{{url: '{url}', values: {{name: '${{{{ parameters.name }}}}'}}}}");
        TEMPLATE.replace("{url: ./skeleton, values: {name: '${{ parameters.name }}', port: '${{ parameters.port }}', by: '${{ user.ref }}'}}", &input)
    };
    write(&repository, ".git/HEAD", "ref: refs/heads/main\n");
    write(&repository, "skeletons/x/${{ values.name }}.md", "# ${{ values.name }}\n");
    write(&repository, "secret/key", "hush\n");
    write(&repository, "templates/t/tests/a/values.yaml", "values: {name: shop}\n");
    let file = repository.path().join("templates/t/template.yaml");
    let cases = [
        ("../../skeletons/x", "shop.md is made and not expected"),
        ("../../skeletons/${{ parameters.name if false else \"x\" }}", "shop.md is made and not expected"),
        ("../../skeletons/y", "step fetch: `../../skeletons/y`: no such folder is among the files"),
        ("../../../x", "step fetch: `../../../x` leads out of the files that came with the template"),
    ];
    for (url, expected) in cases {
        write(&repository, "templates/t/template.yaml", &step(url));
        let report = test(&config(), &file, None, false).await.unwrap();
        let told = told(&report);
        assert!(told[0].1.iter().any(|message| message.contains(expected)), "{url}: {told:?}");
    }
}
