//! The database goes away and comes back: a real Postgres that is stopped and started again.

use axum::http::StatusCode;
use futures_util::StreamExt as _;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::client::{Answer, Options, TestApp};
use crate::catalog::{Catalog, CatalogConfig, FeedEvent, Following};
use crate::db::Probe;
use crate::db::testing::Restartable;
use crate::forge::Forges;
use crate::permission::Credentials;

const ENTITY: &str = "/api/catalog/entities/by-name/component/default/pay";

fn document(owner: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: pay }}\n\
         spec: {{ type: service, lifecycle: production, owner: {owner} }}\n"
    )
}

struct Outage {
    database: Restartable,
    app: TestApp,
    probe: Probe,
    folder: tempfile::TempDir,
    _stop: tokio_util::sync::DropGuard,
}

impl Outage {
    async fn prepare() -> Self {
        let database = Restartable::start().await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pay.yaml"), document("team-a")).unwrap();
        let app =
            TestApp::on(database.pool().clone(), Options { catalog: config(&folder), ..Options::default() }).await;
        app.state.catalog.read_due().await.unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(app.state.catalog.clone().run(stop.clone()));
        Self { database, app, probe: Probe::default(), folder, _stop: stop.drop_guard() }
    }

    async fn look(&mut self) {
        self.app.state.site.reach.ask(self.database.pool(), &mut self.probe).await;
    }

    async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.app.request("GET", path, &[("cookie", cookie)], "").await
    }
}

fn config(folder: &tempfile::TempDir) -> CatalogConfig {
    let target = folder.path().join("pay.yaml");
    serde_json::from_value(json!({ "locations": [{ "type": "file", "target": target }] })).unwrap()
}

#[tokio::test]
async fn reads_go_on_from_memory_and_writes_wait_for_the_database() {
    let mut outage = Outage::prepare().await;
    let (kept, _) = outage.app.enter().await;
    let (ended, csrf) = outage.app.enter().await;
    let bearer = outage.app.bearer().await;
    let token = [("authorization", bearer.as_str())];
    outage.look().await;
    let before = outage.get(ENTITY, &kept).await;
    assert_eq!((before.status, before.header("greenroom-stale-since")), (StatusCode::OK, ""));
    assert!(!outage.get("/catalog", &kept).await.text.contains("cannot be reached"));

    outage.database.stop().await;
    outage.look().await;
    for path in
        [ENTITY, "/api/catalog/entities", "/api/catalog/entities/by-query", "/api/catalog/entity-facets?facet=kind"]
    {
        for headers in [[("cookie", kept.as_str())], token] {
            let answer = outage.app.request("GET", path, &headers, "").await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
            assert!(answer.header("greenroom-stale-since").ends_with('Z'), "{path}");
        }
    }
    assert_eq!(outage.get(ENTITY, &kept).await.text, before.text);
    for path in ["/", "/catalog", "/catalog/default/component/pay", "/create", "/status"] {
        let page = outage.get(path, &kept).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        assert!(page.text.contains("The database cannot be reached since"), "{path}");
    }
    let history = outage.get("/catalog/default/component/pay/history", &kept).await;
    assert_eq!((history.status, history.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));

    let location = json!({ "type": "url", "target": "https://example.com/catalog-info.yaml" });
    let write = outage.app.post_json("/api/catalog/locations", &token, &location).await;
    assert_eq!((write.status, write.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));
    assert_eq!(write.json()["error"]["name"], "ServiceUnavailableError");
    let refresh = json!({ "entityRef": "component:default/pay" });
    let refresh = outage.app.post_json("/api/catalog/refresh", &token, &refresh).await;
    assert_eq!(refresh.status, StatusCode::SERVICE_UNAVAILABLE);
    let tasks = outage.app.request("GET", "/api/scaffolder/v2/tasks", &token, "").await;
    assert_eq!(tasks.status, StatusCode::SERVICE_UNAVAILABLE, "{}", tasks.text);
    let ready = outage.app.get("/.backstage/health/v1/readiness").await;
    assert_eq!(
        (ready.status, &ready.json()["degraded"]["database"]["status"]),
        (StatusCode::OK, &json!("unreachable"))
    );

    let form = [("cookie", ended.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let left = outage.app.request("POST", "/sign-out", &form, format!("csrf={csrf}")).await;
    assert_eq!(left.status, StatusCode::SEE_OTHER, "{}", left.text);
    let stranger = outage.get("/catalog", "greenroom=0000").await;
    assert_eq!(stranger.status, StatusCode::SERVICE_UNAVAILABLE);

    outage.database.start_again().await;
    outage.look().await;
    let after = outage.get(ENTITY, &kept).await;
    assert_eq!((after.text, after.headers.contains_key("greenroom-stale-since")), (before.text, false));
    // What was ended meanwhile stays so, here at once, and everywhere when the database was told.
    assert_eq!(outage.get("/catalog", &ended).await.status, StatusCode::SEE_OTHER);
    outage.app.state.auth.sweep().await.unwrap();
    assert_eq!(outage.get("/catalog", &ended).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn what_others_changed_meanwhile_arrives_by_itself() {
    let mut outage = Outage::prepare().await;
    let mut advanced = outage.app.state.catalog.watch();
    let who = Credentials::anonymous();
    let mut feed = Box::pin(outage.app.state.catalog.feed(&who, Following::default()));
    outage.database.stop().await;
    outage.database.start_again().await;
    advanced.mark_unchanged();

    std::fs::write(outage.folder.path().join("pay.yaml"), document("team-b")).unwrap();
    let other = Catalog::open(outage.database.pool().clone(), Forges::default(), config(&outage.folder)).await.unwrap();
    other.refresh(&Credentials::anonymous(), &"component:default/pay".parse().unwrap()).await.unwrap();
    let owner = || {
        let entity =
            outage.app.state.catalog.entity(&Credentials::anonymous(), &"component:default/pay".parse().unwrap());
        entity.unwrap().entity().text(&["spec", "owner"]).unwrap().to_owned()
    };
    while owner() != "team-b" {
        advanced.changed().await.unwrap();
    }
    // Who followed before the outage follows on.
    match feed.next().await {
        Some(FeedEvent::Change(change)) => assert_eq!(change.reference, "component:default/pay"),
        other => panic!("{other:?}"),
    }
}
