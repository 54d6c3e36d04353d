//! Ingestion of configured files: what appears, changes, breaks, goes.

use super::*;

#[tokio::test]
async fn files_are_ingested_with_annotations_relations_and_placeholders() {
    let api = "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata:\n  name: pay\nspec:\n  type: openapi\n  lifecycle: production\n  owner: team\n  definition:\n    $text: ./api/pay.yml\n";
    let fixture = Fixture::with_files(&[
        ("a.yaml", &component("one", "  providesApis: [pay, other]\n")),
        ("b.yaml", api),
        ("api/pay.yml", "openapi: 3.1.0\n"),
        ("nested.yaml", &location("more", "[./more/two.yml]")),
        ("more/two.yml", &component("two", "  system: shop\n")),
    ])
    .await;
    assert_eq!(fixture.references(), ["api:default/pay", "component:default/one", "component:default/two"]);
    let one = fixture.entity("component:default/one").unwrap();
    let relations = json!([
        {"type": "ownedBy", "targetRef": "group:default/team"},
        {"type": "providesApi", "targetRef": "api:default/other"},
        {"type": "providesApi", "targetRef": "api:default/pay"},
    ]);
    assert_eq!(one.entity().0["relations"], relations);
    assert_eq!(one.entity().at(&["spec", "providesApis"]), Some(&json!(["other", "pay"])));
    assert_eq!(one.entity().namespace(), "default");
    let folder = fixture.folder.path().display();
    assert_eq!(one.entity().annotation(entity::MANAGED_BY_LOCATION), Some(&*format!("file:{folder}/a.yaml")));
    assert_eq!(one.entity().annotation(entity::MANAGED_BY_ORIGIN_LOCATION), Some(&*fixture.source()));
    assert_eq!(serde_json::from_slice::<Entity>(&one.json).unwrap(), one.entity());
    let pay = fixture.entity("api:default/pay").unwrap();
    assert_eq!(pay.entity().text(&["spec", "definition"]), Some("openapi: 3.1.0\n"));
    assert!(
        pay.entity()
            .relations()
            .iter()
            .any(|relation| relation.kind == "apiProvidedBy" && relation.target == "component:default/one")
    );
    let chain = fixture.catalog.ancestry(&fixture.who, &"component:default/two".parse().unwrap());
    let chain: Vec<String> = chain.iter().map(|(record, _)| record.reference.to_string()).collect();
    let root = LocationRef::parse(&fixture.source()).unwrap().entity_name();
    assert_eq!(chain, ["component:default/two", "location:default/more", &*format!("location:default/{root}")]);
    assert_eq!(fixture.problems().await, []);
}

#[tokio::test]
async fn what_changes_is_written_and_what_does_not_is_not() {
    let fixture = Fixture::with_files(&[("a.yaml", &component("one", "")), ("b.yaml", &component("two", ""))]).await;
    let before = fixture.entity("component:default/one").unwrap();
    let sequence = fixture.catalog.index().sequence();
    fixture.reread().await;
    assert_eq!(fixture.catalog.index().sequence(), sequence);
    fixture.write("a.yaml", &component("one", "  system: shop\n"));
    fixture.reread().await;
    let after = fixture.entity("component:default/one").unwrap();
    assert_eq!(after.uid, before.uid);
    assert_ne!(after.etag(), before.etag());
    assert_eq!(fixture.operations("component:default/one").await, [Operation::Update, Operation::Insert]);
    assert_eq!(fixture.operations("component:default/two").await, [Operation::Insert]);
    fixture.write("a.yaml", &component("one", ""));
    fixture.reread().await;
    assert_eq!(fixture.entity("component:default/one").unwrap().etag(), before.etag());
}

#[tokio::test]
async fn what_is_dropped_from_a_file_goes() {
    let both = component("one", "") + &component("two", "");
    let fixture = Fixture::with_files(&[("a.yaml", &both), ("b.yaml", &component("three", ""))]).await;
    fixture.write("a.yaml", &component("one", ""));
    fixture.reread().await;
    assert_eq!(fixture.references(), ["component:default/one", "component:default/three"]);
    fixture.remove("b.yaml");
    fixture.reread().await;
    assert_eq!(fixture.references(), ["component:default/one"]);
    assert_eq!(fixture.operations("component:default/two").await, [Operation::Delete, Operation::Insert]);
}

#[tokio::test]
async fn orphans_may_be_kept() {
    let both = component("one", "") + &component("two", "");
    let fixture = Fixture::with_config(&[("a.yaml", &both)], json!({"orphanStrategy": "keep"})).await;
    fixture.write("a.yaml", &component("one", ""));
    fixture.reread().await;
    let two = fixture.entity("component:default/two").unwrap();
    assert_eq!(two.entity().annotation("backstage.io/orphan"), Some("true"));
    fixture.write("a.yaml", &both);
    fixture.reread().await;
    let back = fixture.entity("component:default/two").unwrap();
    assert_eq!((back.uid, back.entity().annotation("backstage.io/orphan")), (two.uid, None));
}

#[tokio::test]
async fn an_invalid_entity_keeps_its_last_good_version() {
    let fixture = Fixture::with_files(&[("a.yaml", &component("one", "")), ("b.yaml", &component("two", ""))]).await;
    let good = fixture.entity("component:default/one").unwrap();
    let broken = component("one", "").replace("  owner: team\n", "  owner: 5\n");
    fixture.write("a.yaml", &broken);
    fixture.reread().await;
    let shown = fixture.entity("component:default/one").unwrap();
    assert_eq!(shown.entity().text(&["spec", "owner"]), Some("team"));
    assert_ne!(shown.etag(), good.etag());
    let message = "Processor BuiltinKindsEntityProcessor threw an error while validating the entity component:default/one; caused by TypeError: /spec/owner must be string - type: string";
    let item = json!({
        "type": "backstage.io/catalog-processing", "level": "error", "message": format!("InputError: {message}"),
        "error": {"name": "InputError", "message": message,
                  "cause": {"name": "TypeError", "message": "/spec/owner must be string - type: string"}}
    });
    assert_eq!(shown.entity().0["status"], json!({"items": [item]}));
    let problems = fixture.problems().await;
    assert_eq!(problems.len(), 1);
    let problem = &problems[0];
    assert_eq!(problem.entity.as_deref(), Some("component:default/one"));
    assert_eq!((problem.line, problem.column), (Some(8), Some(3)));
    assert!(problem.location.ends_with("/a.yaml"), "{}", problem.location);
    fixture.write("b.yaml", &component("two", "  system: x\n"));
    fixture.reread().await;
    assert_eq!(fixture.problems().await[0].since, problem.since);
    fixture.write("a.yaml", &component("one", ""));
    fixture.reread().await;
    assert_eq!(fixture.entity("component:default/one").unwrap().etag(), good.etag());
    assert_eq!(fixture.problems().await, []);
}

#[tokio::test]
async fn a_broken_file_changes_nothing_that_is_known_from_it() {
    let both = component("one", "") + &component("two", "");
    let fixture = Fixture::with_files(&[
        ("a.yaml", &both),
        ("nested.yaml", &location("more", "[./more/three.yml]")),
        ("more/three.yml", &component("three", "")),
    ])
    .await;
    let all = fixture.references();
    // Broken YAML in the second document, a child file that is gone, the location's own file broken.
    let steps: [(&str, String); 2] = [
        ("a.yaml", component("one", "  system: new\n") + "kind: Component\nspec: [x\n"),
        ("nested.yaml", "kind: Location\n  bad".to_owned()),
    ];
    for (file, content) in steps {
        fixture.write(file, &content);
        fixture.reread().await;
        assert_eq!(fixture.references(), all, "{file}");
    }
    let one = fixture.entity("component:default/one").unwrap();
    assert_eq!(one.entity().at(&["spec", "system"]), None);
    fixture.remove("more/three.yml");
    fixture.write("nested.yaml", &location("more", "[./more/three.yml]"));
    fixture.reread().await;
    assert_eq!(fixture.references(), all);
    let more = fixture.entity("location:default/more").unwrap();
    let message = more.entity().at(&["status", "items"]).unwrap()[0]["message"].clone();
    let missing = format!("NotFoundError: file {}/more/three.yml does not exist", fixture.folder.path().display());
    assert_eq!(message, json!(missing));
}

#[tokio::test]
async fn a_file_broken_from_the_start_is_a_problem_and_its_neighbours_are_fine() {
    let template = "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata:\n  name: service\nspec:\n  type: service\n  steps: [\n";
    let fixture = Fixture::with_files(&[("good.yaml", &component("one", "")), ("template.yaml", template)]).await;
    assert_eq!(fixture.references(), ["component:default/one"]);
    let problems = fixture.problems().await;
    assert_eq!(problems.len(), 1);
    assert_eq!((problems[0].kind.as_deref(), problems[0].name.as_deref()), (Some("Template"), Some("service")));
    assert_eq!((problems[0].line, problems[0].column), (Some(7), Some(10)));
    assert!(problems[0].location.ends_with("/template.yaml"));
}

#[tokio::test]
async fn a_location_that_names_something_missing_brings_nothing() {
    let fixture = Fixture::with_files(&[
        (
            "all.yaml",
            &(location("broken", "[./more/one.yml, ./more/gone.yml]") + &location("fine", "[./more/two.yml]")),
        ),
        ("more/one.yml", &component("one", "")),
        ("more/two.yml", &component("two", "")),
        (
            "optional.yaml",
            &location("optional", "[./more/gone.yml, ./more/none-*.yml]")
                .replace("spec:\n", "spec:\n  presence: optional\n"),
        ),
    ])
    .await;
    assert_eq!(fixture.references(), ["component:default/two"]);
    assert!(fixture.entity("location:default/broken").is_none());
    assert!(fixture.entity("location:default/fine").is_some());
    assert!(fixture.entity("location:default/optional").is_some());
    let problems = fixture.problems().await;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].entity.as_deref(), Some("location:default/broken"));
    assert_eq!(problems[0].error_name, "NotFoundError");
}

#[tokio::test]
async fn templates_keep_positions_and_version() {
    let template = "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata:\n  name: service\nspec:\n  type: service\n  steps:\n    - action: debug:log\n";
    let fixture = Fixture::with_files(&[("template.yaml", template)]).await;
    let catalog = fixture.reopen().await;
    let record = catalog.entity(&fixture.who, &"template:default/service".parse().unwrap()).unwrap();
    let position = record.positions.as_ref().unwrap().value("/spec/steps/0/action").unwrap();
    assert_eq!((position.line, position.column), (8, 15));
    assert!(record.version.is_some());
}

#[tokio::test]
async fn a_tree_is_read_relative_to_a_file() {
    let fixture = Fixture::with_files(&[("t.yaml", ""), ("skeleton/src/a.rs", "fn"), ("skeleton/run.sh", "#!")]).await;
    std::os::unix::fs::symlink("run.sh", fixture.folder.path().join("skeleton/link")).unwrap();
    std::fs::set_permissions(
        fixture.folder.path().join("skeleton/run.sh"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let base = format!("file:{}/t.yaml", fixture.folder.path().display());
    let tree = fixture.catalog.reader().read_tree(&base, "./skeleton").await.unwrap();
    let shown: Vec<String> =
        tree.files.iter().map(|file| format!("{} {:?} {}", file.path, file.mode, file.bytes.len())).collect();
    assert_eq!(shown, ["link Symlink 6", "run.sh Executable 2", "src/a.rs Regular 2"]);
    let again = fixture.catalog.reader().read_tree(&base, "skeleton/").await.unwrap();
    assert_eq!(tree.version, again.version);
    fixture.write("skeleton/src/a.rs", "gn");
    assert_ne!(fixture.catalog.reader().read_tree(&base, "./skeleton").await.unwrap().version, tree.version);
    assert!(fixture.catalog.reader().read_tree(&base, "./gone").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_changed_model_checks_and_relates_again_at_the_next_reading() {
    let cluster = "apiVersion: acme.example/v1\nkind: Cluster\nmetadata:\n  name: eu\nspec:\n  region: eu\n---\n";
    let fixture = Fixture::with_files(&[("a.yaml", &component("one", "  runsIn: eu\n")), ("b.yaml", cluster)]).await;
    assert_eq!(fixture.references(), ["component:default/one"]);
    assert_eq!(fixture.problems().await.len(), 1);
    let model = json!({"model": {"kinds": [
        {"kind": "Cluster", "apiVersions": ["acme.example/v1"], "schema": {"required": ["region"]}},
        {"kind": "Component", "relationFields": [
            {"path": "spec.runsIn", "relation": "runsIn", "reverse": "hosts", "defaultKind": "Cluster"}]}
    ]}});
    let other = open(&fixture.database, &fixture.forge, fixture.folder.path(), model).await;
    other.read_source(&fixture.source()).await.unwrap();
    assert_eq!(references(&other), ["cluster:default/eu", "component:default/one"]);
    let shown = |catalog: &Catalog, reference: &str| -> Vec<String> {
        let record = catalog.entity(&fixture.who, &reference.parse().unwrap()).unwrap();
        record.entity().relations().iter().map(|relation| format!("{} {}", relation.kind, relation.target)).collect()
    };
    assert_eq!(shown(&other, "cluster:default/eu"), ["hosts component:default/one"]);
    assert_eq!(shown(&other, "component:default/one"), ["ownedBy group:default/team", "runsIn cluster:default/eu"]);
    assert_eq!(fixture.problems().await, []);
    let sequence = other.index().sequence();
    other.read_source(&fixture.source()).await.unwrap();
    assert_eq!(other.index().sequence(), sequence);
}
