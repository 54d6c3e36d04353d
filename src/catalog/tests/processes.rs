//! Restarts, and several processes over one database.

use tokio_util::sync::CancellationToken;

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

#[tokio::test]
async fn old_changes_go_and_an_index_that_missed_an_end_loads_everything() {
    let fixture = Fixture::with_files(&[("a.yaml", &component("one", "")), ("b.yaml", &component("two", ""))]).await;
    let behind = fixture.reopen().await;
    for system in ["x", "y"] {
        fixture.write("a.yaml", &component("one", &format!("  system: {system}\n")));
        fixture.reread().await;
    }
    fixture.remove("b.yaml");
    fixture.reread().await;
    assert_eq!(references(&behind).len(), 2);
    let long_ago = Utc::now() - chrono::TimeDelta::days(1);
    assert_eq!(fixture.catalog.sweep_batch(long_ago).await.unwrap(), 0);
    // Two of `one` (insert, first update), both of `two`.
    assert_eq!(fixture.catalog.sweep_batch(Utc::now()).await.unwrap(), 4);
    assert_eq!(fixture.catalog.sweep_batch(Utc::now()).await.unwrap(), 0);
    assert_eq!(fixture.operations("component:default/one").await, [Operation::Update]);
    assert_eq!(fixture.operations("component:default/two").await, []);
    behind.advance().await.unwrap();
    assert_eq!(references(&behind), ["component:default/one"]);
    assert_eq!(snapshot(&behind), snapshot(&fixture.catalog));
    let sequence = behind.index().sequence();
    behind.advance().await.unwrap();
    assert_eq!(behind.index().sequence(), sequence);
    assert_eq!(snapshot(&fixture.reopen().await), snapshot(&fixture.catalog));
}

#[tokio::test]
async fn two_processes_that_start_together_on_nothing_see_everything_once() {
    let database = database().await;
    let folder = tempfile::tempdir().unwrap();
    for at in 0..5 {
        write(&folder.path().join(format!("{at}.yaml")), &component(&format!("c-{at}"), ""));
    }
    let base = Url::parse("http://portal.example:7007").unwrap();
    let forge = Arc::new(LocalForge::open(folder.path().join("repositories"), base).unwrap());
    let start = || async {
        let catalog = open(&database, &forge, folder.path(), json!({})).await;
        catalog.read_due().await.unwrap();
        catalog
    };
    let (first, second) = tokio::join!(start(), start());
    first.advance().await.unwrap();
    second.advance().await.unwrap();
    assert_eq!(references(&first).len(), 5);
    assert_eq!(snapshot(&first), snapshot(&second));
    let who = Credentials::service("test");
    for at in 0..5 {
        let reference = format!("component:default/c-{at}").parse().unwrap();
        assert_eq!(first.revisions(&who, &reference, None, 10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_lost_connection_is_made_again_and_what_happened_meanwhile_is_seen() {
    let fixture = Fixture::with_files(&[("a.yaml", &component("one", ""))]).await;
    let other = fixture.reopen().await;
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(other.clone().run(shutdown.clone()));
    let listeners = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'LISTEN%'";
    // Until it listens there is nothing to lose.
    let mut lost: i64 = 0;
    while lost == 0 {
        lost = sqlx::query_scalar(listeners).fetch_one(fixture.database.pool()).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut seen = other.watch();
    fixture.write("b.yaml", &component("two", ""));
    fixture.reread().await;
    let newest = fixture.catalog.index().sequence();
    seen.wait_for(|sequence| *sequence >= newest).await.unwrap();
    assert_eq!(references(&other), ["component:default/one", "component:default/two"]);
    assert_eq!(fixture.operations("component:default/two").await, [Operation::Insert]);
    shutdown.cancel();
    running.await.unwrap();
}
