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
async fn a_file_of_which_something_is_missing_is_looked_at_again() {
    let fixture = Fixture::with_files(&[
        ("a.yaml", &component("one", "")),
        ("b.yaml", &component("one", "  system: other\n")),
        ("c.yaml", &component("three", "  system: 5\n")),
    ])
    .await;
    fixture.settle().await;
    assert_eq!(fixture.read_again().await, ["b.yaml", "c.yaml"]);
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
    let reading = store::Reading { digest: "x", failures: 0, is_slow: false, at: now, next: now };
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
