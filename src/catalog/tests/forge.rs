//! Registered locations in repositories of the local forge.

use super::*;

const TARGET: &str = "http://portal.example:7007/repositories/acme/pay/blob/main/catalog-info.yaml";

fn info() -> String {
    component("pay", "")
}

#[tokio::test]
async fn a_registered_location_is_visible_at_once() {
    let fixture = Fixture::with_files(&[]).await;
    fixture.commit("acme/pay", &[("catalog-info.yaml", &info())]).await;
    let tried = fixture.catalog.register(&fixture.who, "url", TARGET, Registration::DryRun).await.unwrap();
    let names: Vec<String> = tried.entities.iter().map(|entity| entity.reference().to_string()).collect();
    assert_eq!(names, [&*tried.location.entity_ref().to_string(), "component:default/pay"]);
    assert_eq!(fixture.references(), Vec::<String>::new());

    let registered = fixture.register(TARGET).await.unwrap();
    assert!(!registered.existed);
    assert_eq!(registered.location.target, "https://local/acme/pay/blob/main/catalog-info.yaml");
    assert_eq!(registered.problems, []);
    assert_eq!(registered.entities.len(), 2);
    let pay = fixture.entity("component:default/pay").unwrap();
    let entity = pay.entity();
    let annotation = |key| entity.annotation(key).unwrap();
    assert_eq!(annotation(entity::MANAGED_BY_LOCATION), "url:https://local/acme/pay/blob/main/catalog-info.yaml");
    assert_eq!(annotation(entity::VIEW_URL), TARGET);
    assert_eq!(annotation(entity::SOURCE_LOCATION), "url:http://portal.example:7007/repositories/acme/pay/tree/main/");
    let found = fixture.catalog.location_by_entity(&fixture.who, &pay.reference).await.unwrap();
    assert_eq!(found, registered.location);

    let error = fixture.register(TARGET).await.unwrap_err();
    assert_eq!(error.to_string(), "Location url:https://local/acme/pay/blob/main/catalog-info.yaml already exists");
    let again = fixture.catalog.register(&fixture.who, "url", TARGET, Registration::Refresh).await.unwrap();
    assert!(again.existed);
    assert_eq!(again.location, registered.location);
}

#[tokio::test]
async fn a_location_named_like_a_folder_is_still_a_file() {
    let fixture = Fixture::with_files(&[]).await;
    let api = "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: pay}\nspec: {type: openapi, lifecycle: x, owner: y, definition: {$text: ./openapi.yaml}}\n";
    fixture.commit("acme/pay", &[("catalog-info.yaml", api), ("openapi.yaml", "openapi: 3.1.0")]).await;
    let registered = fixture.register(&TARGET.replace("/blob/", "/tree/")).await.unwrap();
    assert_eq!(registered.problems, []);
    assert_eq!(registered.location.target, "https://local/acme/pay/blob/main/catalog-info.yaml");
    let pay = fixture.entity("api:default/pay").unwrap();
    assert_eq!(pay.entity().text(&["spec", "definition"]), Some("openapi: 3.1.0"));
}

#[tokio::test]
async fn unregistering_removes_what_only_it_declared() {
    let fixture = Fixture::with_files(&[("a.yaml", &component("one", ""))]).await;
    fixture.commit("acme/pay", &[("catalog-info.yaml", &info())]).await;
    let registered = fixture.register(TARGET).await.unwrap();
    fixture.catalog.unregister(&fixture.who, registered.location.id).await.unwrap();
    assert_eq!(fixture.references(), ["component:default/one"]);
    assert_eq!(fixture.catalog.locations(&fixture.who).await.unwrap(), []);
    let error = fixture.catalog.unregister(&fixture.who, registered.location.id).await.unwrap_err();
    assert_eq!(error.to_string(), format!("Found no location with ID {}", registered.location.id));
}

#[tokio::test]
async fn refresh_reads_the_source_now() {
    let fixture = Fixture::with_files(&[]).await;
    fixture.commit("acme/pay", &[("catalog-info.yaml", &info())]).await;
    fixture.register(TARGET).await.unwrap();
    let pay: EntityRef = "component:default/pay".parse().unwrap();
    fixture.commit("acme/pay", &[("catalog-info.yaml", &component("pay", "  system: shop\n"))]).await;
    fixture.catalog.refresh(&fixture.who, &pay).await.unwrap();
    assert_eq!(fixture.entity("component:default/pay").unwrap().entity().text(&["spec", "system"]), Some("shop"));
    let error = fixture.catalog.refresh(&fixture.who, &"component:default/nope".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "Entity component:default/nope not found");
}

#[tokio::test]
async fn the_first_source_keeps_a_name_until_it_lets_go() {
    let fixture = Fixture::with_files(&[("a.yaml", &component("pay", "  system: first\n"))]).await;
    fixture.commit("acme/pay", &[("catalog-info.yaml", &(info() + &component("other", "")))]).await;
    let registered = fixture.register(TARGET).await.unwrap();
    let first = fixture.entity("component:default/pay").unwrap();
    assert_eq!(first.entity().text(&["spec", "system"]), Some("first"));
    assert!(fixture.entity("component:default/other").is_some());
    assert_eq!(registered.problems.len(), 1);
    assert_eq!(registered.problems[0].error_name, "ConflictError");
    assert_eq!(registered.problems[0].entity.as_deref(), Some("component:default/pay"));
    fixture.write("a.yaml", &component("unrelated", ""));
    fixture.reread().await;
    assert!(fixture.entity("component:default/pay").is_none());
    // The one that lost is due now, although nothing changed there.
    assert!(fixture.catalog.read_due().await.unwrap() >= 1);
    let second = fixture.entity("component:default/pay").unwrap();
    assert_eq!(*second.source, registered.location.reference());
    assert_ne!(second.uid, first.uid);
    assert_eq!(fixture.problems().await, []);
}

#[tokio::test]
async fn a_deleted_entity_comes_back_while_its_file_declares_it() {
    let fixture = Fixture::with_files(&[("a.yaml", &component("one", ""))]).await;
    let first = fixture.entity("component:default/one").unwrap();
    fixture.catalog.delete(&fixture.who, first.uid).await.unwrap();
    assert!(fixture.entity("component:default/one").is_none());
    fixture.catalog.delete(&fixture.who, first.uid).await.unwrap();
    fixture.catalog.read_due().await.unwrap();
    assert_ne!(fixture.entity("component:default/one").unwrap().uid, first.uid);
}

#[tokio::test]
async fn registered_files_may_not_declare_people_nor_read_the_disk() {
    let fixture = Fixture::with_files(&[]).await;
    let user = "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata:\n  name: root\nspec:\n  memberOf: [admins]\n";
    fixture.commit("acme/pay", &[("catalog-info.yaml", user)]).await;
    let registered = fixture.register(TARGET).await.unwrap();
    assert_eq!(registered.entities.len(), 0);
    assert_eq!(registered.problems[0].error_name, "NotAllowedError");
    assert!(registered.problems[0].message.ends_with("is not of an allowed kind for that location"));
    fixture.write("secret.yml", &component("secret", ""));
    let disk = format!("[{}/secret.yml]", fixture.folder.path().display());
    let disk = location("disk", &disk).replace("spec:\n", "spec:\n  type: file\n");
    let text = component("reader", "  note:\n    $text: /etc/hostname\n");
    fixture.commit("acme/pay", &[("catalog-info.yaml", &(disk + &text))]).await;
    fixture.catalog.register(&fixture.who, "url", TARGET, Registration::Refresh).await.unwrap();
    assert_eq!(fixture.references(), Vec::<String>::new());
    let messages: Vec<String> = fixture.problems().await.into_iter().map(|problem| problem.message).collect();
    let has = |part: &str| messages.iter().any(|message| message.contains(part));
    assert!(has("Registered locations must be of an allowed type [\"url\"]"), "{messages:?}");
    assert!(has("could not read https://local/acme/pay/blob/main/etc/hostname, 404 Not Found"), "{messages:?}");
}

#[tokio::test]
async fn a_tree_of_a_repository_is_read_at_one_commit() {
    let fixture = Fixture::with_files(&[]).await;
    let files = [
        ("template.yaml", "x"),
        ("skeleton/README.md", "# ${{ values.name }}"),
        ("skeleton/src/${{ values.name }}.rs", "fn"),
    ];
    let commit = fixture.commit("acme/templates", &files).await;
    let reader = fixture.catalog.reader();
    let tree =
        reader.read_tree("url:https://local/acme/templates/blob/main/template.yaml", "./skeleton").await.unwrap();
    let paths: Vec<&str> = tree.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["README.md", "src/${{ values.name }}.rs"]);
    assert_eq!(tree.version, commit);
    let absolute = "http://portal.example:7007/repositories/acme/templates/tree/main/skeleton";
    assert_eq!(reader.read_tree("url:https://local/x/y/blob/main/z", absolute).await.unwrap().files, tree.files);
    let outside = reader.read_tree("url:https://local/acme/templates/blob/main/template.yaml", "../../x").await;
    assert!(outside.unwrap_err().to_string().contains("leaves the repository"));
}

#[tokio::test]
async fn validation_answers_as_backstage_does() {
    let fixture = Fixture::with_files(&[]).await;
    fixture.commit("acme/pay", &[("catalog-info.yaml", &info())]).await;
    let at = "url:https://local/acme/pay/blob/main/catalog-info.yaml";
    let entity = |kind: &str, spec: Value| json!({"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": {"name": "x"}, "spec": spec});
    let good = json!({"type": "service", "lifecycle": "production", "owner": "me"});
    let cases = [
        (entity("Component", good.clone()), at, None),
        (
            entity("Component", json!({"type": "service"})),
            at,
            Some("caused by TypeError: /spec must have required property 'lifecycle'"),
        ),
        (
            entity("Component", good.clone()),
            "nope",
            Some("Unable to parse location ref 'nope', expected '<type>:<target>', e.g. 'url:https://host/path'"),
        ),
        (
            entity("Component", good),
            "file:/x",
            Some("Invalid location ref file:/x, only 'url:<target>' is supported, e.g. url:https://host/path"),
        ),
        (entity("Location", json!({})), at, None),
        (entity("Location", json!({"target": "./catalog-info.yaml"})), at, None),
        (
            entity("Location", json!({"target": "./gone.yaml"})),
            at,
            Some("Unable to read url, no matching files found for https://local/acme/pay/blob/main/gone.yaml"),
        ),
        (
            entity("Location", json!({"type": "smoke", "target": "x"})),
            at,
            Some("Registered locations must be of an allowed type [\"url\"]"),
        ),
    ];
    for (entity, location, expected) in cases {
        let result = fixture.catalog.validate(entity.clone(), location).await;
        match (result, expected) {
            (Ok(()), None) => {}
            (Err(errors), Some(part)) => assert!(errors[0].message.contains(part), "{entity}: {}", errors[0]),
            other => panic!("{entity}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_target_with_wildcards_stands_for_every_file_that_fits() {
    let fixture = Fixture::with_files(&[]).await;
    fixture
        .commit(
            "acme/mono",
            &[
                ("catalog-info.yaml", &component("root", "")),
                ("services/pay/catalog-info.yaml", &component("pay", "")),
                ("services/pay/other.yaml", &component("other", "")),
            ],
        )
        .await;
    let registered = fixture.register("https://local/acme/mono/blob/main/**/catalog-info.yaml").await.unwrap();
    assert_eq!(registered.problems, []);
    assert_eq!(fixture.references(), ["component:default/pay", "component:default/root"]);
    let pay = fixture.entity("component:default/pay").unwrap();
    let file = "url:https://local/acme/mono/blob/main/services/pay/catalog-info.yaml";
    assert_eq!(pay.entity().annotation(entity::MANAGED_BY_LOCATION), Some(file));
    fixture.commit("acme/mono", &[("services/ship/catalog-info.yaml", &component("ship", ""))]).await;
    fixture.catalog.read_source(&registered.location.reference()).await.unwrap();
    assert_eq!(fixture.references(), ["component:default/ship"]);
    let none = fixture.register("https://local/acme/mono/blob/main/*/none.yaml").await.unwrap();
    assert!(none.problems[0].message.contains("no matching files found"), "{}", none.problems[0].message);
}

#[tokio::test]
async fn what_would_go_with_a_location_is_known_before() {
    let fixture = Fixture::with_files(&[("a.yaml", &component("one", ""))]).await;
    let both = info() + &component("one", "");
    fixture.commit("acme/pay", &[("catalog-info.yaml", &both)]).await;
    fixture.commit("acme/other", &[("catalog-info.yaml", &info())]).await;
    let location = fixture.register(TARGET).await.unwrap().location;
    let other = fixture.register("https://local/acme/other/blob/main/catalog-info.yaml").await.unwrap().location;
    let removal = fixture.catalog.removal(&fixture.who, location.id).await.unwrap();
    let goes: Vec<String> = removal.goes.iter().map(|record| record.reference.to_string()).collect();
    assert_eq!(goes, ["component:default/pay", &*location.entity_ref().to_string()]);
    assert_eq!(removal.stays, [("component:default/one".to_owned(), fixture.source())]);
    assert_eq!(removal.freed, [("component:default/pay".to_owned(), other.reference())]);
    fixture.catalog.unregister(&fixture.who, location.id).await.unwrap();
    fixture.catalog.read_due().await.unwrap();
    assert_eq!(fixture.references(), ["component:default/one", "component:default/pay"]);
    assert_eq!(*fixture.entity("component:default/pay").unwrap().source, other.reference());
    assert_eq!(fixture.problems().await, []);
}

#[tokio::test]
async fn what_changes_in_the_local_forge_is_read_at_once() {
    let fixture = Fixture::with_files(&[]).await;
    fixture.commit("acme/pay", &[("catalog-info.yaml", &info())]).await;
    fixture.register(TARGET).await.unwrap();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let following = tokio::spawn(fixture.catalog.clone().follow_forges(shutdown.clone()));
    let mut advanced = fixture.catalog.watch();
    advanced.mark_unchanged();
    let note = || {
        fixture.entity("component:default/pay").and_then(|pay| Some(pay.entity().text(&["spec", "note"])?.to_owned()))
    };
    // Whoever follows may not be there yet, so the file changes until it is.
    for number in 0.. {
        assert!(number < 100, "nobody follows");
        let text = component("pay", &format!("  note: Pay {number}\n"));
        fixture.commit("acme/pay", &[("catalog-info.yaml", &text)]).await;
        if tokio::time::timeout(Duration::from_millis(500), advanced.changed()).await.is_ok() {
            break;
        }
    }
    assert!(note().is_some_and(|note| note.starts_with("Pay ")), "{:?}", note());
    shutdown.cancel();
    following.await.unwrap();
}
