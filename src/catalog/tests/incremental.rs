//! What did not change is neither read nor written again.

use super::*;
use crate::catalog::walk::Seen;

impl Fixture {
    /// The files of the configured source as they are remembered, by name.
    async fn seen(&self) -> Vec<(String, Seen)> {
        let before = store::before(self.database.pool(), &self.source()).await.unwrap();
        let name = |seen: &Seen| seen.location.rsplit('/').next().unwrap().to_owned();
        let mut seen: Vec<_> = before.files.into_values().map(|seen| (name(&seen), seen)).collect();
        seen.sort_by(|a, b| a.0.cmp(&b.0));
        seen
    }

    /// Lets every file look as if it had been there for long, and reads everything again.
    async fn settle(&self) {
        for entry in std::fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap) {
            if entry.path().is_file() {
                let file = std::fs::File::options().append(true).open(entry.path()).unwrap();
                file.set_modified(std::time::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123)).unwrap();
            }
        }
        self.reread().await;
    }

    /// What the next reading finds to be done.
    async fn walk(&self) -> walk::Walk {
        let before = store::before(self.database.pool(), &self.source()).await.unwrap();
        let root = LocationRef::parse(&self.source()).unwrap();
        walk::walk(self.catalog.reader(), &self.catalog.inner.config, &root, &before).await
    }

    /// The names of the files that the next reading would read again.
    async fn read_again(&self) -> Vec<String> {
        let walk = self.walk().await;
        let read = walk.seen.iter().filter(|seen| !walk.kept.contains(&seen.location));
        read.map(|seen| seen.location.rsplit('/').next().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_file_is_read_again_only_when_it_or_what_it_includes_changed() {
    let api = "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata:\n  name: pay\nspec:\n  type: openapi\n  lifecycle: production\n  owner: team\n  definition:\n    $text: ./pay.yml\n";
    let fixture = Fixture::with_files(&[
        ("a.yaml", &component("one", "")),
        ("b.yaml", api),
        ("pay.yml", "openapi: 3.1.0\n"),
        ("c.yaml", &location("more", "[./two.yml]")),
        ("two.yml", &component("two", "")),
    ])
    .await;
    fixture.settle().await;
    assert_eq!(fixture.read_again().await, Vec::<String>::new());
    let sequence = fixture.catalog.index().sequence();
    let steps: [(&str, String, &[&str]); 4] = [
        ("a.yaml", component("one", "  system: shop\n"), &["a.yaml"]),
        ("pay.yml", "openapi: 3.1.1\n".to_owned(), &["b.yaml"]),
        ("two.yml", component("two", "  system: shop\n"), &["two.yml"]),
        (
            "c.yaml",
            location("more", "[./two.yml, ./none.yml]").replace("spec:\n", "spec:\n  presence: optional\n"),
            &["c.yaml"],
        ),
    ];
    for (step, (name, content, expected)) in (1..).zip(steps) {
        fixture.write(name, &content);
        assert_eq!(fixture.read_again().await, expected, "{name}");
        fixture.reread().await;
        assert_eq!(fixture.catalog.index().sequence(), sequence + step, "{name} changes one entity");
        fixture.settle().await;
    }
    let two = fixture.entity("component:default/two").unwrap();
    assert_eq!(two.entity().text(&["spec", "system"]), Some("shop"));
    fixture.remove("two.yml");
    fixture.reread().await;
    assert!(fixture.entity("component:default/two").is_none());
    assert_eq!(fixture.problems().await, []);
    let names: Vec<String> = fixture.seen().await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a.yaml", "b.yaml", "c.yaml"]);
}

#[tokio::test]
async fn the_same_content_under_a_new_date_is_not_parsed() {
    let fixture = Fixture::with_files(&[("a.yaml", &component("one", ""))]).await;
    fixture.settle().await;
    let before = fixture.seen().await;
    fixture.write("a.yaml", &component("one", ""));
    assert_eq!(fixture.read_again().await, Vec::<String>::new());
    fixture.settle().await;
    let after = fixture.seen().await;
    assert_eq!(after[0].1.version, before[0].1.version);
    assert_ne!(after[0].1.stamp, before[0].1.stamp);
}

#[tokio::test]
async fn a_claim_within_a_source_waits_without_being_read_until_something_changes() {
    let fixture = Fixture::with_files(&[
        ("a.yaml", &component("one", "")),
        ("b.yaml", &component("one", "  system: other\n")),
        ("c.yaml", &component("three", "  system: 5\n")),
    ])
    .await;
    fixture.settle().await;
    assert_eq!(fixture.read_again().await, Vec::<String>::new());
    let problems = fixture.problems().await;
    fixture.reread().await;
    assert_eq!(fixture.problems().await, problems);
    // The first keeps the name, though it is not read again when the second changes.
    fixture.write("b.yaml", &component("one", "  system: another\n"));
    fixture.reread().await;
    assert_eq!(fixture.entity("component:default/one").unwrap().entity().at(&["spec", "system"]), None);
    // A file that comes before one that was kept does not take its names either.
    fixture.write("0.yaml", &component("one", "  system: early\n"));
    fixture.reread().await;
    assert_eq!(fixture.entity("component:default/one").unwrap().entity().at(&["spec", "system"]), None);
    assert!(fixture.problems().await.iter().any(|problem| problem.location.ends_with("/0.yaml")));
    fixture.remove("a.yaml");
    fixture.reread().await;
    let one = fixture.entity("component:default/one").unwrap();
    assert_eq!(one.entity().text(&["spec", "system"]), Some("early"));
}

#[tokio::test]
async fn other_rules_read_everything_again() {
    let fixture = Fixture::with_files(&[("a.yaml", &component("one", ""))]).await;
    fixture.settle().await;
    let strict = json!({"rules": [{"allow": ["API", "Location"]}]});
    let other = open(&fixture.database, &fixture.forge, fixture.folder.path(), strict).await;
    other.read_source(&fixture.source()).await.unwrap();
    let problems = other.problems(&fixture.who).await.unwrap();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].error_name, "NotAllowedError");
}

#[tokio::test]
async fn a_deleted_entity_comes_back_from_a_file_that_did_not_change() {
    let fixture = Fixture::with_files(&[("a.yaml", &(component("one", "") + &component("two", "")))]).await;
    fixture.settle().await;
    let one = fixture.entity("component:default/one").unwrap();
    fixture.catalog.delete(&fixture.who, one.uid).await.unwrap();
    assert_eq!(fixture.references(), ["component:default/two"]);
    fixture.catalog.read_due().await.unwrap();
    let again = fixture.entity("component:default/one").unwrap();
    assert_ne!(again.uid, one.uid);
    assert_eq!(fixture.operations("component:default/two").await, [Operation::Insert]);
}

#[tokio::test]
async fn a_reading_that_was_overtaken_is_not_written() {
    let fixture = Fixture::with_files(&[("a.yaml", &component("one", ""))]).await;
    let source = store::source(fixture.database.pool(), &fixture.source()).await.unwrap().unwrap();
    let now = Utc::now();
    let reading = store::Reading { digest: "x", failures: 0, is_slow: false, at: now, next: now, asked_at: None };
    let pool = fixture.database.pool();
    assert!(store::set_read(pool, &fixture.source(), source.revision, &reading).await.unwrap());
    assert!(!store::set_read(pool, &fixture.source(), source.revision, &reading).await.unwrap());
}

#[tokio::test]
async fn orphans_that_are_kept_come_back_with_their_file() {
    let files = [("a.yaml", &*component("one", "")), ("b.yaml", &component("two", ""))];
    let fixture = Fixture::with_config(&files, json!({"orphanStrategy": "keep"})).await;
    fixture.settle().await;
    let aside = fixture.folder.path().join("aside");
    std::fs::rename(fixture.folder.path().join("b.yaml"), &aside).unwrap();
    fixture.reread().await;
    let orphan = fixture.entity("component:default/two").unwrap();
    assert_eq!(orphan.entity().annotation("backstage.io/orphan"), Some("true"));
    std::fs::rename(aside, fixture.folder.path().join("b.yaml")).unwrap();
    fixture.reread().await;
    let back = fixture.entity("component:default/two").unwrap();
    assert_eq!((back.uid, back.entity().annotation("backstage.io/orphan")), (orphan.uid, None));
}

/// A file that is no YAML, one with an invalid entity, one with a claim, and one that is right.
fn flawed() -> [(&'static str, String); 4] {
    [
        ("a.yaml", component("one", "")),
        ("b.yaml", "kind: [\n".to_owned()),
        ("c.yaml", component("two", "  system: 5\n") + &component("three", "")),
        ("d.yaml", component("one", "  system: other\n")),
    ]
}

#[tokio::test]
async fn what_is_broken_is_told_again_without_being_parsed_again() {
    let files = flawed();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let fixture = Fixture::with_files(&files).await;
    fixture.settle().await;
    let (problems, sequence) = (fixture.problems().await, fixture.catalog.index().sequence());
    let told: Vec<(&str, Option<&str>)> =
        problems.iter().map(|problem| (problem.error_name.as_str(), problem.entity.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("Error", None),
            ("InputError", Some("component:default/two")),
            ("ConflictError", Some("component:default/one")),
        ]
    );
    assert_eq!(fixture.read_again().await, Vec::<String>::new());
    // A reading that remembers finds what one finds that does not.
    let root = LocationRef::parse(&fixture.source()).unwrap();
    let (reader, config) = (fixture.catalog.reader(), &fixture.catalog.inner.config);
    let anew = walk::walk(reader, config, &root, &walk::Before::default()).await;
    let again = fixture.walk().await;
    assert_eq!(again.digest, anew.digest);
    let texts = |walk: &walk::Walk| walk.troubles.iter().map(|trouble| format!("{trouble:?}")).collect::<Vec<_>>();
    assert_eq!(texts(&again), texts(&anew));

    for _ in 0..2 {
        fixture.reread().await;
        assert_eq!(fixture.problems().await, problems, "with the time when it was first seen");
    }
    let other = fixture.reopen().await;
    other.read_due().await.unwrap();
    assert_eq!(other.problems(&fixture.who).await.unwrap(), problems);
    // Also when something else changes.
    fixture.write("a.yaml", &component("one", "  system: shop\n"));
    assert_eq!(fixture.read_again().await, ["a.yaml"]);
    fixture.reread().await;
    assert_eq!(fixture.problems().await, problems);
    assert_eq!(fixture.catalog.index().sequence(), sequence + 1);
    fixture.settle().await;

    fixture.write("b.yaml", &component("four", ""));
    fixture.write("c.yaml", &component("two", ""));
    fixture.remove("a.yaml");
    fixture.reread().await;
    assert_eq!(fixture.problems().await, []);
    assert_eq!(fixture.references(), ["component:default/four", "component:default/one", "component:default/two"]);
}

#[tokio::test]
async fn a_good_version_outlives_readings_of_a_broken_file_that_does_not_change() {
    let fixture = Fixture::with_files(&[
        ("a.yaml", &(component("one", "") + &location("more", "[./two.yml]"))),
        ("two.yml", &component("two", "")),
        ("b.yaml", &component("three", "")),
    ])
    .await;
    fixture.settle().await;
    let all = ["component:default/one", "component:default/three", "component:default/two"];
    fixture.write("a.yaml", "kind: [\n");
    fixture.write("b.yaml", &component("three", "  system: 5\n"));
    for _ in 0..3 {
        fixture.settle().await;
        assert_eq!(fixture.references(), all);
    }
    assert_eq!(fixture.read_again().await, Vec::<String>::new());
    let has_error = |reference: &str| fixture.entity(reference).unwrap().entity().at(&["status", "items"]).is_some();
    assert!(has_error("component:default/three"));
    let root = LocationRef::parse(&fixture.source()).unwrap().entity_name();
    assert!(has_error(&format!("location:default/{root}")));
    // Something else changes: what is broken stays as it is.
    fixture.write("c.yaml", &component("four", ""));
    fixture.reread().await;
    assert_eq!(fixture.references().len(), 4);
    fixture.write("a.yaml", &component("one", ""));
    fixture.write("b.yaml", &component("three", ""));
    fixture.reread().await;
    assert_eq!(fixture.references(), ["component:default/four", "component:default/one", "component:default/three"]);
    assert_eq!(fixture.problems().await, []);
    assert!(!has_error("component:default/three"));
}

#[tokio::test]
async fn a_file_that_wants_something_missing_is_read_until_it_is_there() {
    let api = "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata:\n  name: pay\nspec:\n  type: openapi\n  lifecycle: production\n  owner: team\n  definition:\n    $text: ./pay.yml\n";
    let fixture = Fixture::with_files(&[("a.yaml", api), ("b.yaml", &component("one", ""))]).await;
    fixture.settle().await;
    let problems = fixture.problems().await;
    assert_eq!(fixture.read_again().await, ["a.yaml"]);
    fixture.reread().await;
    assert_eq!(fixture.problems().await, problems);
    fixture.write("pay.yml", "openapi: 3.1.0\n");
    fixture.reread().await;
    assert_eq!(fixture.references(), ["api:default/pay", "component:default/one"]);
    assert_eq!(fixture.problems().await, []);
}

#[tokio::test]
async fn a_claim_to_the_name_of_another_source_is_not_parsed_again_until_the_name_is_free() {
    let fixture = Fixture::with_files(&[("a.yaml", &component("one", "")), ("b.yaml", &component("two", ""))]).await;
    let claim = component("one", "  system: other\n") + &component("three", "");
    fixture.commit("acme/pay", &[("catalog-info.yaml", &claim)]).await;
    let registered = fixture.register("https://local/acme/pay/blob/main/catalog-info.yaml").await.unwrap();
    let source = registered.location.reference();
    let read_again = async || {
        let before = store::before(fixture.database.pool(), &source).await.unwrap();
        let root = LocationRef::parse(&source).unwrap();
        let walk = walk::walk(fixture.catalog.reader(), &fixture.catalog.inner.config, &root, &before).await;
        walk.seen.len()
    };
    assert_eq!(read_again().await, 0);
    let problems = fixture.problems().await;
    fixture.catalog.read_source(&source).await.unwrap();
    assert_eq!(fixture.problems().await, problems);
    fixture.remove("a.yaml");
    fixture.reread().await;
    fixture.catalog.read_due().await.unwrap();
    assert_eq!(*fixture.entity("component:default/one").unwrap().source, source);
    assert_eq!(fixture.problems().await, []);
    assert_eq!(read_again().await, 0);
}
