//! Who has what in a small organisation, and handing something over on the local forge.

use super::*;
use crate::catalog::{CatalogConfig, Registration};
use crate::db::testing::{TestDatabase, database};
use crate::forge::testing::{new_commit, new_repository, tree};
use crate::forge::{LocalForge, RepositoryId};

const FILE: &str = r"
kind: Group
metadata: { name: acme }
spec: { type: company, children: [] }
---
kind: Group
metadata: { name: shop }
spec: { type: team, parent: acme, children: [] }
---
kind: Group
metadata: { name: carts }
spec: { type: team, parent: shop, children: [] }
---
kind: User
metadata: { name: jo }
spec: { memberOf: [carts] }
---
kind: User
metadata: { name: sam }
spec: { memberOf: [] }
---
# The cart.
kind: Component
metadata: { name: cart }
spec:
  type: service
  lifecycle: deprecated
  owner: carts # for now
  dependsOn: ['resource:basket']
---
kind: Component
metadata: { name: web }
spec: { type: website, lifecycle: production, owner: 'group:shop' }
---
kind: Component
metadata: { name: jos-tool }
spec: { type: tool, lifecycle: production, owner: 'user:jo' }
---
kind: Component
metadata: { name: left-over }
spec: { type: tool, lifecycle: production, owner: gone }
---
kind: Resource
metadata: { name: basket }
spec: { type: database, owner: gone }
---
kind: System
metadata: { name: island }
spec: { owner: carts }
";

struct World {
    ownership: Ownership,
    catalog: Catalog,
    forge: LocalForge,
    who: Credentials,
    _database: TestDatabase,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let (database, folder) = (database().await, tempfile::tempdir().unwrap());
        let base = Url::parse("http://portal.example:7007").unwrap();
        let forge = LocalForge::open(folder.path().to_path_buf(), base).unwrap();
        let id: RepositoryId = "acme/catalog".parse().unwrap();
        forge.create(new_repository(&id)).await.unwrap();
        let text = FILE.replace("kind: ", "apiVersion: backstage.io/v1alpha1\nkind: ");
        let commit = new_commit("main", Parent::Root, tree(&[("all.yaml", &text)]), "start");
        forge.commit(&id, commit).await.unwrap();
        let forges = Forges::new([Arc::new(forge.clone()) as Arc<dyn Forge>]);
        let rules = "rules: [{ allow: [Component, System, Resource, Group, User, Location] }]";
        let config: CatalogConfig = serde_yaml::from_str(rules).unwrap();
        let catalog = Catalog::open(database.pool().clone(), forges.clone(), config).await.unwrap();
        let jo: EntityRef = "user:default/jo".parse().unwrap();
        let who = Credentials::user(jo.clone(), vec![jo]);
        let target = forge.canonical_url(&FileLocation::blob(id, "main", "all.yaml"));
        catalog.register(&who, "url", target.as_str(), Registration::Refresh).await.unwrap();
        let ownership = Ownership::new(catalog.clone(), forges);
        Self { ownership, catalog, forge, who, _database: database, _folder: folder }
    }

    fn record(&self, reference: &str) -> Arc<Record> {
        self.catalog.entity(&self.who, &reference.parse().unwrap()).unwrap()
    }

    fn estate(&self, reference: &str) -> Estate {
        self.ownership.estate(&self.who, &self.record(reference))
    }
}

#[tokio::test]
async fn a_group_owns_through_those_below_it() {
    let world = World::new().await;
    let texts = |refs: &[EntityRef]| refs.iter().map(ToString::to_string).collect::<Vec<_>>();
    let estate = world.estate("group:default/acme");
    assert_eq!(texts(&estate.through), ["group:default/acme", "group:default/shop", "group:default/carts"]);
    let components = KindCount { kind: "component".to_owned(), directly: 0, in_all: 2, deprecated: 1, broken: 0 };
    assert_eq!(estate.kinds[0], components);
    let near: Vec<_> = estate.neighbours.iter().map(|one| (one.record.reference.name(), &*one.relation)).collect();
    assert_eq!(near, [("basket", "dependencyOf")]);

    let estate = world.estate("user:default/jo");
    assert_eq!(texts(&estate.through), ["user:default/jo", "group:default/carts"]);
    assert_eq!((estate.kinds[0].directly, estate.kinds[0].in_all), (1, 2));
    assert!(world.estate("user:default/sam").kinds.is_empty());
}

#[tokio::test]
async fn the_tree_has_every_group_below_its_parent() {
    let world = World::new().await;
    let organisation = world.ownership.organisation(&world.who);
    let line = |node: &GroupNode| {
        (node.record.reference.name().to_owned(), node.depth, node.members, node.owned, node.owned_in_all)
    };
    let lines: Vec<_> = organisation.groups.iter().map(line).collect();
    let expected = [("acme", 0, 0, 0, 3), ("shop", 1, 0, 1, 3), ("carts", 2, 1, 2, 2)];
    assert_eq!(lines, expected.map(|(name, depth, members, owned, all)| (name.to_owned(), depth, members, owned, all)));
    assert_eq!((organisation.loose, organisation.unowned, organisation.lost), (1, 0, 2));
}

#[tokio::test]
async fn an_owner_is_proposed_in_the_file_itself() {
    let world = World::new().await;
    let (cart, shop) = (world.record("component:default/cart"), "group:default/shop".parse().unwrap());
    let url = world.ownership.transfer(&world.who, "Jo", &cart, &shop, "They asked for it.").await.unwrap();
    let id: RepositoryId = "acme/catalog".parse().unwrap();
    let pull = world.forge.pull_request(&id, 1).await.unwrap();
    assert_eq!(url, world.forge.pull_request_url(&id, 1));
    assert!(pull.body.contains("They asked for it.") && pull.body.contains("user:default/jo"), "{}", pull.body);
    // The file of the other writes whole references.
    let web = world.record("component:default/web");
    let draft = world.ownership.draft(&web, &"group:default/carts".parse().unwrap()).await.unwrap();
    assert!(draft.after.contains("owner: group:default/carts }"), "{}", draft.after);
    let file = world.forge.read(&id, &pull.head, "all.yaml").await.unwrap();
    let text = String::from_utf8(file.bytes.to_vec()).unwrap();
    assert!(text.contains("# The cart.") && text.contains("owner: shop # for now"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_handed_over_is_said() {
    let world = World::new().await;
    let cart = world.record("component:default/cart");
    let cases = [
        ("group:default/carts", "owns it already"),
        ("group:default/nobody", "catalog has no"),
        ("component:default/web", "cannot own"),
    ];
    for (owner, expected) in cases {
        let refused = world.ownership.draft(&cart, &owner.parse().unwrap()).await.unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
    }
    let service = Credentials::service("ci");
    let shop = "group:default/shop".parse().unwrap();
    let refused = world.ownership.transfer(&service, "ci", &cart, &shop, "").await.unwrap_err();
    assert!(refused.to_string().contains("signed-in"), "{refused}");
}
