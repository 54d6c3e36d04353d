//! What `greenroom template lint` says about files.

use std::collections::BTreeMap;

use super::*;

fn rules(folder: &Path) -> Rules {
    let loaded = crate::config::load_in(folder, &[], &BTreeMap::new()).unwrap();
    // The program does this once at its start; a second time is not an error that matters here.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    crate::cli::validate::rules(&loaded.config).unwrap()
}

#[tokio::test]
async fn findings_come_in_the_order_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("template.yaml");
    let text = "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {name: t}\nspec:\n  type: service\n  parameters:\n    properties:\n      name: {type: string}\n  steps:\n    - action: debug:logg\n      if: parameters.nam\n    - action: debug:log\n      input:\n        mesage: ${{ parameters.nam }}\n";
    std::fs::write(&file, text).unwrap();
    let found = check(&rules(folder.path()), &template_file(folder.path())).await.unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|finding| (finding.line, finding.column, finding.severity, finding.rule.unwrap().id()))
        .collect();
    assert_eq!(
        told,
        [
            (8, 7, Severity::Warning, "unused-parameter"),
            (10, 7, Severity::Error, "unknown-action"),
            (11, 7, Severity::Error, "constant-condition"),
            (14, 9, Severity::Warning, "unknown-input"),
            (14, 21, Severity::Error, "unknown-parameter"),
        ]
    );
}

#[tokio::test]
async fn a_file_that_is_no_yaml_says_what_to_quote() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("template.yaml");
    let cases = [
        ("spec:\n  a: ${{ parameters.name | default({x: 1}) }}\n", "unquoted-expression"),
        ("spec:\n  a: @${{ parameters.name }}\n", "unquoted-expression"),
        ("spec:\n  a: [${{ parameters.name }}]\n", "unquoted-expression"),
        ("spec:\n  a: \"${{ parameters.name }}\n", "yaml"),
        ("spec:\n  a: @name\n", "yaml"),
    ];
    for (text, rule) in cases {
        std::fs::write(&file, text).unwrap();
        let found = check(&rules(folder.path()), &file).await.unwrap();
        let told: Vec<_> = found.iter().map(|finding| finding.rule.unwrap().id()).collect();
        assert_eq!(told, [rule], "{text}{found:?}");
    }
}

#[tokio::test]
async fn what_is_not_there_cannot_be_judged() {
    let folder = tempfile::tempdir().unwrap();
    let error = check(&rules(folder.path()), &folder.path().join("template.yaml")).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot read "), "{error}");
}

#[tokio::test]
async fn shipped_templates_are_clean() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/software");
    let rules = rules(tempfile::tempdir().unwrap().path());
    let mut count = 0;
    for entry in std::fs::read_dir(root).unwrap() {
        let file = entry.unwrap().path().join("template.yaml");
        if file.is_file() {
            assert_eq!(check(&rules, &file).await.unwrap(), []);
            count += 1;
        }
    }
    assert!(count > 0);
}
