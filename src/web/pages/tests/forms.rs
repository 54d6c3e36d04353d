//! Forms whose questions depend on the answers, as a person without a script and a caller of the API meet them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::portal::Guest;
use super::story::contains;

const NEXT: (&str, &str) = ("_go", "next");
const NAME: (&str, &str) = ("name", "cart");

impl Guest {
    async fn shaped(&self, query: &str) -> String {
        self.open(&format!("/create/templates/default/shaped{query}")).await.header("location").to_owned()
    }

    async fn ask(&self, path: &str, values: Value) -> crate::web::tests::Answer {
        let token = self.app.bearer().await;
        let template = self
            .app
            .request(
                "GET",
                "/api/catalog/entities/by-name/template/default/shaped",
                &[("authorization", token.as_str())],
                "",
            )
            .await
            .json();
        let body = json!({"templateRef": "template:default/shaped", "template": template, "values": values, "directoryContents": []});
        self.app.post_json(&format!("/api/scaffolder/v2/{path}"), &[("authorization", &token)], &body).await
    }
}

#[tokio::test]
async fn answers_decide_which_fields_and_pages_come() {
    let guest = Guest::enter().await;
    let first = guest.shaped("").await;
    let shown = guest.see(&first).await;
    contains(&shown, &["data-changes=\"0\"", ">Place<"]);
    assert!(!shown.contains("Engine") && !shown.contains(">Data<"), "{shown}");
    // Without it the second page is left out.
    let place = guest.led(&first, &[NAME, NEXT]).await;
    assert!(place.ends_with("/2"), "{place}");
    contains(
        &guest.see(&place).await,
        &["_go\" value=\"0\"", "<option value=\"system:default/checkout\">Checkout</option>"],
    );
    // An answer that asks for more shows the page again, and says so.
    let more = guest.send(&first, &[NAME, ("stored", "true"), NEXT]).await;
    assert_eq!(more.status, StatusCode::OK);
    contains(&more.text, &["Your answers ask for more", "<option value=\"sql\" selected>"]);
    let data = guest.led(&first, &[NAME, ("stored", "true"), ("engine", "sql"), NEXT]).await;
    contains(&guest.see(&data).await, &["name=\"database\" value=\"cart-db\""]);
    // What is left as it was computed follows; what is not asked any more is not given.
    guest.led(&data, &[("database", "cart-db"), NEXT]).await;
    guest.led(&first, &[("name", "shop"), ("stored", "true"), ("engine", "sql"), NEXT]).await;
    contains(&guest.see(&data).await, &["value=\"shop-db\""]);
    let keeper = [("keeper", "jo"), ("hushed", "tell nobody"), ("unsaid", "never said"), NEXT];
    let plan = guest.see(&guest.led(&place, &keeper).await).await;
    contains(
        &plan,
        &["shop-db", "<dt>Quiet</dt><dd class=\"break\">(kept)", "<dt>Branch</dt><dd class=\"break\">main"],
    );
    assert!(!plan.contains("tell nobody") && !plan.contains("never said"), "{plan}");
    guest.led(&first, &[("name", "shop"), ("_go", "2")]).await;
    let plan = guest.see(&format!("{}plan", place.trim_end_matches('2'))).await;
    assert!(!plan.contains("shop-db") && plan.contains("<dt>Keeper</dt>"), "{plan}");
}

#[tokio::test]
async fn a_link_fills_the_form_and_branches_are_offered() {
    let guest = Guest::enter().await;
    let data = json!({"name": "linked", "stored": true, "repoUrl": "local?owner=acme&repo=catalog"});
    let first = guest.shaped(&format!("?formData={}", crate::web::url::query(&data.to_string()))).await;
    contains(&guest.see(&first).await, &["value=\"linked\"", "name=\"stored\" value=\"true\" checked", "Engine"]);
    let place = format!("{}2", first.trim_end_matches('0'));
    contains(
        &guest.see(&place).await,
        &["list=\"field-branch-list\"", "<option value=\"main\">", "value=\"storefront\""],
    );
}

#[tokio::test]
async fn more_entities_than_a_page_lists_are_searched_for() {
    let guest = Guest::enter().await;
    let found = async |query: &str| guest.open(&format!("/create/entities?{query}")).await;
    let components = crate::web::url::query("[{\"kind\":\"Component\"}]");
    let checkout = found(&format!("filter={components}&q=check")).await;
    assert_eq!(
        checkout.text.trim(),
        "<option value=\"component:default/checkout-service\" data-hint=\"component:checkout-service\">Checkout service</option>"
    );
    assert_eq!(found("q=check&own=groups").await.text.trim(), "");
    assert_eq!(found("q=check&own=owned").await.text.trim(), "");
    assert_eq!(found("filter=no").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn items_of_a_list_are_moved_by_buttons() {
    let guest = Guest::enter().await;
    let form = guest.open("/create/templates/default/small").await.header("location").to_owned();
    let ports = [NAME, ("ports.0.name", "http"), ("ports.1.name", "https")];
    guest.led(&form, &[&ports[..], &[("_down", "ports.0")]].concat()).await;
    contains(&guest.see(&form).await, &["name=\"ports.0.name\" value=\"https\"", "name=\"_up\" value=\"ports.1\""]);
}

#[tokio::test]
async fn the_api_checks_what_the_form_checks() {
    let guest = Guest::enter().await;
    let cases = [
        (json!({"stored": true}), "requires property \"name\""),
        (json!({"name": "x", "stored": true, "database": 3}), "is not of a type(s) string"),
        (json!({"name": "x", "stored": false, "database": 3}), ""),
        (json!({"name": "x", "stored": true, "engine": "files", "database": 3}), ""),
        (json!({"name": "x", "stored": false, "engine": 3}), ""),
    ];
    for (values, message) in cases {
        let answer = guest.ask("tasks", values.clone()).await;
        assert_eq!(answer.status.is_success(), message.is_empty(), "{values}: {}", answer.text);
        assert!(answer.json().to_string().replace("\\\"", "\"").contains(message), "{values}: {}", answer.text);
        let rehearsed = guest.ask("dry-run", values.clone()).await;
        assert_eq!(
            rehearsed.status,
            if message.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST },
            "{}",
            rehearsed.text
        );
    }
    // The catalog's choices are closed for a run; a dry run has no catalog to look at.
    let elsewhere = json!({"name": "x", "system": "system:default/nowhere"});
    assert_eq!(guest.ask("tasks", elsewhere.clone()).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(guest.ask("dry-run", elsewhere).await.status, StatusCode::OK);
    // A caller who leaves a computed answer out gets it.
    let rehearsed = guest.ask("dry-run", json!({"name": "x", "stored": true, "engine": "sql"})).await;
    assert!(rehearsed.text.contains("x x-db"), "{}", rehearsed.text);
}
