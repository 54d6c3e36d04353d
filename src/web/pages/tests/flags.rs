//! Feature flags: what they hide, in the form and over the API, and how a person switches one on.

use axum::http::StatusCode;
use serde_json::json;

use super::portal::Guest;
use super::story::contains;

const FLAGGED: &str = "apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: { name: flagged, title: Flagged }
spec:
  type: service
  parameters:
    - title: Basics
      required: [name, region]
      properties:
        name: { type: string, title: Name }
        region: { type: string, title: Region, backstage:featureFlag: regions }
    - title: Secret lair
      backstage:featureFlag: regions
      required: [lair]
      properties:
        lair: { type: string, title: Lair }
  steps:
    - { id: say, action: debug:log, input: { message: '${{ parameters.name }} ${{ parameters.region }}' } }
";
const FLAGS: &str = "/create/feature-flags";
const TASKS: &str = "/api/scaffolder/v2/tasks";

#[tokio::test]
async fn what_a_flag_hides_is_asked_of_those_who_switched_it_on() {
    let guest = Guest::enter().await;
    guest.declare("flagged", "template.yaml", FLAGGED).await;
    let begin = async || guest.open("/create/templates/default/flagged").await.header("location").to_owned();
    let token = guest.app.bearer().await;
    let start = async || {
        let body = json!({"templateRef": "template:default/flagged", "values": {"name": "cart"}});
        guest.app.post_json(TASKS, &[("authorization", &token)], &body).await
    };

    let form = begin().await;
    let shown = guest.see(&form).await;
    assert!(shown.contains("name=\"name\"") && !shown.contains("Region") && !shown.contains("Secret lair"), "{shown}");
    let plan = guest.led(&form, &[("name", "cart"), ("_go", "next")]).await;
    assert!(plan.ends_with("/plan"), "{plan}");
    contains(&guest.see(&plan).await, &["cart"]);
    assert_eq!(start().await.status, StatusCode::CREATED);

    contains(&guest.see("/create").await, &[&format!("href=\"{FLAGS}\"")]);
    contains(&guest.see(FLAGS).await, &["regions", "Flagged", ">off<"]);
    assert_eq!(guest.led(FLAGS, &[("flag", "regions"), ("state", "on")]).await, FLAGS);
    contains(&guest.see(FLAGS).await, &[">on<", "Switch off"]);

    let form = begin().await;
    contains(&guest.see(&form).await, &["Region", "Secret lair"]);
    let refused = start().await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    contains(&refused.text, &["requires property \\\"region\\\"", "requires property \\\"lair\\\""]);

    assert_eq!(guest.led(FLAGS, &[("flag", "regions"), ("state", "off")]).await, FLAGS);
    assert_eq!(start().await.status, StatusCode::CREATED);
    assert_eq!(guest.send(FLAGS, &[("flag", ""), ("state", "on")]).await.status, StatusCode::BAD_REQUEST);
}
