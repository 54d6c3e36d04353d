//! Webhooks as they come in: who may, what twice, how many. What they lead to is tested with the portal around it.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::*;
use crate::catalog::CatalogConfig;
use crate::db::testing::{TestDatabase, database};
use crate::forge::{Forge, GitHub, GitHubConfig};

const SECRET: &str = "webhook secret";

async fn events(secret: Option<&str>) -> (TestDatabase, Events) {
    let database = database().await;
    let config: GitHubConfig = serde_json::from_value(json!({"host": "ghe.acme.example", "token": "x"})).unwrap();
    let forges = Forges::new([Arc::new(GitHub::new(&config).unwrap()) as Arc<dyn Forge>]);
    let pool = database.pool().clone();
    let catalog = Catalog::open(pool.clone(), forges.clone(), CatalogConfig::default()).await.unwrap();
    let config = json!({"modules": {"github": {"webhookSecret": secret}}});
    let events = Events::new(pool, forges, catalog, &serde_json::from_value(config).unwrap(), Vec::new());
    (database, events)
}

fn sign(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("sha256={}", hex::encode(hmac::sign(&key, body)))
}

async fn deliver(events: &Events, kind: &str, id: &str, payload: &Value) -> Result<Receipt, EventError> {
    let body = payload.to_string();
    let signature = sign(SECRET, body.as_bytes());
    let (signature, body) = (Some(signature.as_str()), body.as_bytes());
    events.take(Delivered { kind, id, signature, body, payload: body }).await
}

fn push(after: char) -> Value {
    json!({
        "ref": "refs/heads/main", "before": "a".repeat(40), "after": after.to_string().repeat(40),
        "repository": {"full_name": "acme/api", "default_branch": "main"}, "commits": [],
    })
}

#[tokio::test]
async fn only_what_is_signed_with_the_secret_is_taken() {
    let (_database, events) = events(Some(SECRET)).await;
    assert_eq!(deliver(&events, "ping", "1", &json!({"zen": "x"})).await.unwrap(), Receipt::Pong);
    let body = b"{}";
    let with = async |signature: Option<&str>| {
        let delivered = Delivered { kind: "ping", id: "1", signature, body, payload: body };
        events.take(delivered).await.unwrap_err()
    };
    assert!(matches!(with(None).await, EventError::Unsigned(_)));
    for wrong in [sign("other", body), sign(SECRET, b"[]"), "sha256=".to_owned(), sign(SECRET, body)[7..].to_owned()] {
        assert!(matches!(with(Some(&wrong)).await, EventError::WrongSignature(_)), "{wrong}");
    }
    let error = with(Some("sha256=00")).await.to_string();
    assert!(error.contains("`events.modules.github.webhookSecret`"), "{error}");
}

#[tokio::test]
async fn without_a_secret_nothing_is_taken() {
    let (_database, events) = events(None).await;
    let signature = sign("", b"{}");
    let delivered = Delivered { kind: "ping", id: "1", signature: Some(&signature), body: b"{}", payload: b"{}" };
    assert!(matches!(events.take(delivered).await, Err(EventError::NoSecret(_))));
}

#[tokio::test]
async fn a_delivery_is_taken_once_and_a_push_under_any_id() {
    let (database, events) = events(Some(SECRET)).await;
    assert_eq!(deliver(&events, "push", "1", &push('b')).await.unwrap(), Receipt::Taken);
    assert_eq!(deliver(&events, "push", "1", &push('b')).await.unwrap(), Receipt::Known);
    assert_eq!(deliver(&events, "push", "2", &push('b')).await.unwrap(), Receipt::Known);
    assert_eq!(deliver(&events, "push", "3", &push('c')).await.unwrap(), Receipt::Taken);
    // What happens twice may say the same.
    let team = json!({"action": "edited", "organization": {"login": "acme"}});
    assert_eq!(deliver(&events, "team", "4", &team).await.unwrap(), Receipt::Taken);
    assert_eq!(deliver(&events, "team", "5", &team).await.unwrap(), Receipt::Taken);
    // The process that took it has lost it; or has not.
    let age = "UPDATE webhook_delivery SET received_at = received_at - INTERVAL '1 hour' WHERE id IN ('1', '3')";
    sqlx::query(age).execute(database.pool()).await.unwrap();
    store::set_done(database.pool(), "3", Utc::now()).await.unwrap();
    assert_eq!(deliver(&events, "push", "1", &push('b')).await.unwrap(), Receipt::Taken);
    assert_eq!(deliver(&events, "push", "3", &push('c')).await.unwrap(), Receipt::Known);
}

#[tokio::test]
async fn what_has_no_place_is_refused_and_may_come_again() {
    let (database, events) = events(Some(SECRET)).await;
    let team = json!({"organization": {"login": "acme"}});
    let mut places = Vec::new();
    while let Ok(place) = events.inner.queue.try_reserve() {
        places.push(place);
    }
    assert_eq!(places.len(), QUEUE);
    assert!(matches!(deliver(&events, "team", "1", &team).await, Err(EventError::Full)));
    drop(places);
    assert_eq!(deliver(&events, "team", "1", &team).await.unwrap(), Receipt::Taken);
    events.sweep().await.unwrap();
    sqlx::query("UPDATE webhook_delivery SET received_at = NOW() - INTERVAL '8 days'")
        .execute(database.pool())
        .await
        .unwrap();
    events.sweep().await.unwrap();
    assert_eq!(deliver(&events, "team", "1", &team).await.unwrap(), Receipt::Taken);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let (_database, events) = events(Some(SECRET)).await;
    let refused = deliver(&events, "push", "1", &json!({})).await;
    assert!(matches!(refused, Err(EventError::Invalid(message)) if message.contains("missing field `ref`")));
    let refused = deliver(&events, "", "1", &json!({})).await;
    assert!(matches!(refused, Err(EventError::Invalid(message)) if message.contains("X-GitHub-Event")));
}
