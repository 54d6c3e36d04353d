//! Addresses of repositories at different hosts, what authors allow of them, and tokens.

use serde_json::json;

use super::super::read::read;
use super::*;
use crate::entity::EntityRef;
use crate::scaffolder::form::EntityChoice;
use crate::scaffolder::schema::Schema;

/// Every host is configured.
struct Everywhere;

impl Directory for Everywhere {
    fn offers(&self, _: &EntityChoice, _: &EntityRef) -> bool {
        true
    }

    fn hosts(&self) -> Vec<String> {
        ["local", "example.com", "dev.azure.com", "bitbucket.org", "bitbucket.acme.example"].map(str::to_owned).into()
    }
}

fn page(field: &str, options: &Value) -> Page {
    let schema = json!({"properties": {"repo": {"type": "string", "title": "Repository", "ui:field": field, "ui:options": options}}});
    Page::new("Page".to_owned(), None, Schema::compile(&schema).unwrap())
}

fn map(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

#[test]
fn an_address_has_the_parts_of_its_host_and_only_what_is_allowed() {
    let options = json!({
        "allowedOwners": ["acme"], "allowedOrganizations": ["acme-corp"], "allowedProjects": ["SHOP", "PAY"],
        "allowedRepos": ["cart"],
    });
    let page = page("RepoUrlPicker", &options);
    let cases = [
        ("local?owner=acme&repo=cart", ""),
        ("local?owner=acme&repo=x", "must be cart, not `x`"),
        ("dev.azure.com?organization=acme-corp&project=SHOP&repo=cart", ""),
        // As templates of before projects have it.
        ("dev.azure.com?organization=acme-corp&owner=SHOP&repo=cart", ""),
        (
            "dev.azure.com?organization=else&project=SHOP&repo=cart",
            "must be in the organization acme-corp, not in `else`",
        ),
        (
            "dev.azure.com?organization=acme-corp&project=HR&repo=cart",
            "must be in the project SHOP or PAY, not in `HR`",
        ),
        (
            "dev.azure.com?organization=acme-corp&repo=cart",
            "names no project, which repositories at `dev.azure.com` have",
        ),
        ("bitbucket.org?workspace=acme&project=PAY&repo=cart", ""),
        ("bitbucket.org?workspace=x&project=PAY&repo=cart", "must be in the workspace acme, not in `x`"),
        ("bitbucket.acme.example?project=PAY&repo=cart", ""),
        ("bitbucket.acme.example?project=HR&repo=cart", "must be in the project SHOP or PAY, not in `HR`"),
    ];
    for (address, expected) in cases {
        let errors = super::super::check_page(&page, &map(json!({"repo": address})), &Everywhere);
        let told: Vec<String> = errors.iter().map(|error| error.message.replace("Repository ", "")).collect();
        assert_eq!(told.join("; "), expected, "{address}");
    }
}

#[test]
fn an_owner_is_one_that_is_allowed() {
    let cases = [
        (json!({"allowedOwners": ["acme"]}), "acme", ""),
        (json!({"allowedOwners": ["acme", "shop"]}), "else", "Repository must be acme or shop, not `else`"),
        (json!({"excludedOwners": ["acme"]}), "Acme", "Repository must not be `Acme`; choose another owner"),
        (json!({}), "anybody", ""),
    ];
    for (options, owner, expected) in cases {
        let page = page("RepoOwnerPicker", &options);
        let errors = super::super::check_page(&page, &map(json!({"repo": owner})), &Everywhere);
        assert_eq!(errors.first().map_or("", |error| &error.message), expected, "{options} {owner}");
    }
}

#[test]
fn only_the_parts_of_the_chosen_host_are_read() {
    let pairs = |host: &str| {
        let parts = ["organization", "workspace", "owner", "project", "repo"];
        let named = parts.map(|part| (format!("repo.{part}"), part.to_uppercase()));
        [vec![("repo.host".to_owned(), host.to_owned())], named.to_vec()].concat()
    };
    let cases = [
        ("local", "local?owner=OWNER&repo=REPO"),
        ("dev.azure.com", "dev.azure.com?organization=ORGANIZATION&project=PROJECT&repo=REPO"),
        ("bitbucket.org", "bitbucket.org?workspace=WORKSPACE&project=PROJECT&repo=REPO"),
        ("bitbucket.acme.example", "bitbucket.acme.example?project=PROJECT&repo=REPO"),
    ];
    for (host, expected) in cases {
        let read = read(&page("RepoUrlPicker", &json!({})), &Map::new(), &pairs(host));
        assert_eq!(read.values["repo"], expected, "{host}");
    }
}

#[test]
fn a_token_becomes_a_secret_and_stays_with_its_host() {
    let asking =
        json!({"requestUserCredentials": {"secretsKey": "USER_TOKEN", "additionalScopes": {"github": ["workflow"]}}});
    let page = page("RepoUrlPicker", &asking);
    let at = |host: &str| map(json!({"repo": format!("{host}?owner=acme&repo=cart")}));
    let posted = |before: &Map<String, Value>, host: &str, token: &str| {
        let pairs = [("repo.host", host), ("repo.owner", "acme"), ("repo.repo", "cart"), ("repo.token", token)];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let posted = read(&page, before, &pairs);
        assert!(!json!(posted.values).to_string().contains("hush"), "{:?}", posted.values);
        Value::Object(posted.secrets)
    };
    assert_eq!(posted(&Map::new(), "example.com", " hush "), json!({"USER_TOKEN": "hush"}));
    assert_eq!(posted(&at("example.com"), "example.com", ""), json!({}));
    assert_eq!(posted(&at("example.com"), "other.example", ""), json!({"USER_TOKEN": null}));
    assert_eq!(posted(&at("example.com"), "other.example", "hush"), json!({"USER_TOKEN": "hush"}));

    let missing = |host: &str, secrets: Value| {
        let errors = missing_tokens(&page, &at(host), &map(secrets));
        errors.iter().map(|error| error.message.clone()).collect::<Vec<_>>().join("; ")
    };
    let told = "Repository needs your token for example.com: the run acts there in your name";
    assert_eq!(missing("example.com", json!({})), told);
    assert_eq!(missing("example.com", json!({"USER_TOKEN": "hush"})), "");
    assert_eq!(missing("local", json!({})), "");

    let shown = super::super::show_given(&page, &at("example.com"), &map(json!({"USER_TOKEN": "hush"})), &[]);
    let FieldKind::RepoUrl(RepoChoice { token: Some(token), .. }) = &shown.fields[0].kind else { panic!("{shown:?}") };
    assert_eq!(*token, TokenRequest { key: "USER_TOKEN".to_owned(), scopes: vec!["workflow".to_owned()], given: true });
}
