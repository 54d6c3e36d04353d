//! Webhooks as they come in: who may, what twice, how many. What they lead to is tested with the portal around it.

use std::time::Duration;

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
    let waiting = store::claim(database.pool(), false, 10, Duration::ZERO).await.unwrap();
    assert_eq!(ids(&waiting), ["1", "3", "4", "5"]);
    // One had its effect, one was given up: that may come again.
    store::set_done(database.pool(), "3", Utc::now()).await.unwrap();
    store::set_failed(database.pool(), "1", "no luck", None).await.unwrap();
    assert_eq!(deliver(&events, "push", "3", &push('c')).await.unwrap(), Receipt::Known);
    assert_eq!(deliver(&events, "push", "6", &push('b')).await.unwrap(), Receipt::Taken);
    let waiting = store::claim(database.pool(), false, 10, Duration::ZERO).await.unwrap();
    assert_eq!(ids(&waiting), ["4", "5", "1"]);
    store::set_failed(database.pool(), "4", "no luck", None).await.unwrap();
    let figures = events.figures().await.unwrap();
    assert_eq!((figures.waiting, figures.lost, figures.error.as_deref()), (2, 1, Some("no luck")));
    assert!(figures.newest.is_some());
}

fn ids(claimed: &[store::Claimed]) -> Vec<&str> {
    claimed.iter().map(|one| one.id.as_str()).collect()
}

#[tokio::test]
async fn what_a_dead_process_had_in_hand_is_followed_by_the_next() {
    let (database, events) = events(Some(SECRET)).await;
    let team = json!({"organization": {"login": "acme"}});
    deliver(&events, "team", "1", &team).await.unwrap();
    let claim = async |lease| store::claim(database.pool(), false, 10, Duration::from_secs(lease)).await.unwrap();
    assert_eq!(claim(3600).await.len(), 1);
    assert!(claim(3600).await.is_empty(), "somebody has it in hand");
    // Whoever has it dies, and time passes.
    sqlx::query("UPDATE webhook_delivery SET claimed_until = NOW()").execute(database.pool()).await.unwrap();
    let again = claim(3600).await;
    assert_eq!((ids(&again), again[0].attempts), (vec!["1"], 2));
    // Whoever stops in order lets go of it at once.
    store::release(database.pool(), &["1".to_owned()]).await.unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(events.clone().run(stop.clone()));
    let done = "SELECT done_at IS NOT NULL AND told IS NULL FROM webhook_delivery WHERE id = '1'";
    let is_done = async || sqlx::query_scalar::<_, bool>(done).fetch_one(database.pool()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), async { while !is_done().await {} }).await.unwrap();
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn pull_requests_have_places_of_their_own() {
    let (database, events) = events(Some(SECRET)).await;
    let pull = json!({
        "action": "opened", "number": 1, "pull_request": {"head": {"sha": "a".repeat(40)}}, "repository": {"full_name": "acme/api"},
    });
    deliver(&events, "pull_request", "1", &pull).await.unwrap();
    deliver(&events, "push", "2", &push('b')).await.unwrap();
    let mut found = Vec::new();
    for pull_requests in [true, false] {
        let claimed = store::claim(database.pool(), pull_requests, 10, Duration::ZERO).await.unwrap();
        assert_eq!(claimed.len(), 1);
        found.push(serde_json::from_value::<Told>(claimed[0].told.0.clone()).unwrap());
    }
    let expected = Webhook::read("pull_request", pull.to_string().as_bytes()).unwrap().told;
    assert_eq!(found[0], expected, "what is stored is what was told");
    assert!(matches!(&found[1], Told::Push(push) if push.branch == "main"), "{found:?}");
}

#[tokio::test]
async fn what_has_no_place_is_refused_and_may_come_again() {
    let (database, events) = events(Some(SECRET)).await;
    let team = json!({"organization": {"login": "acme"}});
    sqlx::query(
        "INSERT INTO webhook_delivery (id, kind, host, told, received_at, due_at)
         SELECT 'x' || n, 'team', 'h', '{}', NOW(), NOW() FROM GENERATE_SERIES(1, $1) AS n",
    )
    .bind(QUEUE)
    .execute(database.pool())
    .await
    .unwrap();
    assert!(matches!(deliver(&events, "team", "1", &team).await, Err(EventError::Full)));
    store::set_done(database.pool(), "x1", Utc::now()).await.unwrap();
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
