//! Runs that ask, as approvers and others see them.

use futures_util::StreamExt as _;
use serde_json::json;
use uuid::Uuid;

use super::portal::Guest;
use super::story::contains;
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

#[tokio::test]
async fn what_waits_for_somebody_is_listed_and_told_until_it_is_decided() {
    let guest = Guest::enter().await;
    let id = guest.asking("user:default/guest", true).await;
    let scaffolder = &guest.app.state.scaffolder;
    let who = Credentials::user("user:default/guest".parse().unwrap(), Vec::new());
    // The run asks before it is let go of.
    while scaffolder.waiting_for(&who).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let told = "A run of asking waits for your approval";
    let run = format!("href=\"/create/tasks/{id}\"");
    contains(&guest.see("/").await, &["1 run waits for you", "1 unread notification"]);
    contains(&guest.see("/create/tasks").await, &["Waiting for me <span class=\"badge badge--amber\">1</span>"]);
    let form = format!("action=\"/create/tasks/{id}/approvals/ask\"");
    contains(&guest.see("/create/approvals").await, &["May <strong>it</strong> be?", &run, &form]);
    contains(
        &guest.see("/notifications").await,
        &[told, &run, "Unread (1)", "badge--amber", "May <strong>it</strong> be?"],
    );

    let token = guest.app.bearer().await;
    let listed =
        guest.app.request("GET", "/api/scaffolder/v2/approvals", &[("authorization", &token)], "").await.json();
    assert_eq!((&listed["items"][0]["taskId"], &listed["items"][0]["step"]), (&json!(id), &json!("ask")));

    // Read is not decided.
    assert_eq!(guest.led("/notifications", &[("state", "read")]).await, "/notifications");
    contains(&guest.see("/notifications").await, &["You have read everything"]);
    contains(&guest.see("/notifications?show=all").await, &[told, "Mark as unread"]);
    contains(&guest.see("/create/approvals").await, &[&run]);

    // Others are not asked.
    let other = Credentials::user("user:default/jo".parse().unwrap(), Vec::new());
    assert!(scaffolder.waiting_for(&other).await.unwrap().is_empty());

    guest.led(&format!("/create/tasks/{id}/approvals/ask"), &[("decision", "approve")]).await;
    contains(&guest.see("/create/approvals").await, &["Nothing waits for you"]);
    contains(&guest.see("/notifications?show=all").await, &["Nobody told you anything"]);
}

#[tokio::test]
async fn nobody_is_asked_about_a_run_that_was_cancelled_or_may_not_be_decided() {
    let guest = Guest::enter().await;
    let id = guest.asking("user:default/guest", false).await;
    let scaffolder = &guest.app.state.scaffolder;
    let service = Credentials::service("test");
    while scaffolder.waiting_for(&service).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    contains(&guest.see("/create/approvals").await, &["Nothing waits for you"]);
    contains(&guest.see("/notifications").await, &["Unread (1)"]);
    guest.led(&format!("/create/tasks/{id}/cancellation"), &[]).await;
    assert!(scaffolder.waiting_for(&service).await.unwrap().is_empty());
    contains(&guest.see("/notifications").await, &["Unread (0)"]);
}
