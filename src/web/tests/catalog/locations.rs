//! Locations: analysing before they are registered, moving and paging them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Portal, component};
use crate::forge::{Forge as _, RepositoryId};
use crate::web::tests::client::Answer;

async fn analyze(portal: &Portal, target: &str) -> Answer {
    portal.post("/analyze-location", &json!({ "location": { "type": "url", "target": target } })).await
}

#[tokio::test]
async fn a_repository_without_descriptors_gets_a_proposal() {
    let portal = Portal::with(&[]).await;
    let readme = "# Pay\n\nTakes money.\n";
    let files = [("README.md", readme), ("Dockerfile", "FROM scratch"), (".github/CODEOWNERS", "* @acme/payments")];
    let bare = portal.repository("acme/pay.api", "", &files).await;
    let proposed = analyze(&portal, &bare).await.json();
    let generated = &proposed["generateEntities"][0];
    assert_eq!(proposed["existingEntityFiles"], json!([]));
    assert_eq!(
        generated["entity"],
        json!({
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Component",
            "metadata": { "name": "pay-api", "description": "Takes money." },
            "spec": { "type": "service", "lifecycle": "unknown", "owner": "payments" },
        })
    );
    let states: Vec<_> = generated["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| (field["field"].as_str().unwrap(), field["state"].as_str().unwrap()))
        .collect();
    assert_eq!(
        states,
        [
            ("metadata.name", "analysisSuggestedValue"),
            ("metadata.description", "analysisSuggestedValue"),
            ("spec.type", "analysisSuggestedValue"),
            ("spec.lifecycle", "needsUserInput"),
            ("spec.owner", "analysisSuggestedValue"),
        ]
    );
}

#[tokio::test]
async fn a_repository_is_looked_at_for_descriptors() {
    let portal = Portal::with(&[]).await;
    let files =
        [("catalog-info.yaml", component("shop", "team-a")), ("sub/catalog-info.yaml", component("till", "team-a"))];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let described = portal.repository("acme/shop", "", &files).await;
    let target = format!("{described}/blob/main/catalog-info.yaml");
    let registered = portal.post("/locations", &json!({ "type": "url", "target": target })).await;
    assert_eq!(registered.status, StatusCode::CREATED, "{}", registered.text);
    let found = analyze(&portal, &described).await.json();
    assert_eq!(found["generateEntities"], json!([]));
    let files: Vec<_> = found["existingEntityFiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            let location = file["location"]["target"].as_str().unwrap();
            (
                location.rsplit("main/").next().unwrap(),
                file["entity"]["metadata"]["name"].as_str().unwrap(),
                file["isRegistered"].as_bool().unwrap(),
            )
        })
        .filter(|(_, name, _)| !name.starts_with("generated-"))
        .collect();
    assert_eq!(files, [("catalog-info.yaml", "shop", true), ("sub/catalog-info.yaml", "till", false)]);

    // By the portal's page and as it is cloned, too.
    let id: RepositoryId = "acme/shop".parse().unwrap();
    let forge = &portal.app.state.forge;
    for address in [forge.clone_url(&id), forge.repository_url(&id)] {
        assert_eq!(analyze(&portal, address.as_str()).await.json(), found, "{address}");
    }
    let sub = analyze(&portal, &format!("{described}/tree/main/sub")).await.json();
    assert_eq!(sub["existingEntityFiles"].as_array().unwrap().len(), 2, "{sub}");
    assert_eq!(analyze(&portal, "https://local/acme/none").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_location_keeps_its_id_its_entity_and_what_both_targets_declare() {
    let portal = Portal::with(&[]).await;
    let text = component("shop", "team-a");
    let repository = portal
        .repository(
            "acme/shop",
            "",
            &[
                ("old.yaml", &format!("{text}---\n{}", component("gone", "team-a"))),
                ("new.yaml", &text),
                ("else.yaml", &component("else", "team-a")),
            ],
        )
        .await;
    let target = |name: &str| json!({ "type": "url", "target": format!("{repository}/blob/main/{name}.yaml") });
    let created = portal.post("/locations", &target("old")).await.json();
    portal.post("/locations", &target("else")).await;
    let id = created["location"]["id"].as_str().unwrap();
    let uid =
        async |name: &str| portal.get(&format!("/entities/by-name/{name}")).await.json()["metadata"]["uid"].clone();
    let entity_ref = created["location"]["entityRef"].as_str().unwrap();
    let of_location = entity_ref.replace("location:", "location/");
    let before = (uid("component/default/shop").await, uid(&of_location).await);

    let put = async |id: &str, body: &Value| {
        let json = [("content-type", "application/json")];
        portal.app.request("PUT", &format!("/api/catalog/locations/{id}"), &json, body.to_string()).await
    };
    let moved = put(id, &target("new")).await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.text);
    let moved = moved.json();
    assert_eq!((moved["id"].as_str(), moved["entityRef"].as_str()), (Some(id), Some(entity_ref)));
    assert_eq!(portal.get(&format!("/locations/{id}")).await.json(), moved);
    assert_eq!(before, (uid("component/default/shop").await, uid(&of_location).await));
    assert_eq!(portal.get("/entities/by-name/component/default/gone").await.status, StatusCode::NOT_FOUND);
    assert_eq!(portal.get("/locations/by-entity/component/default/shop").await.json(), moved);
    let document = portal.get(&format!("/entities/by-name/{of_location}")).await.json();
    assert!(document["spec"]["target"].as_str().unwrap().ends_with("new.yaml"), "{document}");
    // The same target again changes nothing.
    assert_eq!(put(id, &target("new")).await.json(), moved);
    for (id, body, status) in [
        (id, target("else"), 409),
        ("00000000-0000-4000-8000-000000000000", target("else"), 409),
        ("00000000-0000-4000-8000-000000000000", target("nothing"), 404),
        ("abc", target("nothing"), 404),
        (id, json!({ "type": "file", "target": "/x" }), 400),
        (id, json!({ "type": "url", "target": "nope" }), 400),
        (id, json!({ "type": "url" }), 400),
    ] {
        assert_eq!(put(id, &body).await.status.as_u16(), status, "{id} {body}");
    }
    let deleted = portal.app.request("DELETE", &format!("/api/catalog/locations/{id}"), &[], "").await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert_eq!(portal.get("/entities/by-name/component/default/shop").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn locations_are_paged_by_a_cursor_that_knows_everything() {
    let portal = Portal::with(&[]).await;
    let repository = portal.repository("acme/shop", "", &[("a.yaml", ""), ("b.yaml", ""), ("c.yaml", "")]).await;
    for name in ["a", "b", "c"] {
        let body = json!({ "type": "url", "target": format!("{repository}/blob/main/{name}.yaml") });
        assert_eq!(portal.post("/locations", &body).await.status, StatusCode::CREATED);
    }
    let query = json!({ "target": { "$hasPrefix": "HTTPS://local/acme/" } });
    let mut body = json!({ "limit": 2, "query": query });
    let mut sizes = Vec::new();
    loop {
        let page = portal.post("/locations/by-query", &body).await.json();
        assert_eq!(page["totalItems"], 3);
        sizes.push(page["items"].as_array().unwrap().len());
        let Some(cursor) = page["pageInfo"]["nextCursor"].as_str() else { break };
        body = json!({ "cursor": cursor });
    }
    assert_eq!(sizes, [2, 1]);
    for body in
        [json!({ "limit": 0 }), json!({ "limit": 1.5 }), json!({ "cursor": "" }), json!({ "cursor": "eyJhIjoxfQ==" })]
    {
        assert_eq!(portal.post("/locations/by-query", &body).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
}

#[tokio::test]
async fn a_location_can_move_to_and_from_what_configuration_names() {
    let target =
        |name: &str| json!({ "type": "url", "target": format!("https://local/acme/shop/blob/main/{name}.yaml") });
    let portal = Portal::over(tempfile::tempdir().unwrap(), target("new")).await;
    let files = [("old.yaml", component("old", "team-a")), ("new.yaml", component("new", "team-a"))];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    portal.repository("acme/shop", "", &files).await;
    // There is something to read now: registering it reads it, and what is configured stays after that is taken back.
    let registered = portal.post("/locations", &target("new")).await.json();
    let path = format!("/api/catalog/locations/{}", registered["location"]["id"].as_str().unwrap());
    portal.app.request("DELETE", &path, &[], "").await;
    let created = portal.post("/locations", &target("old")).await.json();
    let path = format!("/api/catalog/locations/{}", created["location"]["id"].as_str().unwrap());
    let shown = async |portal: &Portal| {
        let answer = portal
            .get("/entities/by-query?filter=spec.owner%3Dteam-a&orderField=metadata.name&fields=metadata.name")
            .await;
        answer.json()["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["metadata"]["name"].to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(&portal).await, ["\"new\"", "\"old\""]);
    let put = async |portal: &Portal, body: Value| {
        let answer = portal.app.request("PUT", &path, &[("content-type", "application/json")], body.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()["entityRef"].clone()
    };
    let of_new = put(&portal, target("new")).await;
    assert_eq!(shown(&portal).await, ["\"new\""]);
    assert_ne!(of_new, created["location"]["entityRef"]);
    assert_eq!(put(&portal, target("old")).await, created["location"]["entityRef"]);
    assert_eq!(shown(&portal).await, ["\"new\"", "\"old\""]);
}
