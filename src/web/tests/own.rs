//! The portal's API from inside, and what people are told.

use serde_json::json;
use uuid::Uuid;

use super::client::TestApp;
use crate::notification::{Message, Severity};
use crate::permission::Credentials;
use crate::scaffolder::{Portal as _, PortalAnswer, PortalError, PortalRequest};
use crate::web::OwnApi;

fn get(target: &str) -> PortalRequest {
    PortalRequest { method: "GET".to_owned(), target: target.to_owned(), headers: Vec::new(), body: None }
}

async fn ask(api: &OwnApi, who: &Credentials, request: PortalRequest) -> Result<PortalAnswer, PortalError> {
    api.answer(who, request).await
}

#[tokio::test]
async fn a_step_asks_with_the_rights_of_its_person() {
    let app = TestApp::start().await;
    let api = OwnApi::default();
    let guest = app.state.auth.credentials_of(&"user:default/guest".parse().unwrap());
    assert!(matches!(ask(&api, &guest, get("/api/catalog/entities")).await, Err(PortalError::NotSent(_))));

    api.open(app.router.clone(), app.state.clone());
    let answer = ask(&api, &guest, get("/api/auth/v1/userinfo")).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.body.contains("user:default/guest"), "{answer:?}");
    assert_eq!(ask(&api, &Credentials::anonymous(), get("/api/catalog/entities")).await.unwrap().status, 401);
    let service = ask(&api, &Credentials::service("cli"), get("/api/catalog/entities")).await.unwrap_err();
    assert!(service.to_string().contains("the service cli, which has no token"), "{service}");
    let own = PortalRequest {
        headers: vec![("authorization".to_owned(), "Bearer nonsense".to_owned())],
        ..get("/api/catalog/entities")
    };
    assert_eq!(ask(&api, &guest, own).await.unwrap().status, 401);
    let odd = PortalRequest { headers: vec![("a b".to_owned(), String::new())], ..get("/api/catalog/entities") };
    assert!(matches!(ask(&api, &guest, odd).await, Err(PortalError::NotSent(_))));

    api.close();
    assert!(matches!(ask(&api, &guest, get("/api/catalog/entities")).await, Err(PortalError::NotSent(_))));
}

#[tokio::test]
async fn people_see_and_mark_what_they_were_told() {
    let app = TestApp::start().await;
    let message = |title: &str, to: Option<&str>| Message {
        id: Uuid::now_v7(),
        recipients: to.map(|to| vec![to.parse().unwrap()]),
        origin: "plugin:scaffolder".to_owned(),
        title: title.to_owned(),
        description: None,
        link: Some("/create".to_owned()),
        severity: Severity::High,
        scope: None,
    };
    let own = message("own", Some("user:default/guest"));
    for sent in [&message("all", None), &own, &message("other", Some("user:default/somebody"))] {
        app.state.notifications.send(sent).await.unwrap();
    }
    let bearer = app.bearer().await;
    let headers = [("authorization", bearer.as_str())];
    let list = app.request("GET", "/api/notifications/notifications?read=false", &headers, "").await.json();
    assert_eq!(list["totalCount"], 2);
    assert_eq!(
        (&list["notifications"][1]["user"], &list["notifications"][0]["user"]),
        (&json!(null), &json!("user:default/guest"))
    );
    assert_eq!(list["notifications"][0]["payload"], json!({"title": "own", "severity": "high", "link": "/create"}));

    let update = json!({"ids": [own.id, "nonsense"], "read": true});
    let marked = app.post_json("/api/notifications/notifications/update", &headers, &update).await.json();
    assert!(marked[0]["read"].is_string() && marked.as_array().unwrap().len() == 1, "{marked}");
    let status = app.request("GET", "/api/notifications/status", &headers, "").await.json();
    assert_eq!(status, json!({"read": 1, "unread": 1}));
}
