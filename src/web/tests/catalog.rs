//! The catalog's API where it is our own, or was not recorded: history, feed, unprocessed entities, conditional requests.

mod documents;
mod locations;
mod quick;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Answer, Options, TestApp};
use crate::auth::BackendAuth;
use crate::catalog::CatalogConfig;
use crate::forge::testing::{new_commit, new_repository, tree};
use crate::forge::{Forge as _, NewRepository, Parent, RepositoryId};

struct Portal {
    app: TestApp,
    folder: TempDir,
}

fn component(name: &str, owner: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: {name} }}\n\
         spec: {{ type: service, lifecycle: production, owner: {owner} }}\n"
    )
}

impl Portal {
    /// An open portal over some files.
    async fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let location = json!({ "type": "file", "target": folder.path().join("*.yaml") });
        Self::over(folder, location).await
    }

    /// An open portal over one configured location.
    async fn over(folder: TempDir, location: Value) -> Self {
        let catalog = json!({ "locations": [location] });
        let catalog: CatalogConfig = serde_json::from_value(catalog).unwrap();
        let backend: BackendAuth = serde_yaml::from_str("dangerouslyDisableDefaultAuthPolicy: true").unwrap();
        let app = TestApp::start_with(Options { backend, catalog, ..Options::default() }).await;
        app.state.catalog.read_due().await.unwrap();
        Self { app, folder }
    }

    async fn get(&self, path: &str) -> Answer {
        self.app.get(&format!("/api/catalog{path}")).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.app.post_json(&format!("/api/catalog{path}"), &[], body).await
    }

    async fn write(&self, name: &str, text: &str, reference: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        let answer = self.post("/refresh", &json!({ "entityRef": reference })).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }

    /// A repository of the local forge with one commit; gives the address of a file in it.
    async fn repository(&self, name: &str, description: &str, files: &[(&str, &str)]) -> String {
        let id: RepositoryId = name.parse().unwrap();
        let forge = &self.app.state.forge;
        let new = NewRepository { description: description.to_owned(), ..new_repository(&id) };
        forge.create(new).await.unwrap();
        let commit = new_commit("main", Parent::Root, tree(files), "First");
        forge.commit(&id, commit).await.unwrap();
        format!("https://local/{name}")
    }
}

#[tokio::test]
async fn the_history_tells_each_change_with_its_difference() {
    let portal = Portal::with(&[("a.yaml", &component("pay", "team-a"))]).await;
    portal.write("a.yaml", &component("pay", "team-b"), "component:default/pay").await;
    portal.write("a.yaml", &component("other", "team-b"), "component:default/pay").await;
    let path = "/entities/by-name/component/default/pay/history";
    let history = portal.get(path).await.json();
    let items = history["items"].as_array().unwrap();
    let operations: Vec<_> = items.iter().map(|item| item["operation"].as_str().unwrap()).collect();
    assert_eq!(operations, ["delete", "update", "insert"]);
    assert_eq!(items[1]["diff"]["patch"], json!([{ "op": "replace", "path": "/spec/owner", "value": "team-b" }]));
    let text = items[1]["diff"]["text"].as_str().unwrap();
    assert!(text.contains("-  owner: team-a\n+  owner: team-b\n"), "{text}");
    assert_eq!(
        (&items[1]["entity"]["spec"]["owner"], &items[1]["entityRef"]),
        (&json!("team-b"), &json!("component:default/pay"))
    );
    assert!(items[0].get("diff").is_none() && items[2].get("diff").is_none());

    let mut seen = Vec::new();
    let mut next = format!("{path}?limit=1");
    loop {
        let page = portal.get(&next).await.json();
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["pageInfo"]["nextCursor"].as_str() else { break };
        next = format!("{path}?limit=1&cursor={cursor}");
    }
    assert_eq!(&seen, items);
    for (query, status) in [("?limit=0", 400), ("?limit=1000", 400), ("?cursor=x", 400), ("?nope=1", 400)] {
        assert_eq!(portal.get(&format!("{path}{query}")).await.status.as_u16(), status, "{query}");
    }
    assert_eq!(portal.get("/entities/by-name/component/default/never/history").await.status, StatusCode::NOT_FOUND);
}

/// The events of a stream until `count` came.
async fn events(portal: &Portal, path: &str, headers: &[(&str, &str)], count: usize) -> Vec<(String, Value)> {
    let request = headers
        .iter()
        .fold(Request::get(format!("/api/catalog{path}")), |request, (name, value)| request.header(*name, *value));
    let response =
        tower::ServiceExt::oneshot(portal.app.router.clone(), request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut frames = response.into_body().into_data_stream();
    let mut found = Vec::new();
    while found.len() < count {
        let Some(frame) = frames.next().await else { break };
        let text = String::from_utf8(frame.unwrap().to_vec()).unwrap();
        for event in text.split("\n\n").filter(|event| event.contains("data: ")) {
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            found.push((
                format!("{}{}", field("event: "), field("id: ")),
                serde_json::from_str(field("data: ")).unwrap(),
            ));
        }
    }
    found
}

#[tokio::test]
async fn changes_are_followed_from_any_place() {
    let portal =
        Portal::with(&[("a.yaml", &component("pay", "team-a")), ("b.yaml", &component("web", "team-a"))]).await;
    let start = portal.app.state.catalog.version();
    portal.write("a.yaml", &component("pay", "team-b"), "component:default/pay").await;
    portal.write("b.yaml", &component("shop", "team-a"), "component:default/web").await;
    let all = events(&portal, &format!("/events?after={start}"), &[], 3).await;
    let told: Vec<_> = all
        .iter()
        .map(|(_, data)| (data["operation"].as_str().unwrap(), data["entityRef"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("update", "component:default/pay"),
            ("insert", "component:default/shop"),
            ("delete", "component:default/web"),
        ]
    );
    assert_eq!(all[0].0, (start + 1).to_string());
    assert_eq!(all[0].1["entity"]["spec"]["owner"], "team-b");
    assert!(all[2].1.get("entity").is_none());
    // The header of a browser that comes back counts.
    let rest = events(&portal, "/events?after=0", &[("last-event-id", &(start + 2).to_string())], 1).await;
    assert_eq!(rest[0], all[2]);
    // What left the filter, or was in it when it was deleted, is told too.
    let filtered = |filter: &str| format!("/events?after={start}&filter={filter}");
    let by_owner = events(&portal, &filtered("spec.owner%3Dteam-a"), &[], 3).await;
    assert_eq!(by_owner, all);
    let by_name = events(&portal, &filtered("metadata.name%3Dweb"), &[], 1).await;
    assert_eq!(by_name[0], all[2]);
    // Live: from now on.
    let (live, ()) = tokio::join!(events(&portal, "/events", &[], 1), async {
        tokio::task::yield_now().await;
        portal.write("b.yaml", &component("shop", "team-c"), "component:default/shop").await;
    });
    assert_eq!(live[0].1["entity"]["spec"]["owner"], "team-c");
    for query in ["after=x", "filter=", "nope=1"] {
        assert_eq!(portal.get(&format!("/events?{query}")).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn a_place_that_the_log_does_not_know_is_told() {
    let portal = Portal::with(&[("a.yaml", &component("pay", "team-a"))]).await;
    portal.write("a.yaml", &component("pay", "team-b"), "component:default/pay").await;
    let now = portal.app.state.catalog.version();
    portal.app.state.catalog.forget_changes_before(now).await;
    for after in [0, now + 100] {
        let told = events(&portal, &format!("/events?after={after}"), &[], 9).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].0.as_str(), &told[0].1["sequence"]), (format!("reload{now}").as_str(), &json!(now)));
    }
    let last = events(&portal, &format!("/events?after={}", now - 1), &[], 1).await;
    assert_eq!(last[0].1["sequence"], now);
}

#[tokio::test]
async fn what_never_was_an_entity_is_listed_and_can_be_forgotten() {
    let broken =
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: broken }\nspec: { owner: me }\n";
    let portal = Portal::with(&[("a.yaml", &component("pay", "team-a")), ("b.yaml", broken)]).await;
    let failed = portal.get("/entities/unprocessed/failed").await.json();
    let entities = failed["entities"].as_array().unwrap();
    assert_eq!((entities.len(), &failed["type"]), (1, &json!("failed")), "{failed}");
    assert_eq!(entities[0]["entity_ref"], "component:default/broken");
    assert_eq!(entities[0]["unprocessed_entity"]["kind"], "Component");
    assert!(entities[0]["errors"][0]["message"].as_str().unwrap().contains("must have required property"), "{failed}");
    assert_eq!(portal.get("/entities/unprocessed/failed?owner=me").await.json()["entities"], json!([]));
    assert_eq!(portal.get("/entities/unprocessed/pending").await.json(), json!({ "type": "pending", "entities": [] }));
    let problems = portal.get("/problems").await.json();
    assert_eq!((&problems["totalItems"], &problems["items"][0]["name"]), (&json!(1), &json!("broken")));

    let id = entities[0]["entity_id"].as_str().unwrap();
    for id in [id, id, "nonsense"] {
        let path = format!("/api/catalog/entities/unprocessed/delete/{id}");
        assert_eq!(portal.app.request("DELETE", &path, &[], "").await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(portal.get("/entities/unprocessed/failed").await.json()["entities"], json!([]));
}

#[tokio::test]
async fn what_a_client_has_is_not_sent_again() {
    let portal = Portal::with(&[("a.yaml", &component("pay", "team-a"))]).await;
    let entity = "/api/catalog/entities/by-name/component/default/pay";
    let paths = [
        entity,
        "/api/catalog/entities",
        "/api/catalog/entities?filter=kind%3Dcomponent&fields=kind",
        "/api/catalog/entities/by-query?limit=1",
        "/api/catalog/entity-facets?facet=spec.owner",
    ];
    let mut tags = Vec::new();
    for path in paths {
        let tag = portal.app.get(path).await.header("etag").to_owned();
        let again = portal.app.request("GET", path, &[("if-none-match", &tag)], "").await;
        assert_eq!(
            (again.status, again.text.as_str(), again.header("etag")),
            (StatusCode::NOT_MODIFIED, "", tag.as_str()),
            "{path}"
        );
        let head = portal.app.request("HEAD", path, &[], "").await;
        assert_eq!(
            (head.status, head.text.as_str(), head.header("etag")),
            (StatusCode::OK, "", tag.as_str()),
            "{path}"
        );
        assert!(!tags.contains(&tag), "{path}");
        tags.push(tag);
    }
    portal.write("a.yaml", &component("pay", "team-b"), "component:default/pay").await;
    for (path, tag) in paths.iter().zip(&tags) {
        // Of these fields nothing changed, but the tag of a list need not know that.
        let changed = portal.app.request("GET", path, &[("if-none-match", tag)], "").await;
        assert_eq!(changed.status, StatusCode::OK, "{path}");
    }
    // Two people never share a tag of a list.
    let bearer = portal.app.bearer().await;
    let path = "/api/catalog/entities/by-query";
    let signed_in = portal.app.request("GET", path, &[("authorization", &bearer)], "").await;
    assert_ne!(signed_in.header("etag"), portal.app.get(path).await.header("etag"));
}
