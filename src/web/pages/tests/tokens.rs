//! Repositories at other hosts in a form: their parts, and the person's own token.

use axum::http::StatusCode;

use super::portal::Guest;
use super::story::contains;
use crate::permission::Credentials;

const ELSEWHERE: &str = "apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: { name: elsewhere, title: Elsewhere }
spec:
  type: service
  parameters:
    - title: Where
      required: [owner]
      properties:
        owner:
          type: string
          title: Owner
          ui:field: RepoOwnerPicker
          ui:options:
            host: git.acme.example
            allowedOwners: [shop, pay]
            excludedOwners: [pay]
            requestUserCredentials: { secretsKey: USER_TOKEN, additionalScopes: { github: [workflow] } }
        here: { type: string, title: Owner here, ui:field: RepoOwnerPicker, ui:options: { host: local } }
        repoUrl:
          type: string
          title: Repository
          ui:field: RepoUrlPicker
          ui:options: { allowedHosts: [local, dev.azure.com], allowedOrganizations: [acme-corp], allowedProjects: [SHOP] }
  steps:
    - { id: say, action: debug:log, input: { message: 'with ${{ secrets.USER_TOKEN }}' } }
";
const NEXT: (&str, &str) = ("_go", "next");

#[tokio::test]
async fn a_token_is_asked_for_and_shown_nowhere() {
    let guest = Guest::enter().await;
    guest.declare("elsewhere", "template.yaml", ELSEWHERE).await;
    let form = guest.open("/create/templates/default/elsewhere").await.header("location").to_owned();
    let shown = guest.see(&form).await;
    contains(
        &shown,
        &[
            "Your token for git.acme.example",
            "type=\"password\" id=\"field-owner-token\" name=\"owner.token\"",
            "it needs the scopes workflow.",
            "<option value=\"shop\">shop</option>",
            "<datalist id=\"field-here-list\"><option value=\"acme\">",
            "data-pattern=\"https://dev.azure.com/{organization}/{project}/_git/{repo}\"",
            "<option selected>acme-corp</option>",
            "<option selected>SHOP</option>",
        ],
    );
    assert!(!shown.contains("<option value=\"pay\">") && !shown.contains("here.token"), "{shown}");

    let lacking = guest.send(&form, &[("owner", "shop"), NEXT]).await;
    assert_eq!(lacking.status, StatusCode::OK);
    contains(&lacking.text, &["Owner needs your token for git.acme.example"]);
    let there = form.trim_end_matches('0').to_owned() + "plan";
    assert!(guest.open(&there).await.header("location").ends_with("/0?check=yes"));

    let plan = guest.led(&form, &[("owner", "shop"), ("owner.token", "very-secret"), NEXT]).await;
    contains(&guest.see(&form).await, &["Given; leave it empty to keep it"]);
    let planned = guest.see(&plan).await;
    contains(&planned, &["***"]);
    let run = guest.led(&plan, &[]).await;
    let told = guest.finish(&run).await;
    contains(&told, &["***"]);
    let id: uuid::Uuid = run.rsplit('/').next().unwrap().parse().unwrap();
    let task = guest.app.state.scaffolder.task(&Credentials::service("test"), id).await.unwrap();
    for text in [planned, told, task.spec.to_string(), guest.see(&run).await] {
        assert!(!text.contains("very-secret"), "{text}");
    }
}
