//! The versions of a definition.

use super::Fixture;

#[tokio::test]
async fn an_outline_has_all_but_the_definition() {
    let fixture = Fixture::with_files(&[("a.yaml", &api("one", "x"))]).await;
    let record = fixture.entity("api:default/a").unwrap();
    let (whole, outline) = (record.entity(), record.outline());
    assert_eq!(whole.text(&["spec", "definition"]), Some("one"));
    assert_eq!(outline.text(&["spec", "definition"]), Some(""));
    let mut emptied = whole;
    emptied.0["spec"]["definition"] = "".into();
    assert_eq!(emptied, outline);
}

fn api(definition: &str, description: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {{name: a, description: {description}}}\nspec:\n  type: openapi\n  lifecycle: production\n  owner: team\n  definition: '{definition}'\n"
    )
}

#[tokio::test]
async fn only_changes_of_the_definition_are_versions() {
    let fixture = Fixture::with_files(&[("a.yaml", &api("one", "x"))]).await;
    for (definition, description) in [("one", "y"), ("two", "y"), ("two", "z"), ("one", "z")] {
        fixture.write("a.yaml", &api(definition, description));
        fixture.reread().await;
    }
    let reference = "api:default/a".parse().unwrap();
    let versions = fixture.catalog.definition_versions(&fixture.who, &reference).await.unwrap();
    assert_eq!(versions.len(), 3);
    let mut texts = Vec::new();
    for version in &versions {
        let document = fixture.catalog.document_at(&fixture.who, &reference, version.sequence).await.unwrap();
        texts.push(document.unwrap()["spec"]["definition"].as_str().unwrap().to_owned());
    }
    assert_eq!(texts, ["one", "two", "one"]);
    assert!(versions.is_sorted_by(|newer, older| newer.sequence > older.sequence));
    let other = "api:default/b".parse().unwrap();
    assert!(fixture.catalog.definition_versions(&fixture.who, &other).await.unwrap().is_empty());
}
