//! The search through the real router.

use axum::http::StatusCode;
use serde_json::Value;

use super::portal::Guest;

async fn guest() -> Guest {
    let guest = Guest::enter().await;
    guest.app.state.search.settled().await;
    guest
}

#[tokio::test]
async fn what_is_found_says_why() {
    let guest = guest().await;
    let page = guest.see("/search?q=check").await;
    for expected in [
        "<mark>Check</mark>out service",
        "Storefront team",
        "<span class=\"badge badge--green\">production</span>",
        "/catalog/default/component/checkout-service",
        "aria-label=\"Sorts of results\"",
        "1–",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    // Misspelled, by a part of the name and by a tag.
    for query in ["chekcout-service", "service+checkout", "rust"] {
        let page = guest.see(&format!("/search?q={query}")).await;
        assert!(page.contains("/catalog/default/component/checkout-service"), "{query}");
    }
    assert!(guest.see("/search?q=chekcout").await.contains("Showing <a class=\"strong\" href=\"/search?q=checkout\">"));
}

#[tokio::test]
async fn filters_come_from_the_address_and_from_the_text() {
    let guest = guest().await;
    for address in ["/search?q=kind:api", "/search?type=api", "/search?kind=API", "/search?q=is:api+orders"] {
        let page = guest.see(address).await;
        assert!(page.contains("/catalog/default/api/orders\""), "{address}");
        assert!(!page.contains("href=\"/catalog/default/component/checkout-service\""), "{address}");
    }
    let page = guest.see("/search?q=checkout&owner=group:default/storefront").await;
    assert!(page.contains("aria-label=\"Remove Owner: Storefront team\""), "{page}");
    assert!(page.contains("name=\"owner\" value=\"group:default/storefront\""), "a new search keeps the filters");
}

#[tokio::test]
async fn an_empty_search_helps_and_hostile_ones_are_safe() {
    let guest = guest().await;
    assert!(guest.see("/search").await.contains("lifecycle:production"));
    assert!(guest.see("/search?q=zzzzzz").await.contains("Nothing fits"));
    let script = guest.see("/search?q=%3Cscript%3Ealert(1)%3C/script%3E+checkout").await;
    assert!(!script.contains("<script>alert"), "{script}");
    let long = format!("/search?q={}", "a%20".repeat(2_500));
    for address in [long.as_str(), "/search?q=***", "/search?q=%F0%9F%99%82", "/search?q=%22", "/search?page=-1&q=a", "/search?page=99999&q=a"] {
        guest.see(address).await;
    }
}

#[tokio::test]
async fn the_palette_gets_the_first_hits() {
    let guest = guest().await;
    let answer = guest.open("/search/quick?q=chec").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(answer.text.contains("role=\"option\"") && answer.text.contains("<mark>Chec</mark>kout"), "{}", answer.text);
    assert!(!answer.text.contains("<html"), "{}", answer.text);
    let nobody = guest.app.get("/search/quick?q=chec").await;
    assert_eq!(nobody.status, StatusCode::SEE_OTHER, "nobody sees anything");
}

#[tokio::test]
async fn what_changes_is_found_as_it_is() {
    let guest = guest().await;
    let app = &guest.app;
    let found = async |query: &str| guest.see(&format!("/search?q={query}")).await;
    assert!(found("checkout-service").await.contains("/catalog/default/component/checkout-service\""));
    let who = crate::permission::Credentials::anonymous();
    let reference = "component:default/checkout-service".parse().unwrap();
    let uid = app.state.catalog.entity(&who, &reference).unwrap().uid;
    app.state.catalog.delete(&who, uid).await.unwrap();
    // Before the index has taken it in, and after.
    assert!(!found("checkout-service").await.contains("/catalog/default/component/checkout-service\""));
    app.state.search.settled().await;
    assert!(!found("checkout-service").await.contains("/catalog/default/component/checkout-service\""));
}

#[tokio::test]
async fn documents_are_those_of_backstage() {
    let guest = guest().await;
    let token = guest.app.bearer().await;
    let ask = async |query: &str| -> Value {
        let path = format!("/api/search/query?{query}");
        guest.app.request("GET", &path, &[("authorization", token.as_str())], "").await.json()
    };
    let answer = ask("term=orders&types[0]=software-catalog&filters[kind]=API").await;
    assert_eq!(answer["numberOfResults"], 1, "{answer}");
    let document = &answer["results"][0]["document"];
    assert_eq!(document["location"], "/catalog/default/api/orders");
    assert_eq!(document["owner"], "storefront");
    // A filter by a key that the index does not know.
    let owned = ask("term=&filters[owner]=storefront&filters[kind]=API").await;
    assert_eq!(owned["numberOfResults"], 1, "{owned}");
    assert_eq!(ask("term=&filters[owner]=nobody").await["numberOfResults"], 0);
    assert_eq!(ask("term=&filters[nonsense]=x").await["numberOfResults"], 0);
    let huge = ask("term=check&pageCursor=OTk5OTk5OTk5OTk5OTk5").await;
    assert_eq!(huge["results"], Value::Array(Vec::new()));
}
