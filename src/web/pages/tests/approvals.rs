//! Runs that ask, as approvers and others see them.

use futures_util::StreamExt as _;
use serde_json::json;
use uuid::Uuid;

use super::portal::Guest;
use crate::permission::Credentials;

const ASKING: &str = "apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: { name: asking }
spec:
  type: service
  steps:
    - id: ask
      name: Ask
      action: wait:approval
      input: { message: May **it** be?, approvers: ['APPROVER'], allowSelf: SELF }
";

impl Guest {
    /// Starts a run as the guest that asks somebody, and gives its id once it asks.
    async fn asking(&self, approver: &str, allow_self: bool) -> Uuid {
        let text = ASKING.replace("APPROVER", approver).replace("SELF", &allow_self.to_string());
        self.declare("asking", "template.yaml", &text).await;
        let scaffolder = &self.app.state.scaffolder;
        let who = Credentials::user("user:default/guest".parse().unwrap(), Vec::new());
        let template = "template:default/asking".parse().unwrap();
        let run =
            crate::scaffolder::StartRun { template, values: serde_json::Map::new(), secrets: serde_json::Map::new() };
        let id = scaffolder.start(&who, run).await.unwrap();
        let asks = |event: crate::scaffolder::Event| async move { event.body["waiting"] == json!(true) };
        assert!(scaffolder.follow(&who, id, None).any(asks).await, "it asks");
        id
    }
}

#[tokio::test]
async fn an_approver_lets_a_run_go_on() {
    let guest = Guest::enter().await;
    let id = guest.asking("user:default/guest", true).await;
    let page = guest.see(&format!("/create/tasks/{id}")).await;
    let form = format!("action=\"/create/tasks/{id}/approvals/ask\"");
    for part in ["Waits for a decision", "May <strong>it</strong> be?", &form, "value=\"reject\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let decision = [("decision", "approve"), ("comment", "fine")];
    let led = guest.led(&format!("/create/tasks/{id}/approvals/ask"), &decision).await;
    assert_eq!(led, format!("/create/tasks/{id}"));
    let who = Credentials::service("test");
    let _: Vec<_> = guest.app.state.scaffolder.follow(&who, id, None).collect().await;
    let page = guest.see(&led).await;
    assert!(page.contains("Approved by user:default/guest: fine") && !page.contains("Waits for a decision"), "{page}");

    let token = guest.app.bearer().await;
    let path = format!("/api/scaffolder/v2/tasks/{id}/approvals");
    let listed = guest.app.request("GET", &path, &[("authorization", &token)], "").await.json();
    assert_eq!(listed["items"][0]["decision"]["by"], "user:default/guest");
    assert_eq!(listed["items"][0]["decision"]["approved"], true);
}

#[tokio::test]
async fn others_see_who_can_decide() {
    let guest = Guest::enter().await;
    let id = guest.asking("group:default/none", false).await;
    let page = guest.see(&format!("/create/tasks/{id}")).await;
    assert!(page.contains("You cannot decide this: only group:default/none can decide this."), "{page}");
    let form = format!("/create/tasks/{id}/approvals/ask");
    let refused = guest.send(&form, &[("decision", "approve")]).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(guest.send(&form, &[("decision", "perhaps")]).await.status, 400);
    let token = guest.app.bearer().await;
    let path = format!("/api/scaffolder/v2/tasks/{id}/approvals/ask");
    let headers = [("authorization", token.as_str())];
    let wrong = guest.app.post_json(&path, &headers, &json!({"decision": "perhaps"})).await;
    assert_eq!(wrong.status, 400, "{}", wrong.text);
    let refused = guest.app.post_json(&path, &headers, &json!({"decision": "reject"})).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
}
