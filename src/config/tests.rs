//! Reading, merging, substituting, refusing and masking.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::{Config, ConfigError, Loaded, load_in, redacted};

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Writes files into a fresh folder and loads those with a `.yaml` name that begins with `app-config`.
fn load(files: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    load_in(folder.path(), &[], &variables(environment))
}

fn document(text: &str, environment: &[(&str, &str)]) -> Value {
    load(&[("app-config.yaml", text)], environment).unwrap().document
}

fn failure(text: &str) -> String {
    load(&[("app-config.yaml", text)], &[]).unwrap_err().to_string()
}

#[test]
fn without_files_everything_has_its_default() {
    let loaded = load_in(Path::new("/nowhere"), &[], &BTreeMap::new()).unwrap();
    assert!(loaded.warnings.is_empty());
    assert_eq!(loaded.config.backend.listen.port, 7007);
    assert!(loaded.config.backend.listen.host.is_loopback());
    let names: Vec<&str> = loaded.config.environments.0.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["dev", "staging", "prod"]);
}

#[test]
fn later_files_win_key_by_key_and_lists_are_replaced() {
    let loaded = load(
        &[
            ("app-config.yaml", "app: {title: One, baseUrl: 'http://a'}\nenvironments: [{name: dev}, {name: prod}]"),
            ("app-config.local.yaml", "app: {title: Two}\nenvironments: [{name: live}]"),
        ],
        &[],
    )
    .unwrap();
    assert_eq!(loaded.config.app.title.as_deref(), Some("Two"));
    assert_eq!(loaded.document["app"]["baseUrl"], "http://a");
    assert_eq!(loaded.config.environments.0.len(), 1);
}

#[test]
fn variables_are_put_in() {
    let cases = [
        ("a: x${ONE}y", json!({"a": "x1y"})),
        ("a: ${ONE}${TWO}", json!({"a": "12"})),
        ("a: ${NONE:-else}", json!({"a": "else"})),
        ("a: ${EMPTY:-else}", json!({"a": "else"})),
        ("a: ${EMPTY}", json!({"a": ""})),
        ("a: x${NONE}\nb: 1", json!({"b": 1})),
        ("a: $${ONE}", json!({"a": "${ONE}"})),
        ("a: ${{ not ours }}", json!({"a": "${{ not ours }}"})),
        ("a: [x, '${NONE}', '${ONE}']", json!({"a": ["x", "1"]})),
        ("a: {$env: TWO}", json!({"a": "2"})),
        ("a: {$env: NONE}\nb: 1", json!({"b": 1})),
    ];
    for (text, expected) in cases {
        assert_eq!(document(text, &[("ONE", "1"), ("TWO", "2"), ("EMPTY", "")]), expected, "{text}");
    }
}

#[test]
fn an_undefined_variable_is_a_warning_that_names_the_key() {
    let loaded = load(&[("app-config.yaml", "app: {title: '${NONE}'}")], &[]).unwrap();
    assert!(loaded.warnings[0].contains("`app.title`") && loaded.warnings[0].contains("NONE"), "{:?}", loaded.warnings);
}

#[test]
fn files_and_parts_of_files_are_included() {
    let files = [
        ("app-config.yaml", "app: {title: {$file: title.txt}}\norganization: {$include: 'org.yaml#the.org'}"),
        ("title.txt", "Portal\n"),
        ("org.yaml", "the: {org: {name: '${NAME}'}}"),
    ];
    let loaded = load(&files, &[("NAME", "Acme")]).unwrap();
    assert_eq!(loaded.document, json!({"app": {"title": "Portal"}, "organization": {"name": "Acme"}}));
}

#[test]
fn app_config_variables_set_nested_keys() {
    let loaded = load(&[], &[("APP_CONFIG_backend_listen_port", "7010"), ("APP_CONFIG_app_title", "Portal")]).unwrap();
    assert_eq!(loaded.config.backend.listen.port, 7010);
    assert_eq!(loaded.config.app.title.as_deref(), Some("Portal"));
}

#[test]
fn addresses_are_read_in_all_of_backstages_forms() {
    let cases = [
        ("':7010'", "0.0.0.0:7010"),
        ("'127.0.0.1:7010'", "127.0.0.1:7010"),
        ("'localhost:7010'", "127.0.0.1:7010"),
        ("{port: 7010}", "127.0.0.1:7010"),
        ("{host: 0.0.0.0, port: '7010'}", "0.0.0.0:7010"),
        ("7010", "127.0.0.1:7010"),
        ("'[::1]:7010'", "[::1]:7010"),
    ];
    for (text, expected) in cases {
        let listen =
            load(&[("app-config.yaml", &format!("backend: {{listen: {text}}}"))], &[]).unwrap().config.backend.listen;
        assert_eq!(std::net::SocketAddr::new(listen.host, listen.port).to_string(), expected, "{text}");
    }
}

#[test]
fn errors_name_file_line_and_key() {
    assert!(failure("a: [1\nb: 2").contains("app-config.yaml:"));
    assert!(failure("a: 1\na: 2").contains(":2:"));
    assert!(failure("- 1").contains("must be a map"));
    assert!(failure("backend: {listen: {port: nope}}").contains("`backend.listen`"));
    assert!(failure("environments: [{cluster: local}]").contains("environments[0]"));
    assert!(failure("a: {$nope: x}").contains("`$nope` is not known"));
    assert!(failure("a: {$include: app-config.yaml}").contains("nested $include"));
}

#[test]
fn unknown_keys_warn_and_backstages_other_sections_do_not() {
    let text = "backend: {lisen: 1}\ntechdocs: {builder: local}\nintegrations: {github: []}\napp: {support: {url: x}}\nnonsense: 1";
    let warnings = load(&[("app-config.yaml", text)], &[]).unwrap().warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("`backend.lisen`") && warnings[1].contains("`nonsense`"), "{warnings:?}");
}

#[test]
fn secrets_are_masked_wherever_they_stand() {
    let document = json!({
        "integrations": {"github": [{"token": "ghp_x", "apps": [{"privateKey": "y", "webhookSecret": "z", "appId": 1}]}]},
        "backend": {"database": {"connection": "postgres://u:pa%20ss@h/d"}, "auth": {"externalAccess": [{"options": {"token": "t", "subject": "ci"}}]}},
        "pem": "-----BEGIN PRIVATE KEY-----\nabc",
        "title": "plain",
    });
    let text = redacted(&document).to_string();
    for secret in ["ghp_x", "\"y\"", "\"z\"", "pa%20ss", "\"t\"", "abc"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    for kept in ["postgres://u:<secret>@h/d", "\"appId\":1", "\"subject\":\"ci\"", "plain"] {
        assert!(text.contains(kept), "{kept} not in {text}");
    }
}

#[test]
fn the_parts_of_a_connection_make_a_url() {
    let text = "backend: {database: {client: pg, connection: {host: db, port: '5433', user: app, password: 'p@ss', database: portal}}}";
    let config: Config = load(&[("app-config.yaml", text)], &[]).unwrap().config;
    let Some(super::Connection::Parts(parts)) = config.backend.database.connection else { panic!("not read as parts") };
    assert_eq!(parts.url().unwrap().as_str(), "postgres://app:p%40ss@db:5433/portal");
}

#[test]
fn keys_of_our_own_providers_are_checked_and_those_of_others_are_accepted() {
    let text = "catalog:\n  providers:\n    github: { acme: { organization: acme } }\n    local:\n      all: { organisation: acme, filters: { topic: x } }";
    let warnings = load(&[("app-config.yaml", text)], &[]).unwrap().warnings;
    let told: Vec<&str> = warnings.iter().filter_map(|warning| warning.split('`').nth(1)).collect();
    assert_eq!(told, ["catalog.providers.local.all.organisation", "catalog.providers.local.all.filters.topic"]);
    let error = failure("catalog: { providers: { local: { all: { filters: { repository: '(' } } } } }");
    assert!(error.starts_with("configuration `catalog.providers.local.all.filters.repository`: "), "{error}");
}

#[test]
fn a_registry_of_no_known_kind_is_an_error_with_its_place() {
    let written = "registries: [{name: ghcr, kind: ghcr, owner: acme}, {name: quay, kind: quay, host: quay.io}]";
    let error = load(&[("app-config.yaml", written)], &[]).unwrap_err().to_string();
    assert_eq!(
        error,
        "configuration `registries[1].kind`: unknown variant `quay`, expected one of `ghcr`, `harbor`, `ecr`, `oci`"
    );
    let written = "registries: [{name: h, kind: harbor, url: https://h.acme.example, username: me, password: pw, pull: {token: t, user: me}}]";
    let loaded = load(&[("app-config.yaml", written)], &[]).unwrap();
    assert_eq!(loaded.config.registries.len(), 1);
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    assert!(
        loaded.warnings[0].contains("`registries.0.pull.") && loaded.warnings[0].contains(".user`"),
        "{:?}",
        loaded.warnings
    );
    let shown = redacted(&loaded.document).to_string();
    assert!(!shown.contains("\"pw\"") && !shown.contains("\"t\""), "{shown}");
}
