//! The graph, dependencies and ancestry through the real router.

use std::fmt::Write as _;

use axum::http::StatusCode;

use super::portal::Guest;

#[tokio::test]
async fn the_graph_is_drawn_and_listed() {
    let guest = Guest::enter().await;
    let start = guest.see("/catalog-graph").await;
    assert!(
        start.contains("Domains and systems to start from") && start.contains("root=system:default/checkout"),
        "{start}"
    );
    let html = guest.see("/catalog-graph?rootEntityRefs%5B%5D=component:default/checkout-service&maxDepth=1").await;
    for part in [
        "<svg class=\"graph\"",
        "What is around Checkout service",
        "graph__node--root",
        "graph__node--missing",
        "hasPart / partOf",
        "ownerOf / ownedBy",
        "The same as a list",
        "href=\"/catalog/default/system/checkout\"",
    ] {
        assert!(html.contains(part), "{part} is missing in {html}");
    }
    let again = html.split("href=\"").find(|link| link.starts_with("/catalog-graph?root=api:default/orders")).unwrap();
    assert!(
        guest
            .see(&again.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&"))
            .await
            .contains("What is around Orders")
    );

    let few = guest.see("/catalog-graph?root=component:checkout-service&kind=system&merge=false").await;
    assert!(
        few.contains("partOf") && !few.contains("hasPart / partOf</text>") && !few.contains("graph__node--api"),
        "{few}"
    );
    let cut = guest.see("/catalog-graph?root=component:checkout-service&depth=3&limit=2").await;
    assert!(cut.contains("Only the nearest 2 entities are shown"), "{cut}");
    let nobody = guest.see("/catalog-graph?root=component:nobody").await;
    assert!(nobody.contains("graph__node--missing"), "{nobody}");
    assert_eq!(guest.open("/catalog-graph?root=a:b:c").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(guest.open("/catalog-graph?direction=sideways").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn dependencies_tell_what_breaks_and_what_is_needed() {
    let guest = Guest::enter().await;
    let component = guest.see("/catalog/default/component/checkout-service/dependencies").await;
    for part in ["What breaks if this is down", "What it needs", "gone", "not in the catalog", "Directly around it"] {
        assert!(component.contains(part), "{part} is missing in {component}");
    }
    let system = guest.see("/catalog/default/system/checkout/dependencies").await;
    assert!(system.contains("What is in it") && system.contains("Checkout service"), "{system}");
    let overview = guest.see("/catalog/default/component/checkout-service").await;
    assert!(overview.contains("<svg class=\"graph\"") && overview.contains("Full graph"), "{overview}");
    assert!(overview.contains("/dependencies\""), "{overview}");
}

#[tokio::test]
async fn of_many_dependents_the_nearest_are_shown_first() {
    let mut catalog = String::from(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: ledger}\n\
         spec: {type: service, lifecycle: production, owner: a}\n",
    );
    for number in 0..70 {
        let target = if number == 69 { "component:c-1" } else { "component:ledger" };
        write!(
            catalog,
            "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: c-{number}}}\n\
             spec: {{type: service, lifecycle: production, owner: team-{}, dependsOn: ['{target}']}}\n",
            number % 7
        )
        .unwrap();
    }
    let guest = Guest::enter().await;
    guest.declare("ledger", "catalog-info.yaml", &catalog).await;
    let few = guest.see("/catalog/default/component/ledger/dependencies").await;
    assert!(few.contains("70 entities of 7 owners, 69 directly"), "{few}");
    assert_eq!(few.matches("class=\"needs__item\"").count(), 40);
    assert!(few.contains("/dependencies?all=yes\">Show 30 more<"), "{few}");
    let all = guest.see("/catalog/default/component/ledger/dependencies?all=yes").await;
    assert_eq!(all.matches("class=\"needs__item\"").count(), 70);
    assert!(!all.contains("Show 30 more"), "{all}");
}

#[tokio::test]
async fn the_source_tells_why_an_entity_is_here() {
    let guest = Guest::enter().await;
    let html = guest.see("/catalog/default/component/checkout-service/raw").await;
    let chain = html.split("Why this is here").nth(1).unwrap();
    let places: Vec<usize> = ["This entity", "Declared in", "acme/catalog: catalog.yaml", "Registered as"]
        .iter()
        .map(|part| chain.find(part).unwrap_or_else(|| panic!("{part} is missing in {chain}")))
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(chain.contains("href=\"/catalog/locations/"), "{chain}");
}
