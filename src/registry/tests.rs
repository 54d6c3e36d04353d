//! Registries against a real one with passwords and against the model of Harbor; tables of names and errors.

mod harbor;
mod images;
mod odd;
mod refusals;

use secrecy::SecretString;
use serde_json::{Value, json};

use super::testing::registries;
use super::{ImageName, Registries, Registry, RegistryConfig, split_image};

/// The only registry of an entry.
fn only(entry: &Value) -> Registry {
    registries(std::slice::from_ref(entry)).all()[0].clone()
}

fn name(path: &str) -> ImageName {
    ImageName::parse(path).unwrap()
}

/// A name that no other test has.
fn own(base: &str) -> String {
    format!("{base}-{}", uuid::Uuid::new_v4().simple())
}

fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

#[test]
fn names_of_images_are_those_of_the_distribution_api() {
    let cases = [
        ("acme/web", true),
        ("/acme/web/", true),
        ("acme/team-a/web_1.x", true),
        ("web", true),
        ("Acme/web", false),
        ("acme//web", false),
        ("acme/-web", false),
        ("acme/../web", false),
        ("", false),
        ("acme/web:1.0", false),
    ];
    for (path, expected) in cases {
        assert_eq!(ImageName::parse(path).is_ok(), expected, "{path}");
    }
    assert_eq!((name("a/b/c").project(), name("a/b/c").within()), (Some("a"), "b/c"));
    let cases = [
        ("harbor.acme.example/acme/web:1.0", Some(("harbor.acme.example", "acme/web"))),
        ("localhost:5000/web@sha256:abc", Some(("localhost:5000", "web"))),
        ("ghcr.io/acme/web", Some(("ghcr.io", "acme/web"))),
        ("acme/web:1.0", None),
        ("nginx", None),
    ];
    for (image, expected) in cases {
        let expected = expected.map(|(host, path)| (host, name(path)));
        assert_eq!(split_image(image), expected, "{image}");
    }
}

#[test]
fn a_configuration_that_cannot_be_used_says_why() {
    let open = |entry: Value| {
        let config: RegistryConfig = serde_json::from_value(entry).map_err(|error| error.to_string())?;
        Registries::open(&[config]).map(drop)
    };
    let cases = [
        (
            json!({"name": "a", "kind": "quay", "url": "https://quay.io"}),
            "unknown variant `quay`, expected one of `ghcr`, `harbor`, `ecr`, `oci`",
        ),
        (json!({"name": "a", "kind": "oci"}), "needs a `url`"),
        (json!({"name": " ", "kind": "ghcr"}), "`name` is empty"),
        (json!({"name": "a", "kind": "oci", "url": "https://x", "host": "x"}), "leave one out"),
        (json!({"name": "a", "kind": "oci", "url": "ftp://x"}), "neither https:// nor http://"),
        (json!({"name": "a", "kind": "oci", "url": "https://x/acme"}), "has a path"),
        (json!({"name": "a", "kind": "oci", "url": "https://me:pw@x"}), "belongs in `username` and `password`"),
        (json!({"name": "a", "kind": "oci", "url": "https://x", "username": "me"}), "without a `password`"),
        (json!({"name": "a", "kind": "oci", "url": "https://x", "password": "pw"}), "without a `username`"),
        (
            json!({"name": "a", "kind": "oci", "url": "https://x", "username": "me", "password": "pw", "token": "t"}),
            "both `password` and `token`",
        ),
    ];
    for (entry, expected) in cases {
        let told = open(entry.clone()).unwrap_err();
        assert!(told.contains(expected), "{entry}: {told}");
        assert!(!told.contains("pw"), "{told}");
    }
    assert!(open(json!({"name": "a", "kind": "ghcr", "token": "t", "owner": "acme"})).is_ok());
    assert!(open(json!({"name": "a", "kind": "oci", "host": "quay.io"})).is_ok());
    let twice = |name: &str| serde_json::from_value(json!({"name": name, "kind": "ghcr"})).unwrap();
    let told = Registries::open(&[twice("a"), twice("a")]).unwrap_err();
    assert_eq!(told, "[1]: there are two registries `a`");
}

#[test]
fn a_registry_is_found_by_name_by_host_or_because_it_is_the_only_one() {
    let one = json!({"name": "harbor", "kind": "harbor", "url": "https://harbor.acme.example:8443/"});
    let two = json!({"name": "ghcr", "kind": "ghcr", "owner": "acme"});
    let alone = registries(std::slice::from_ref(&one));
    assert_eq!(alone.get("").unwrap().host(), "harbor.acme.example:8443");
    let both = registries(&[one, two]);
    assert_eq!(both.get("ghcr").unwrap().host(), "ghcr.io");
    assert_eq!(both.by_host("ghcr.io").unwrap().name(), "ghcr");
    let told = both.get("").unwrap_err().to_string();
    assert_eq!(told, "say which `registry`; there are `harbor`, `ghcr`. Registries stand in `registries`");
    let told = Registries::default().get("x").unwrap_err().to_string();
    assert_eq!(told, "registry `x` is not configured; there is none. Registries stand in `registries`");
}
