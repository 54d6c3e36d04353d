//! What a registry says, as a sentence that says what to do.

use http::StatusCode;
use serde_json::json;

use super::{name, only, own, secret};
use crate::registry::error::Refusal;
use crate::registry::testing::plain;
use crate::registry::{Login, RegistryError};

#[test]
fn a_refusal_says_what_is_wrong_with_which_registry() {
    let refusal = |who| Refusal {
        registry: "acme",
        who,
        doing: "push acme/web:1",
        what: "image acme/web",
        retry_after: Some("30"),
    };
    let said = |message: &str| json!({"errors": [{"code": "X", "message": message}]}).to_string();
    let cases = [
        (
            401,
            String::new(),
            "registry `acme` does not accept the credentials of ci: they are wrong or have expired; change them in `registries`",
        ),
        (
            403,
            said("forbidden"),
            "registry `acme` does not allow ci to push acme/web:1; let it, or configure an account that may",
        ),
        (
            403,
            said("denied: read only"),
            "registry `acme` does not allow ci to push acme/web:1 (denied: read only); let it, or configure an account that may",
        ),
        (
            403,
            said("will exceed the upper limit"),
            "a quota of registry `acme` does not allow it to push acme/web:1: will exceed the upper limit",
        ),
        (404, String::new(), "registry `acme` has no image acme/web"),
        (409, said("the project exists"), "registry `acme` cannot push acme/web:1: the project exists"),
        (412, said("the tag is immutable"), "registry `acme` cannot push acme/web:1: the tag is immutable"),
        (400, said("bad name"), "registry `acme` refuses to push acme/web:1: bad name"),
        (405, String::new(), "registry `acme` does not let anybody push acme/web:1; do it with its own tools"),
        (429, String::new(), "registry `acme` takes no more requests for now; it says to come back in 30 s"),
        (500, "<html>".to_owned(), "registry `acme` failed to push acme/web:1: HTTP 500 Internal Server Error"),
    ];
    for (status, body, expected) in cases {
        let told = refusal(Some("ci")).told(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        assert_eq!(told.to_string(), expected);
    }
    let told = refusal(None).told(StatusCode::UNAUTHORIZED, b"");
    assert!(told.to_string().contains("wants to know who asks"), "{told}");
}

#[tokio::test]
async fn a_registry_that_is_away_says_how() {
    let at = |url: &str| only(&json!({"name": "acme", "kind": "oci", "url": url}));
    let nobody = at("http://registry.invalid").check().await.unwrap_err();
    assert_eq!(nobody.to_string(), "registry `acme` cannot be reached: there is no host of that name");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = at(&format!("http://{closed}")).check().await.unwrap_err();
    assert_eq!(refused.to_string(), "registry `acme` cannot be reached: nothing listens at its address");
}

#[tokio::test]
async fn a_registry_takes_nobody_it_does_not_know() {
    let Some(program) = plain() else { return };
    let stranger = only(&program.entry("oci", "ci", "not-the-password"));
    assert!(matches!(stranger.check().await.unwrap_err(), RegistryError::Credentials { who, .. } if who == "ci"));
    let nobody = only(&json!({"name": "acme", "kind": "oci", "url": program.told("url")}));
    assert!(matches!(nobody.check().await.unwrap_err(), RegistryError::Anonymous { .. }));
    let known = only(&program.own_entry("oci"));
    let image = name(&own("acme/nothing"));
    assert_eq!(known.tags(&image).await.unwrap_err().to_string(), format!("registry `acme` has no image {image}"));
}

#[test]
fn passwords_stand_in_no_text() {
    let login = Login { username: "ci".to_owned(), password: secret("push-secret") };
    let entry = json!({"name": "acme", "kind": "oci", "url": "https://x", "username": "ci", "password": "push-secret"});
    let config: crate::registry::RegistryConfig = serde_json::from_value(entry.clone()).unwrap();
    for told in [format!("{login:?}"), format!("{config:?}"), format!("{:?}", only(&entry))] {
        assert!(!told.contains("push-secret"), "{told}");
    }
}
