//! Much that is new at once: the index that is made beside the writing, and files that are read before there is a database.

use super::*;

/// So many components in one file, each with relations to others.
fn many(count: usize, system: &str) -> String {
    let one = |number: usize| {
        component(
            &format!("c{number}"),
            &format!("  system: {system}\n  dependsOn: ['component:c{}', 'component:c{}']\n", number / 2, number + 1),
        )
    };
    (0..count).map(one).collect()
}

/// Every finished document.
fn documents(catalog: &Catalog) -> Vec<String> {
    let index = catalog.index();
    let mut documents: Vec<String> =
        index.records().map(|record| String::from_utf8(record.json.to_vec()).unwrap()).collect();
    documents.sort();
    documents
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_ahead_is_what_is_read_back() {
    let fixture = Fixture::with_files(&[("a.yaml", &many(200, "shop"))]).await;
    assert_eq!(fixture.catalog.index().len(), 201);
    let check = async || {
        let other = fixture.reopen().await;
        assert_eq!(documents(&fixture.catalog), documents(&other));
        assert_eq!(fixture.catalog.version(), other.version());
        let filter = EntityFilter::parse(&["relations.dependsOn=component:default/c7"]).unwrap();
        let query = EntityQuery { filter, ..EntityQuery::default() };
        let found = |catalog: &Catalog| {
            let items = catalog.query(&fixture.who, &query).items;
            items.iter().map(|record| record.reference.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(found(&fixture.catalog), found(&other));
        assert_eq!(found(&fixture.catalog).len(), 3);
    };
    check().await;
    fixture.write("a.yaml", &many(200, "checkout"));
    fixture.write("b.yaml", &component("further", ""));
    fixture.reread().await;
    assert_eq!(fixture.catalog.index().len(), 202);
    check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_write_meanwhile_is_not_lost() {
    let fixture = Fixture::with_files(&[("b.yaml", &component("first", ""))]).await;
    let other = fixture.reopen().await;
    fixture.write("a.yaml", &many(100, "shop"));
    fixture.commit("acme/pay", &[("catalog-info.yaml", &component("pay", ""))]).await;
    let target = "https://local/acme/pay/blob/main/catalog-info.yaml";
    other.register(&fixture.who, "url", target, Registration::New).await.unwrap();
    fixture.reread().await;
    assert!(fixture.entity("component:default/pay").is_some());
    assert!(fixture.entity("component:default/c99").is_some());
    other.advance().await.unwrap();
    assert_eq!(documents(&fixture.catalog), documents(&other));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_far_behind_reads_everything_at_once() {
    let fixture = Fixture::with_files(&[("b.yaml", &component("first", ""))]).await;
    let other = fixture.reopen().await;
    fixture.write("a.yaml", &many(1_300, "shop"));
    fixture.remove("b.yaml");
    fixture.reread().await;
    other.advance().await.unwrap();
    assert_eq!(documents(&fixture.catalog), documents(&other));
    assert_eq!(fixture.catalog.version(), other.version());
    // Taking changes in, it would have had to learn what they change.
    assert!(!other.index().is_learned());
    fixture.write("a.yaml", &many(1_200, "checkout"));
    fixture.reread().await;
    other.advance().await.unwrap();
    assert_eq!(documents(&fixture.catalog), documents(&other));
    assert_eq!(fixture.catalog.version(), other.version());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_read_early_are_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("a.yaml"), &many(3, "shop"));
    let location = json!({"type": "file", "target": format!("{}/*.yaml", folder.path().display())});
    let config =
        CatalogConfig { locations: vec![serde_json::from_value(location).unwrap()], ..CatalogConfig::default() };
    let early = Early::read(&Forges::default(), &config).await;
    // What was read counts; what changed since is found as any change.
    write(&folder.path().join("a.yaml"), &many(4, "shop"));
    let database = database().await;
    let catalog = Catalog::open_after(early, database.pool().clone(), Forges::default(), config.clone()).await.unwrap();
    catalog.read_due().await.unwrap();
    assert_eq!(references(&catalog).len(), 3);
    let source = config.locations[0].reference().to_string();
    catalog.read_source(&source).await.unwrap();
    assert_eq!(references(&catalog).len(), 4);
}
