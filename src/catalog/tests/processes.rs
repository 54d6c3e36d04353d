//! Restarts, and several processes over one database.

use super::*;

fn snapshot(catalog: &Catalog) -> Vec<String> {
    let mut shown: Vec<String> =
        catalog.index().records().map(|record| String::from_utf8(record.json.to_vec()).unwrap()).collect();
    shown.sort();
    shown
}

#[tokio::test]
async fn a_restart_shows_the_same_catalog_before_anything_is_read() {
    let fixture = Fixture::with_files(&[(
        "a.yaml",
        &(component("one", "") + &component("two", "  dependsOn: [component:one]\n")),
    )])
    .await;
    fixture.remove("a.yaml");
    let again = fixture.reopen().await;
    assert_eq!(snapshot(&again), snapshot(&fixture.catalog));
    assert_eq!(again.index().sequence(), fixture.catalog.index().sequence());
}

#[tokio::test]
async fn another_process_follows_the_change_log() {
    let fixture = Fixture::with_files(&[("a.yaml", &component("one", ""))]).await;
    let other = fixture.reopen().await;
    let mut seen = other.watch();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(other.clone().run(shutdown.clone()));
    fixture.write("a.yaml", &(component("one", "  dependsOn: [component:two]\n") + &component("two", "")));
    fixture.write("b.yaml", &component("three", ""));
    fixture.reread().await;
    let newest = fixture.catalog.index().sequence();
    seen.wait_for(|sequence| *sequence >= newest).await.unwrap();
    assert_eq!(references(&other), ["component:default/one", "component:default/three", "component:default/two"]);
    assert_eq!(snapshot(&other), snapshot(&fixture.catalog));
    shutdown.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_source_is_read_by_one_process_only() {
    let fixture = Fixture::with_files(&[("a.yaml", &component("one", ""))]).await;
    let other = fixture.reopen().await;
    // Opening makes configured sources due.
    let (first, second) = tokio::join!(fixture.catalog.read_due(), other.read_due());
    assert_eq!(first.unwrap() + second.unwrap(), 1);
    assert_eq!(fixture.catalog.read_due().await.unwrap(), 0);
}

#[tokio::test]
async fn a_location_that_is_configured_no_more_goes_with_its_entities() {
    let fixture = Fixture::with_files(&[("a.yaml", &component("one", ""))]).await;
    let forges = Forges::new([Arc::clone(&fixture.forge) as Arc<dyn Forge>]);
    let bare = Catalog::open(fixture.database.pool().clone(), forges, CatalogConfig::default()).await.unwrap();
    assert!(bare.index().is_empty());
}

#[tokio::test]
async fn concurrent_registrations_of_one_location_have_one_winner() {
    let fixture = Fixture::with_files(&[]).await;
    fixture.commit("acme/pay", &[("catalog-info.yaml", &component("pay", ""))]).await;
    let other = fixture.reopen().await;
    let target = "https://local/acme/pay/blob/main/catalog-info.yaml";
    let register = |catalog: Catalog| async move {
        catalog.register(&Credentials::service("test"), "url", target, Registration::New).await
    };
    let (first, second) = tokio::join!(register(fixture.catalog.clone()), register(other));
    assert_eq!([first.is_ok(), second.is_ok()].iter().filter(|done| **done).count(), 1);
    assert_eq!(fixture.catalog.locations(&fixture.who).await.unwrap().len(), 1);
}

use tokio_util::sync::CancellationToken;
