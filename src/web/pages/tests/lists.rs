//! The list of entities: its filters, columns and files, and the lists of what nobody looks after.

use super::portal::Guest;

#[tokio::test]
async fn a_list_shows_what_its_address_asks_for() {
    let guest = Guest::enter().await;
    let page = guest.see("/catalog?kind=all&column=kind&column=namespace").await;
    assert!(
        page.contains(">Kind</a>") && page.contains(">Namespace</a>") && !page.contains(">Lifecycle</a>"),
        "{page}"
    );
    assert!(
        page.contains("href=\"/catalog?kind=all&#38;sort=namespace&#38;column=kind&#38;column=namespace\""),
        "{page}"
    );
    let page = guest.see("/catalog?owner=under:group:default/storefront").await;
    assert!(page.contains("Storefront team and its groups") && page.contains("Checkout service"), "{page}");
    let page = guest.see("/catalog?state=nonsense").await;
    assert!(page.contains("Nothing fits"), "{page}");
}

#[tokio::test]
async fn a_list_is_a_file_too() {
    let guest = Guest::enter().await;
    let csv = guest.open("/catalog/export.csv?kind=all&owner=group:default/storefront").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let lines: Vec<&str> = csv.text.lines().collect();
    assert_eq!(lines[0], "kind,namespace,name,title,type,owner,lifecycle,system,tags,description,source");
    let service = "Component,default,checkout-service,Checkout service,service,group:default/storefront,production,\
                   system:default/checkout,rust,Carts and orders.,url:https://local/acme/catalog/blob/main/catalog.yaml";
    assert!(lines.contains(&service), "{}", csv.text);
    let json = guest.open("/catalog/export.json?kind=api").await;
    let found: serde_json::Value = serde_json::from_str(&json.text).unwrap();
    assert_eq!(found[0]["metadata"]["name"], "orders");
    assert_eq!(guest.open("/catalog/export.json?q=nothing-like-it").await.text, "[]\n");
}

#[tokio::test]
async fn a_card_tells_of_an_entity_in_short() {
    let guest = Guest::enter().await;
    let card = guest.open("/catalog/default/component/checkout-service/card").await;
    for part in ["Checkout service", "Carts and orders.", "production", "Storefront team", "Checkout"] {
        assert!(card.text.contains(part), "{part}: {}", card.text);
    }
    assert!(!card.text.contains("<html"));
    assert_eq!(guest.open("/catalog/default/component/none/card").await.status, 404);
}

#[tokio::test]
async fn the_organisation_and_what_its_groups_own() {
    let guest = Guest::enter().await;
    let page = guest.see("/organisation").await;
    assert!(page.contains("Storefront team") && page.contains("owned by Storefront team"), "{page}");
    let page = guest.see("/catalog/default/group/storefront").await;
    assert!(page.contains("owner=group:default/storefront\">1<"), "{page}");
}

#[tokio::test]
async fn something_is_handed_over_by_pull_request() {
    let guest = Guest::enter().await;
    let page = "/catalog/default/component/checkout-service/owner";
    assert!(guest.see(page).await.contains("group:default/storefront"));
    let preview = guest.see(&format!("{page}?to=user:default/jo&reason=Why%20not")).await;
    for part in ["acme/catalog: catalog.yaml", "user:jo", "Open the pull request", "Why not"] {
        assert!(preview.contains(part), "{part}: {preview}");
    }
    for to in ["storefront", "nobody-known", "a:b:c", "component:default/checkout-service"] {
        assert!(guest.see(&format!("{page}?to={to}")).await.contains("to-error"), "{to}");
    }
    let pull = guest.led(page, &[("to", "user:default/jo"), ("reason", "Why not")]).await;
    assert_eq!(pull, "/repositories/acme/catalog/pulls/1");
    assert!(guest.see(&pull).await.contains("Hand checkout-service over to jo"));
}
