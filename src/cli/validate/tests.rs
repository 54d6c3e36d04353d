//! What `greenroom validate` says about files.

use std::collections::BTreeMap;

use tempfile::TempDir;

use super::*;

const MODEL: &str = "catalog:\n  model:\n    kinds:\n      - kind: Cluster\n        apiVersions: [acme.example/v1]\n        schema:\n          type: object\n          required: [region]\n        relationFields:\n          - path: spec.owner\n            relation: ownedBy\n            reverse: ownerOf\n            defaultKind: Group\n            allowedKinds: [Group]\n";

/// A folder with a configuration and one descriptor, and rules from that configuration.
struct Case {
    folder: TempDir,
    rules: Rules,
}

impl Case {
    fn new(configuration: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("app-config.yaml"), configuration).unwrap();
        let loaded = crate::config::load_in(folder.path(), &[], &BTreeMap::new()).unwrap();
        // The program does this once at its start; a second time is not an error that matters here.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Self { folder, rules: rules(&loaded.config).unwrap() }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// `line:column message` of every error.
    async fn errors(&self, text: &str) -> Vec<String> {
        let file = self.folder.path().join("catalog-info.yaml");
        let mut shown = Vec::new();
        for document in yaml::documents(text) {
            let mut errors = self.rules.check(document, text, &file, Care::Portal).await.unwrap();
            errors.retain(|found| found.severity == Severity::Error);
            shown.extend(errors.iter().map(|found| format!("{}:{} {}", found.line, found.column, found.message)));
        }
        shown
    }
}

fn cluster(spec: &str) -> String {
    format!("apiVersion: acme.example/v1\nkind: Cluster\nmetadata:\n  name: east\nspec: {spec}\n")
}

fn api(definition: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata:\n  name: pay\nspec:\n  type: openapi\n  lifecycle: production\n  owner: team\n  definition:\n    {definition}\n"
    )
}

#[tokio::test]
async fn kinds_of_the_configuration_are_known() {
    let case = Case::new(MODEL);
    assert_eq!(case.errors(&cluster("{region: eu, owner: team}")).await, Vec::<String>::new());
    let missing = case.errors(&cluster("{owner: team}")).await;
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert!(missing[0].starts_with("5:1 ") && missing[0].ends_with("\"region\" is a required property"), "{missing:?}");
    let wrong = case.errors(&cluster("{region: eu, owner: user:ada}")).await;
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(wrong[0].starts_with("5:20 "), "{wrong:?}");
    let unknown = Case::new("{}").errors(&cluster("{region: eu}")).await;
    assert!(unknown[0].starts_with("2:1 InputError: No processor recognized the entity cluster:default/east"));
}

#[tokio::test]
async fn placeholders_are_read_beside_the_file() {
    let case = Case::new("{}");
    case.write("pay.yaml", "openapi: 3.1.0\n");
    assert_eq!(case.errors(&api("$text: ./pay.yaml")).await, Vec::<String>::new());
    let gone = case.errors(&api("$text: ./gone.yaml")).await;
    assert_eq!(gone.len(), 1, "{gone:?}");
    assert!(gone[0].starts_with("9:3 ") && gone[0].contains("could not read location ./gone.yaml"), "{gone:?}");
    let list = case.errors(&api("$yaml: ./pay.yaml")).await;
    assert!(list[0].starts_with("9:3 ") && list[0].contains("/spec/definition must be string"), "{list:?}");
    let foreign = case.errors(&api("$text: https://elsewhere.example/pay.yaml")).await;
    assert!(foreign[0].contains("backend.reading.allow"), "{foreign:?}");
}
