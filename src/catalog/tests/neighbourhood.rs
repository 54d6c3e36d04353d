//! Walks along relations.

use super::{Fixture, component};
use crate::catalog::{Neighbourhood, Walk};

const CHAIN: &str =
    "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: team}\nspec: {type: team, children: []}\n---\n";

async fn chain() -> Fixture {
    let files: String = (0..5)
        .map(|number| component(&format!("c{number}"), &format!("  dependsOn: [component:c{}]\n", number + 1)))
        .collect();
    Fixture::with_files(&[("chain.yaml", &files), ("team.yaml", CHAIN)]).await
}

fn names(found: &Neighbourhood) -> Vec<(String, usize)> {
    found.met.iter().map(|met| (met.reference.to_string(), met.distance)).collect()
}

#[tokio::test]
async fn relations_are_followed_nearest_first_and_end_where_nothing_is() {
    let fixture = chain().await;
    let start = ["component:default/c3".parse().unwrap()];
    let walk = |depth, relations: &[&str]| Walk {
        depth,
        limit: 100,
        kinds: Vec::new(),
        relations: relations.iter().map(ToString::to_string).collect(),
    };
    let found = fixture.catalog.neighbourhood(&fixture.who, &start, &walk(9, &["dependsOn"]));
    let expected = [("component:default/c3", 0), ("component:default/c4", 1), ("component:default/c5", 2)];
    assert_eq!(names(&found), expected.map(|(name, distance)| (name.to_owned(), distance)));
    assert!(found.met[2].record.is_none(), "c5 is only referred to");
    assert_eq!(found.met[2].through, Some(1));
    assert_eq!(found.links.len(), 2);
    assert!(!found.is_cut);

    let found = fixture.catalog.neighbourhood(&fixture.who, &start, &walk(1, &["dependencyOf", "dependsOn"]));
    assert_eq!(found.met.len(), 3, "{:?}", names(&found));
    // c4 shows its own relation to c3.
    assert_eq!(found.links.len(), 4);
}

#[tokio::test]
async fn kinds_and_limits_are_kept() {
    let fixture = chain().await;
    let start = ["group:default/team".parse().unwrap()];
    let walk = Walk { depth: 3, limit: 3, ..Walk::default() };
    let found = fixture.catalog.neighbourhood(&fixture.who, &start, &walk);
    assert_eq!(found.met.len(), 3);
    assert!(found.is_cut);
    let walk = Walk { depth: 3, limit: 50, kinds: vec!["group".to_owned()], ..Walk::default() };
    let found = fixture.catalog.neighbourhood(&fixture.who, &start, &walk);
    assert_eq!(names(&found), [("group:default/team".to_owned(), 0)]);
    assert!(!found.is_cut);
    let nobody = fixture.catalog.neighbourhood(&fixture.who, &["api:default/none".parse().unwrap()], &walk);
    assert!(nobody.met[0].record.is_none() && nobody.links.is_empty());
}
