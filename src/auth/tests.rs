//! Sessions, tokens and the guest against a real Postgres.

use chrono::Utc;
use serde_json::json;

use super::*;
use crate::db::Reach;
use crate::db::testing::{TestDatabase, database};

/// One user in one group; nobody else.
struct Acme;

impl Directory for Acme {
    fn title(&self, user: &EntityRef) -> Option<String> {
        (user.name() == "guest").then(|| "Guest of Acme".to_owned())
    }

    fn relations(&self, user: &EntityRef) -> Vec<Relation> {
        let relation = |(kind, target): (&str, &str)| Relation { kind: kind.to_owned(), target: target.to_owned() };
        let all = [("memberOf", "group:default/platform"), ("ownerOf", "component:default/x")].map(relation);
        if user.name() == "guest" { all.into() } else { Vec::new() }
    }
}

fn config(yaml: &str) -> AuthConfig {
    let providers = serde_yaml::from_str::<Option<Providers>>(yaml).unwrap();
    let issuer = "http://localhost:7007/api/auth".to_owned();
    AuthConfig { providers, backend: BackendAuth::default(), issuer, loopback: true, session_duration: None }
}

async fn auth(database: &TestDatabase, config: AuthConfig) -> Auth {
    Auth::open(database.pool().clone(), config, Acme, Reach::default()).await.unwrap()
}

#[test]
fn the_guest_is_offered_on_loopback_or_on_purpose() {
    let cases = [
        ("~", true, true),
        ("~", false, false),
        ("guest: {}", true, true),
        ("guest: {}", false, false),
        ("guest: { dangerouslyAllowOutsideDevelopment: true }", false, true),
        ("github: {}", true, false),
    ];
    let pool = sqlx::postgres::PgPoolOptions::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pool = runtime.block_on(async { pool.connect_lazy("postgres://nowhere.invalid/x").unwrap() });
    for (yaml, loopback, expected) in cases {
        let config = AuthConfig { loopback, ..config(yaml) };
        let directory: Box<dyn Directory> = Box::new(Acme);
        let (keys, remembered) = (keys::Keys::default(), remembered::Remembered::default());
        let verified = verified::VerifiedTokens::default();
        let reach = Reach::default();
        let auth = Auth(Arc::new(Inner { pool: pool.clone(), config, directory, keys, verified, remembered, reach }));
        assert_eq!(auth.guest_offered(), expected, "{yaml} on loopback: {loopback}");
    }
}

#[tokio::test]
async fn a_session_lasts_until_it_is_ended() {
    let database = database().await;
    let auth = auth(&database, config("~")).await;
    let signed_in = auth.sign_in_guest().await.unwrap();
    assert_eq!(signed_in.token.len(), 64);

    let session = auth.session(&signed_in.token).await.unwrap().unwrap();
    assert_eq!(session.name, "Guest of Acme");
    let owns = session.credentials.ownership().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(owns, ["user:default/guest", "group:default/platform"]);
    let other = auth.sign_in_guest().await.unwrap();
    let other_session = auth.session(&other.token).await.unwrap().unwrap();
    assert_ne!(other_session.csrf, session.csrf);

    auth.sign_out(&signed_in.token).await.unwrap();
    assert!(auth.session(&signed_in.token).await.unwrap().is_none());
    assert!(auth.session(&other.token).await.unwrap().is_some());
    assert!(auth.session("").await.unwrap().is_none());
}

#[tokio::test]
async fn the_cookie_is_not_in_the_database() {
    let database = database().await;
    let auth = auth(&database, config("~")).await;
    let signed_in = auth.sign_in_guest().await.unwrap();
    let rows: Vec<String> =
        sqlx::query_scalar("SELECT auth_sessions::text || encode(token_hash, 'escape') FROM auth_sessions")
            .fetch_all(database.pool())
            .await
            .unwrap();
    assert_eq!(rows.len(), 1);
    assert!(!rows[0].contains(&signed_in.token));
}

#[tokio::test]
async fn an_expired_session_is_none_and_is_swept() {
    let database = database().await;
    let auth = auth(&database, config("~")).await;
    let kept = auth.sign_in_guest().await.unwrap();
    let expired = auth.sign_in_guest().await.unwrap();
    store::extend_session(database.pool(), &sessions::hash(&expired.token), Utc::now()).await.unwrap();
    assert!(auth.session(&expired.token).await.unwrap().is_none());
    auth.sweep().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM auth_sessions").fetch_one(database.pool()).await.unwrap();
    assert_eq!(left, 1);
    assert!(auth.session(&kept.token).await.unwrap().is_some());
}

#[tokio::test]
async fn a_token_is_good_on_every_replica_and_after_a_restart() {
    let database = database().await;
    let issued = auth(&database, config("~")).await.issue_guest().await.unwrap();
    let other = auth(&database, config("~")).await;
    let credentials = other.authenticate(&issued.token, "catalog").await.unwrap();
    assert_eq!(credentials.user_ref().unwrap().to_string(), "user:default/guest");
    assert_eq!(credentials.ownership().len(), 2);
    assert_eq!(other.key_set().await.unwrap()["keys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_has_the_form_of_backstage() {
    let database = database().await;
    let auth = auth(&database, config("~")).await;
    let issued = auth.issue_guest().await.unwrap();
    let part = |index: usize| -> serde_json::Value {
        use base64::Engine as _;
        let part = issued.token.split('.').nth(index).unwrap();
        serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let (header, payload) = (part(0), part(1));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("vnd.backstage.user"), &json!("ES256")));
    let keys = auth.key_set().await.unwrap();
    let names = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(header["kid"], keys["keys"][0]["kid"]);
    assert_eq!(names(&payload), ["iss", "sub", "aud", "iat", "exp", "uip"]);
    assert_eq!(payload["exp"].as_i64().unwrap() - payload["iat"].as_i64().unwrap(), 3600);
    let mut key = names(&keys["keys"][0]);
    key.sort();
    assert_eq!(key, ["alg", "crv", "kid", "kty", "x", "y"]);
}

#[tokio::test]
async fn tokens_that_are_not_ours_are_refused() {
    let database = database().await;
    let auth = auth(&database, config("~")).await;
    let good = auth.issue_guest().await.unwrap().token;
    let elsewhere = AuthConfig { issuer: "http://elsewhere.example/api/auth".to_owned(), ..config("~") };
    let foreign = self::auth(&database, elsewhere).await.issue_guest().await.unwrap().token;
    let (body, _) = good.rsplit_once('.').unwrap();
    let (_, other_signature) = foreign.rsplit_once('.').unwrap();
    let unsigned = "eyJ0eXAiOiJ2bmQuYmFja3N0YWdlLnVzZXIiLCJhbGciOiJub25lIn0.e30.";
    for token in ["", "x", "a.b.c", unsigned, &foreign, &format!("{body}.{other_signature}"), &format!("{body}.")] {
        let refused = auth.authenticate(token, "catalog").await.unwrap_err();
        assert!(matches!(refused, AuthError::IllegalToken), "{token}: {refused}");
    }
}

#[tokio::test]
async fn a_static_token_stands_for_a_service_within_its_plugins() {
    let database = database().await;
    let backend: BackendAuth = serde_yaml::from_str(
        "externalAccess:\n- type: static\n  options: { token: open-sesame, subject: ci }\n  accessRestrictions: [{ plugin: catalog }]\n",
    )
    .unwrap();
    assert!(!format!("{backend:?}").contains("sesame"));
    let auth = auth(&database, AuthConfig { backend, ..config("~") }).await;
    let caller = auth.authenticate("open-sesame", "catalog").await.unwrap();
    assert_eq!(caller, Credentials::service("external:ci"));
    assert!(auth.authenticate("open-sesame", "scaffolder").await.is_err());
    assert!(auth.authenticate("open-sesam", "catalog").await.is_err());
}
