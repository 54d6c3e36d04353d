//! Discovery on GitHub, and people and teams, against the model of GitHub; skipped where that is not installed.

use chrono::Utc;

use super::*;
use crate::forge::github::testing::World;
use crate::forge::{GitHub, Push, Told};

const DISCOVERY: &str = "github-provider:default";

/// A catalog that knows one GitHub.
struct OnGitHub {
    database: TestDatabase,
    world: World,
    github: GitHub,
    catalog: Catalog,
}

impl OnGitHub {
    /// With these repositories, each with these files, and a provider section that is told the host.
    async fn new(world: Value, providers: impl Fn(&World) -> Value) -> Option<Self> {
        let world = World::new(world).await?;
        let github = World::github(&world.with_app());
        let database = database().await;
        let catalog = open_on(&database, &github, providers(&world)).await;
        Some(Self { database, world, github, catalog })
    }

    /// What the provider of repositories finds now, with everything that is due because of it.
    async fn discover(&self) {
        self.catalog.read_source(DISCOVERY).await.unwrap();
        self.catalog.read_due().await.unwrap();
    }

    /// Makes every location due.
    async fn all_due(&self) {
        sqlx::query("UPDATE catalog_source SET next_read_at = NOW() WHERE NOT is_provider")
            .execute(self.database.pool())
            .await
            .unwrap();
    }

    fn references(&self) -> Vec<String> {
        references(&self.catalog)
    }

    fn title(&self, reference: &str) -> String {
        self.catalog.index().get_exact(reference).map_or_else(String::new, |record| record.title.to_string())
    }

    async fn problems(&self) -> Vec<String> {
        let problems = self.catalog.problems(&Credentials::service("test")).await.unwrap();
        problems.into_iter().map(|problem| problem.message).collect()
    }
}

async fn open_on(database: &TestDatabase, github: &GitHub, providers: Value) -> Catalog {
    let config: CatalogConfig = serde_json::from_value(json!({ "providers": providers })).unwrap();
    let forges = Forges::new([Arc::new(github.clone()) as Arc<dyn Forge>]);
    Catalog::open(database.pool().clone(), forges, config).await.unwrap()
}

fn titled(name: &str, title: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: {name}, title: {title} }}\nspec: {{ type: service, lifecycle: production, owner: platform }}\n"
    )
}

fn repository(name: &str, more: &Value) -> Value {
    let mut repository = json!({
        "owner": "acme", "name": name, "files": { "catalog-info.yaml": titled(name, "First"), "README.md": "# Read me\n" },
    });
    repository.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    repository
}

fn world(repositories: &[Value]) -> Value {
    let mut world = crate::forge::github::testing::acme();
    world["repositories"] = json!(repositories);
    world
}

fn of_acme(world: &World) -> Value {
    json!({ "github": { "host": world.host(), "organization": "acme" } })
}

#[tokio::test]
async fn a_thousand_repositories_are_looked_at_and_read_with_a_handful_of_requests() {
    let many = 1_000;
    let repositories: Vec<Value> =
        (0..many).map(|number| repository(&format!("service-{number}"), &json!({}))).collect();
    let Some(on) = OnGitHub::new(world(&repositories), of_acme).await else { return };
    on.catalog.read_due().await.unwrap();
    let first = on.world.requests().await.len();
    assert_eq!(on.references().len(), many);

    on.all_due().await;
    on.discover().await;
    let unchanged = on.world.requests().await;
    on.world.event(json!({"kind": "commit", "repository": "acme/service-7", "files": {"catalog-info.yaml": titled("service-7", "Second")}})).await;
    on.world.requests().await;
    on.all_due().await;
    on.discover().await;
    let one_changed = on.world.requests().await.len();
    println!(
        "requests for {many} repositories and their files: first {first}, nothing changed {}, one changed {one_changed}",
        unchanged.len()
    );
    assert_eq!(on.title("component:default/service-7"), "Second");
    assert!(unchanged.len() <= 25 && first <= 25 && one_changed <= 25, "{unchanged:#?}");
    on.world.assert_lawful().await;
}

#[tokio::test]
async fn what_is_gone_moved_or_archived_goes_and_comes() {
    let names = ["stays", "archived", "renamed", "deleted", "emptied"];
    let repositories: Vec<Value> = names.iter().map(|name| repository(name, &json!({}))).collect();
    let Some(on) = OnGitHub::new(world(&repositories), of_acme).await else { return };
    on.catalog.read_due().await.unwrap();
    assert_eq!(on.references().len(), 5);
    for event in [
        json!({"kind": "archive", "repository": "acme/archived"}),
        json!({"kind": "rename", "repository": "acme/renamed", "name": "other"}),
        json!({"kind": "delete", "repository": "acme/deleted"}),
        json!({"kind": "commit", "repository": "acme/emptied", "files": {"catalog-info.yaml": null}}),
        json!({"kind": "create", "repository": "acme/new", "files": {"catalog-info.yaml": titled("new", "New")}}),
    ] {
        on.world.event(event).await;
    }
    on.discover().await;
    assert_eq!(on.references(), ["component:default/new", "component:default/renamed", "component:default/stays"]);
    let renamed = on.catalog.index().get_exact("component:default/renamed").cloned().unwrap();
    assert!(renamed.source.contains("/acme/other/blob/main/catalog-info.yaml"), "{}", renamed.source);
    on.world.event(json!({"kind": "unarchive", "repository": "acme/archived"})).await;
    on.discover().await;
    assert!(on.references().contains(&"component:default/archived".to_owned()));
    assert_eq!(on.problems().await, [""; 0]);
    on.world.assert_lawful().await;
}

#[tokio::test]
async fn filters_are_those_of_backstage() {
    let repositories = vec![
        repository("pay-api", &json!({"topics": ["portal"], "visibility": "internal"})),
        repository("pay-web", &json!({"topics": ["portal", "old"], "visibility": "internal"})),
        repository("shop", &json!({"topics": ["portal"], "visibility": "internal"})),
        repository("pay-public", &json!({"topics": ["portal"], "visibility": "public"})),
        repository("pay-plain", &json!({"visibility": "internal"})),
        json!({"owner": "acme", "name": "pay-without", "topics": ["portal"], "visibility": "internal", "files": {"a": "b"}}),
        json!({"owner": "acme", "name": "pay-empty", "topics": ["portal"], "visibility": "internal"}),
    ];
    let filtered = |world: &World| {
        let filters = json!({
            "repository": "pay-.*", "topic": {"include": ["portal"], "exclude": ["old"]}, "visibility": ["internal"],
        });
        json!({ "github": { "mine": { "host": world.host(), "organization": "acme", "filters": filters } } })
    };
    let Some(on) = OnGitHub::new(world(&repositories), filtered).await else { return };
    on.catalog.read_due().await.unwrap();
    assert_eq!(on.references(), ["component:default/pay-api"]);
    on.world.assert_lawful().await;
}

#[tokio::test]
async fn an_app_finds_the_repositories_of_its_organisations_and_wildcards_the_files_in_them() {
    let files = json!({"files": {"services/a/info.yaml": titled("a", "A"), "services/b/info.yaml": titled("b", "B")}});
    let repositories = vec![repository("mono", &files), json!({"owner": "acme", "name": "other", "files": {"x": "y"}})];
    let by_app = |world: &World| {
        let app = world.with_app()["apps"][0]["appId"].clone();
        json!({ "github": { "host": world.host(), "app": app, "catalogPath": "/services/*/info.yaml" } })
    };
    let Some(on) = OnGitHub::new(world(&repositories), by_app).await else { return };
    on.catalog.read_due().await.unwrap();
    assert_eq!(on.references(), ["component:default/a", "component:default/b"]);
    assert_eq!(on.problems().await, [""; 0]);
    on.world.requests().await;
    on.all_due().await;
    on.discover().await;
    let unchanged = on.world.requests().await;
    assert_eq!(unchanged.len(), 1, "{unchanged:?}");
    let changed = json!({"services/a/info.yaml": null, "services/c/info.yaml": titled("c", "C")});
    on.world.event(json!({"kind": "commit", "repository": "acme/mono", "files": changed})).await;
    on.discover().await;
    assert_eq!(on.references(), ["component:default/b", "component:default/c"]);
    on.world.assert_lawful().await;
}

#[tokio::test]
async fn who_asks_for_a_refresh_gets_what_github_has_and_nothing_older_comes_back() {
    let Some(on) = OnGitHub::new(world(&[repository("api", &json!({}))]), of_acme).await else { return };
    on.catalog.read_due().await.unwrap();
    on.world.event(json!({"kind": "commit", "repository": "acme/api", "files": {"catalog-info.yaml": titled("api", "Second")}})).await;
    on.all_due().await;
    on.catalog.read_due().await.unwrap();
    assert_eq!(on.title("component:default/api"), "First", "what discovery saw is believed until the next one");
    on.catalog.refresh(&Credentials::service("test"), &"component:default/api".parse().unwrap()).await.unwrap();
    assert_eq!(on.title("component:default/api"), "Second");
    // Another process, which has only what the store says.
    let other = open_on(&on.database, &on.github, of_acme(&on.world)).await;
    on.all_due().await;
    other.read_due().await.unwrap();
    on.catalog.read_due().await.unwrap();
    assert_eq!(on.title("component:default/api"), "Second");
    on.world.assert_lawful().await;
}

#[tokio::test]
async fn a_burst_of_pushes_is_a_few_requests() {
    let many = 60;
    let name = |number: usize| format!("service-{number}");
    let repositories: Vec<Value> = (0..many).map(|number| repository(&name(number), &json!({}))).collect();
    let Some(on) = OnGitHub::new(world(&repositories), of_acme).await else { return };
    on.catalog.read_due().await.unwrap();
    let mut pushes = Vec::new();
    for number in 0..many {
        let id: RepositoryId = format!("acme/{}", name(number)).parse().unwrap();
        let before = on.github.resolve(&id, "main").await.unwrap();
        let files = json!({"catalog-info.yaml": titled(&name(number), "Second")});
        on.world.event(json!({"kind": "commit", "repository": id.to_string(), "files": files})).await;
        let after = on.github.resolve(&id, "main").await.unwrap();
        pushes.push(pushed(&on, id, before, after));
    }
    // One of them is gone before it is looked at, and nobody else suffers from that.
    on.world.event(json!({"kind": "delete", "repository": "acme/service-7"})).await;
    on.world.requests().await;
    let heard = pushes.iter().map(|push| on.catalog.hear(push));
    for heard in futures_util::future::join_all(heard).await {
        heard.unwrap();
    }
    let asked = on.world.requests().await;
    let second = (0..many).filter(|number| on.title(&format!("component:default/{}", name(*number))) == "Second");
    assert_eq!(second.count(), many - 1);
    assert!(!on.references().contains(&"component:default/service-7".to_owned()));
    println!("requests for {many} pushes at once: {}", asked.len());
    assert!(asked.len() <= 8, "{asked:#?}");
    on.world.assert_lawful().await;
}

fn pushed(on: &OnGitHub, repository: RepositoryId, before: String, after: String) -> ForgeEvent {
    let files = Some(vec!["catalog-info.yaml".to_owned()]);
    let push = Push {
        repository,
        branch: "main".to_owned(),
        is_default: true,
        before: Some(before),
        after: Some(after),
        files,
    };
    ForgeEvent { host: on.world.host(), told: Told::Push(push), received_at: Utc::now() }
}

#[tokio::test]
async fn an_organisation_that_cannot_be_seen_is_a_problem_and_takes_nothing_away() {
    let Some(on) = OnGitHub::new(world(&[repository("api", &json!({}))]), of_acme).await else { return };
    on.catalog.read_due().await.unwrap();
    on.world.fault(json!({"path": "graphql", "kind": "403-secondary", "retryAfter": 3600, "times": 10})).await;
    on.discover().await;
    assert_eq!(on.references(), ["component:default/api"]);
    let problems = on.problems().await;
    assert!(problems.len() == 1 && problems[0].contains("list the repositories of acme"), "{problems:?}");
}

#[tokio::test]
async fn people_and_teams_become_users_and_groups() {
    let mut world = world(&[]);
    let crowd: Vec<String> = (0..130).map(|number| format!("dev{number}")).collect();
    world["organizations"][0]["teams"] = json!([
        {"slug": "platform", "name": "Platform", "description": "Keeps the lights on", "members": ["ada", "bob"]},
        {"slug": "runtime", "name": "Runtime", "parent": "platform", "members": ["ada"]},
        {"slug": "everybody", "name": "Everybody", "members": crowd},
    ]);
    let providers = |world: &World| {
        let url = format!("http://{}", world.host());
        json!({ "githubOrg": { "id": "production", "githubUrl": url, "orgs": ["acme"] } })
    };
    let Some(on) = OnGitHub::new(world, providers).await else { return };
    on.catalog.read_due().await.unwrap();
    let host = on.world.host();
    let entity = |reference: &str| {
        let entity = on.catalog.index().get_exact(reference).cloned().unwrap().entity();
        serde_json::to_value(&entity).unwrap()
    };
    let group = entity("group:default/platform");
    let place = format!("url:http://{host}/orgs/acme/teams/platform");
    assert_eq!(group["metadata"]["annotations"]["backstage.io/managed-by-location"], json!(place));
    assert_eq!(group["metadata"]["annotations"]["backstage.io/managed-by-origin-location"], json!(place));
    assert_eq!(group["metadata"]["annotations"]["github.com/team-slug"], "acme/platform");
    assert_eq!(group["metadata"]["description"], "Keeps the lights on");
    assert_eq!(
        (&group["spec"]["type"], &group["spec"]["profile"]["displayName"]),
        (&json!("team"), &json!("Platform"))
    );
    assert_eq!(
        (&group["spec"]["children"], &group["spec"]["members"]),
        (&json!(["runtime"]), &json!(["default/ada", "default/bob"]))
    );
    assert_eq!(entity("group:default/runtime")["spec"]["parent"], "platform");
    let ada = entity("user:default/ada");
    assert_eq!(ada["metadata"]["annotations"]["github.com/user-login"], "ada");
    assert_eq!(
        ada["metadata"]["annotations"]["backstage.io/managed-by-location"],
        json!(format!("url:http://{host}/ada"))
    );
    assert_eq!(
        (&ada["spec"]["memberOf"], &ada["spec"]["profile"]["displayName"]),
        (&json!(["platform", "runtime"]), &json!("Ada"))
    );
    assert_eq!(entity("group:default/everybody")["spec"]["members"].as_array().unwrap().len(), 130);
    assert_eq!(on.problems().await, [""; 0]);

    on.world.event(json!({"kind": "team", "organization": "acme", "slug": "runtime", "remove": true})).await;
    on.world.event(json!({"kind": "membership", "organization": "acme", "login": "bob", "remove": true})).await;
    on.catalog.read_source("github-org-provider:production").await.unwrap();
    let references = on.references();
    assert!(
        !references.iter().any(|reference| reference == "group:default/runtime" || reference == "user:default/bob")
    );
    let group = on.catalog.index().get_exact("group:default/platform").cloned().unwrap().entity();
    assert_eq!(
        (group.at(&["spec", "members"]), group.at(&["spec", "children"])),
        (Some(&json!(["default/ada"])), Some(&json!([])))
    );
    on.world.assert_lawful().await;
}

#[tokio::test]
async fn the_teams_of_several_organisations_have_their_namespaces() {
    let mut world = world(&[]);
    world["organizations"].as_array_mut().unwrap().push(json!({
        "login": "Other", "members": ["ada"], "teams": [{"slug": "platform", "name": "Platform", "members": ["ada"]}],
    }));
    world["app"]["installations"].as_array_mut().unwrap().push(json!({"account": "Other"}));
    let providers = |world: &World| json!({ "githubMultiOrg": { "githubUrl": format!("http://{}", world.host()) } });
    let Some(on) = OnGitHub::new(world, providers).await else { return };
    on.catalog.read_due().await.unwrap();
    let expected = ["group:acme/platform", "group:other/platform", "user:default/ada", "user:default/bob"];
    assert_eq!(on.references(), expected);
    let ada = on.catalog.index().get_exact("user:default/ada").cloned().unwrap().entity();
    assert_eq!(ada.at(&["spec", "memberOf"]), Some(&json!(["acme/platform", "other/platform"])));
    assert_eq!(on.problems().await, [""; 0]);
    on.world.assert_lawful().await;
}
