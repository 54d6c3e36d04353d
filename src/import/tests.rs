//! Looking at an organisation on the model of GitHub; skipped where that is not installed.

use serde_json::{Value, json};

use super::*;
use crate::catalog::CatalogConfig;
use crate::db::testing::database;
use crate::forge::github::testing::{World, acme};

const PAY: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: pay }\nspec: { type: service, lifecycle: production, owner: platform }\n";

#[tokio::test]
async fn a_part_of_an_organisation_is_looked_at_with_one_request_beside_the_list() {
    let mut wanted = acme();
    let mut repositories: Vec<Value> =
        (0..117).map(|at| json!({"owner": "acme", "name": format!("x{at:03}"), "files": {"README.md": "x"}})).collect();
    repositories.extend([
        json!({"owner": "acme", "name": "a-pay", "files": {"catalog-info.yaml": PAY, "README.md": "x"}}),
        json!({"owner": "acme", "name": "b-old", "archived": true, "files": {"README.md": "x"}}),
        json!({"owner": "acme", "name": "c-empty"}),
    ]);
    wanted["repositories"] = json!(repositories);
    let Some(world) = World::new(wanted).await else { return };
    let database = database().await;
    let pool = database.pool().clone();
    let forges = Forges::new([Arc::new(World::github(&world.with_app())) as Arc<dyn Forge>]);
    let catalog = Catalog::open(pool.clone(), forges.clone(), CatalogConfig::default()).await.unwrap();
    let imports = Imports::new(pool, catalog, forges, Author::default());
    let who = Credentials::service("test");
    let address = format!("http://{}/acme", world.host());
    // Who the portal is there is found out once.
    imports.survey(&who, &address, 1).await.unwrap();
    world.requests().await;
    let mut found = Vec::new();
    for part in 1..=3 {
        let survey = imports.survey(&who, &address, part).await.unwrap();
        assert_eq!((survey.part, survey.total), ((part, 3), 120));
        found.extend(survey.repositories);
    }
    let of = |name: &str| {
        let found = found.iter().find(|one| one.repository.id.name() == name).unwrap();
        found.found.clone()
    };
    let Found::Descriptors(pay) = of("a-pay") else { panic!("{:?}", of("a-pay")) };
    assert_eq!((pay[0].entities[0].as_str(), pay[0].is_known), ("component:default/pay", false));
    assert!(pay[0].target.ends_with("/acme/a-pay/blob/main/catalog-info.yaml"), "{}", pay[0].target);
    assert_eq!(of("b-old"), Found::Unreadable("it is archived, so it takes no pull request".to_owned()));
    assert_eq!([of("c-empty"), of("x000")], [Found::Empty, Found::Nothing]);
    let asked = world.requests().await;
    let lists = asked.iter().filter(|line| line.starts_with("GET /orgs/acme/repos 304")).count();
    let looks = asked.iter().filter(|line| line.starts_with("POST /graphql 200")).count();
    assert!(looks == 3 && lists >= 3 && asked.len() <= 12, "{asked:#?}");
    world.assert_lawful().await;
}
