//! Providers: what they give, change, take away and fail at.

use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::catalog::provider::{Connection, Frequency, Gone, Mutation, Provided, Provider, ProviderError, Schedule};

const NAME: &str = "fake-provider:people";

/// Says what it was told to say.
#[derive(Debug)]
struct Fake {
    /// None: it says nothing, ever.
    answer: StdMutex<Option<Vec<Provided>>>,
    asked: AtomicUsize,
}

impl Fake {
    fn new(answer: Vec<Provided>) -> Arc<Self> {
        Arc::new(Self { answer: StdMutex::new(Some(answer)), asked: AtomicUsize::new(0) })
    }

    fn says(&self, answer: Option<Vec<Provided>>) {
        *self.answer.lock().unwrap() = answer;
    }
}

impl Provider for Fake {
    fn name(&self) -> &str {
        NAME
    }

    fn schedule(&self) -> Schedule {
        Schedule {
            frequency: Frequency::Every(Duration::from_mins(30)),
            timeout: Duration::from_millis(50),
            initial_delay: Duration::ZERO,
        }
    }

    fn read(&self) -> BoxFuture<'_, Result<Vec<Provided>, ProviderError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answer.lock().unwrap().clone();
        Box::pin(async move {
            match answer {
                Some(answer) => Ok(answer),
                None => std::future::pending().await,
            }
        })
    }
}

fn group(name: &str, title: &str) -> Provided {
    let place = "url:https://people.example/acme";
    let entity = json!({
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Group",
        "metadata": {
            "name": name,
            "title": title,
            "annotations": {
                "backstage.io/managed-by-location": format!("{place}/{name}"),
                "backstage.io/managed-by-origin-location": place,
            },
        },
        "spec": { "type": "team", "children": [] },
    });
    Provided::Entity(serde_json::from_value(entity).unwrap())
}

/// The same without saying where it comes from.
fn homeless(name: &str) -> Provided {
    let Provided::Entity(mut entity) = group(name, name) else { unreachable!() };
    entity.0["metadata"].as_object_mut().unwrap().remove("annotations");
    Provided::Entity(entity)
}

fn location(repository: &str) -> LocationRef {
    LocationRef::new("url", format!("https://local/{repository}/blob/main/catalog-info.yaml"))
}

impl Fixture {
    /// A further process on the same database that knows some providers.
    async fn knowing(&self, config: Value, providers: Vec<Arc<dyn Provider>>) -> Catalog {
        let mut config: CatalogConfig = serde_json::from_value(config).unwrap();
        let target = format!("{}/*.yaml", self.folder.path().display());
        config.locations = vec![serde_json::from_value(json!({ "type": "file", "target": target })).unwrap()];
        let forges = Forges::new([Arc::clone(&self.forge) as Arc<dyn Forge>]);
        Catalog::open_with(Early::default(), self.database.pool().clone(), forges, config, providers).await.unwrap()
    }

    /// What is wrong with anything but the configured files, of which there may be none.
    async fn told(&self, catalog: &Catalog) -> Vec<Problem> {
        let problems = catalog.problems(&self.who).await.unwrap();
        problems.into_iter().filter(|problem| problem.source != self.source()).collect()
    }

    /// A process that knows one provider and asked it.
    async fn asking(&self, fake: &Arc<Fake>) -> Catalog {
        let catalog = self.knowing(json!({}), vec![Arc::clone(fake) as Arc<dyn Provider>]).await;
        catalog.read_due().await.unwrap();
        catalog
    }

    /// A process that looks for descriptors in the local forge, and did so.
    async fn discovering(&self, local: Value) -> Catalog {
        let mut config: CatalogConfig =
            serde_json::from_value(json!({ "providers": { "local": { "all": local } } })).unwrap();
        let target = format!("{}/*.yaml", self.folder.path().display());
        config.locations = vec![serde_json::from_value(json!({ "type": "file", "target": target })).unwrap()];
        let forges = Forges::new([Arc::clone(&self.forge) as Arc<dyn Forge>]);
        let catalog = Catalog::open(self.database.pool().clone(), forges, config).await.unwrap();
        catalog.read_due().await.unwrap();
        catalog
    }
}

async fn state(catalog: &Catalog) -> ProviderState {
    catalog.providers(&Credentials::service("test")).await.unwrap().remove(0)
}

#[tokio::test]
async fn a_full_answer_is_everything_there_is() {
    let fixture = Fixture::with_files(&[]).await;
    let fake = Fake::new(vec![group("one", "One"), group("two", "Two")]);
    let catalog = fixture.asking(&fake).await;
    assert_eq!(references(&catalog), ["group:default/one", "group:default/two"]);
    let one = catalog.index().get_exact("group:default/one").cloned().unwrap();
    assert_eq!(&*one.source, NAME);
    let entity = one.entity();
    assert_eq!(entity.annotation(entity::MANAGED_BY_LOCATION), Some("url:https://people.example/acme/one"));
    assert_eq!(entity.annotation(entity::MANAGED_BY_ORIGIN_LOCATION), Some("url:https://people.example/acme"));
    assert_eq!(entity.text(&["metadata", "namespace"]), Some("default"));
    let sequence = catalog.index().sequence();
    catalog.read_source(NAME).await.unwrap();
    assert_eq!(catalog.index().sequence(), sequence, "the same answer changes nothing");

    fake.says(Some(vec![group("one", "Uno"), group("three", "Three")]));
    catalog.refresh(&fixture.who, &one.reference).await.unwrap();
    assert_eq!(references(&catalog), ["group:default/one", "group:default/three"]);
    let again = catalog.index().get_exact("group:default/one").cloned().unwrap();
    assert_eq!((again.uid, &*again.title), (one.uid, "Uno"));
    let state = state(&catalog).await;
    assert_eq!((state.name.as_str(), state.entities, state.locations, state.error), (NAME, 2, 0, None));
    assert!(state.is_configured && state.last_run.is_some() && state.next_run.unwrap() > Utc::now());
}

#[tokio::test]
async fn a_delta_changes_only_what_it_names() {
    let fixture = Fixture::with_files(&[]).await;
    let fake = Fake::new(vec![group("one", "One"), group("two", "Two"), homeless("lost")]);
    let catalog = fixture.asking(&fake).await;
    let connection = Connection::new(catalog.clone(), NAME);
    let removed = vec![Gone::Entity("group:default/two".parse().unwrap())];
    let added = vec![group("one", "Uno"), group("three", "Three")];
    connection.apply(Mutation::Delta { added, removed }).await.unwrap();
    assert_eq!(references(&catalog), ["group:default/one", "group:default/three"]);
    assert_eq!(&*catalog.index().get_exact("group:default/one").unwrap().title, "Uno");
    let problems = fixture.told(&catalog).await;
    assert_eq!(problems.len(), 1, "what is wrong with others stays: {problems:?}");
    let added = vec![group("lost", "Found")];
    connection.apply(Mutation::Delta { added, removed: Vec::new() }).await.unwrap();
    assert_eq!(fixture.told(&catalog).await, []);
    connection.apply(Mutation::Full(vec![group("one", "One")])).await.unwrap();
    assert_eq!(references(&catalog), ["group:default/one"]);
}

#[tokio::test]
async fn an_answer_that_is_older_than_a_delta_is_asked_for_again() {
    let fixture = Fixture::with_files(&[]).await;
    let fake = Fake::new(vec![group("one", "One")]);
    let catalog = fixture.asking(&fake).await;
    let asked = store::source(fixture.database.pool(), NAME).await.unwrap().unwrap();
    let added = vec![group("two", "Two")];
    let connection = Connection::new(catalog.clone(), NAME);
    connection.apply(Mutation::Delta { added, removed: Vec::new() }).await.unwrap();
    assert!(!catalog.read_once(NAME, &asked).await.unwrap());
    assert_eq!(references(&catalog), ["group:default/one", "group:default/two"]);
}

#[tokio::test]
async fn what_is_wrong_is_a_problem_and_the_rest_is_taken() {
    let fixture = Fixture::with_files(&[]).await;
    let mut wrong = group("wrong", "Wrong");
    if let Provided::Entity(entity) = &mut wrong {
        entity.0["spec"] = json!({ "type": 5 });
    }
    let twice = group("good", "Again");
    let fake = Fake::new(vec![group("good", "Good"), homeless("lost"), wrong, twice]);
    let catalog = fixture.asking(&fake).await;
    assert_eq!(references(&catalog), ["group:default/good"]);
    let problems = fixture.told(&catalog).await;
    let told: Vec<(&str, Option<&str>)> =
        problems.iter().map(|problem| (problem.error_name.as_str(), problem.entity.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("InputError", Some("group:default/lost")),
            ("InputError", Some("group:default/wrong")),
            ("ConflictError", Some("group:default/good")),
        ]
    );
    assert!(problems[0].message.contains("no annotation backstage.io/managed-by-location"), "{}", problems[0].message);
    assert_eq!(problems[0].source, NAME);
    let failed = catalog.failed(&fixture.who).await.unwrap();
    assert_eq!(failed.iter().filter(|one| one.reference.starts_with("group:")).count(), 2);
}

#[tokio::test]
async fn a_provider_without_an_answer_leaves_everything_and_says_so() {
    let fixture = Fixture::with_files(&[]).await;
    fixture.commit("acme/pay", &[("catalog-info.yaml", &component("pay", ""))]).await;
    let given = vec![group("one", "One"), homeless("lost"), Provided::Location(location("acme/pay"))];
    let fake = Fake::new(given.clone());
    let catalog = fixture.asking(&fake).await;
    let all = ["component:default/pay", "group:default/one"];
    assert_eq!(references(&catalog), all);
    fake.says(None);
    catalog.read_source(NAME).await.unwrap();
    assert_eq!(references(&catalog), all);
    let (message, since) = state(&catalog).await.error.unwrap();
    assert!(message.contains("no answer within 50ms"), "{message}");
    assert_eq!(fixture.told(&catalog).await.len(), 2);
    catalog.read_source(NAME).await.unwrap();
    assert_eq!(state(&catalog).await.error.unwrap().1, since);
    fake.says(Some(given));
    catalog.read_source(NAME).await.unwrap();
    assert_eq!(state(&catalog).await.error, None);
    assert_eq!(fixture.told(&catalog).await.len(), 1);
}

#[tokio::test]
async fn a_name_that_a_file_has_goes_to_the_provider_when_the_file_lets_go() {
    let team =
        "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: { name: one }\nspec: { type: team, children: [] }\n";
    let fixture = Fixture::with_files(&[("a.yaml", team), ("b.yaml", &component("other", ""))]).await;
    let catalog = fixture.asking(&Fake::new(vec![group("one", "One")])).await;
    let held = || catalog.index().get_exact("group:default/one").unwrap().source.to_string();
    assert_eq!(held(), fixture.source());
    let claims = catalog.claims(&fixture.who, &"group:default/one".parse().unwrap()).await.unwrap();
    assert_eq!((claims.len(), claims[0].source.as_str()), (1, NAME));
    assert_eq!(claims[0].holder.as_ref().unwrap().source, fixture.source());
    fixture.remove("a.yaml");
    catalog.read_source(&fixture.source()).await.unwrap();
    catalog.read_due().await.unwrap();
    assert_eq!(held(), NAME);
    assert_eq!(fixture.told(&catalog).await, []);
}

#[tokio::test]
async fn one_process_asks_and_one_that_does_not_know_the_provider_never_does() {
    let fixture = Fixture::with_files(&[]).await;
    let (first, second) = (Fake::new(vec![group("one", "One")]), Fake::new(vec![group("one", "One")]));
    let know = |fake: &Arc<Fake>| vec![Arc::clone(fake) as Arc<dyn Provider>];
    let catalogs = (
        fixture.knowing(json!({}), know(&first)).await,
        fixture.knowing(json!({}), know(&second)).await,
        fixture.knowing(json!({ "orphanProviderStrategy": "keep" }), Vec::new()).await,
    );
    catalogs.2.read_due().await.unwrap();
    assert_eq!((first.asked.load(Ordering::SeqCst), second.asked.load(Ordering::SeqCst)), (0, 0));
    let (one, two) = tokio::join!(catalogs.0.read_due(), catalogs.1.read_due());
    assert_eq!(one.unwrap() + two.unwrap(), 1);
    assert_eq!(first.asked.load(Ordering::SeqCst) + second.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_provider_that_is_configured_no_more_goes_or_stays_as_it_is() {
    let fixture = Fixture::with_files(&[]).await;
    fixture.commit("acme/pay", &[("catalog-info.yaml", &component("pay", ""))]).await;
    fixture.asking(&Fake::new(vec![group("one", "One"), Provided::Location(location("acme/pay"))])).await;
    let kept = fixture.knowing(json!({ "orphanProviderStrategy": "keep" }), Vec::new()).await;
    kept.read_due().await.unwrap();
    assert_eq!(references(&kept), ["component:default/pay", "group:default/one"]);
    assert!(!state(&kept).await.is_configured);
    let gone = fixture.knowing(json!({}), Vec::new()).await;
    assert_eq!(references(&gone), Vec::<String>::new());
    assert_eq!(gone.providers(&fixture.who).await.unwrap(), []);
}

#[tokio::test]
async fn repositories_with_a_descriptor_are_discovered() {
    let fixture = Fixture::with_files(&[]).await;
    for repository in ["acme/pay-api", "acme/pay-web", "acme/shop", "other/pay-api"] {
        let name = repository.replace('/', "-");
        fixture.commit(repository, &[("catalog-info.yaml", &component(&name, ""))]).await;
    }
    fixture.commit("acme/pay-docs", &[("README.md", "# Pay")]).await;
    let filtered = json!({ "organization": "acme", "filters": { "repository": "pay-.*" } });
    let catalog = fixture.discovering(filtered.clone()).await;
    assert_eq!(references(&catalog), ["component:default/acme-pay-api", "component:default/acme-pay-web"]);
    let found = state(&catalog).await;
    assert_eq!((found.name.as_str(), found.locations, found.entities), ("local-provider:all", 2, 4));
    let root = location("acme/pay-api");
    let root = catalog.index().get_exact(&format!("location:default/{}", root.entity_name())).cloned().unwrap();
    let at = "url:https://local/acme/pay-api/blob/main/catalog-info.yaml";
    assert_eq!(root.entity().annotation(entity::MANAGED_BY_LOCATION), Some(at));
    assert_eq!(root.entity().annotation(entity::MANAGED_BY_ORIGIN_LOCATION), Some(at));
    let api = catalog.index().get_exact("component:default/acme-pay-api").cloned().unwrap();
    assert_eq!(api.entity().annotation(entity::MANAGED_BY_ORIGIN_LOCATION), Some(at));

    fixture.commit("acme/pay-web", &[("README.md", "# Nothing more")]).await;
    catalog.read_source("local-provider:all").await.unwrap();
    assert_eq!(references(&catalog), ["component:default/acme-pay-api"]);
    // What somebody registered too stays when the provider lets go.
    let target = location("acme/pay-api").target;
    catalog.register(&fixture.who, "url", &target, Registration::Refresh).await.unwrap();
    fixture.discovering(json!({ "filters": { "repository": "nothing" } })).await;
    catalog.advance().await.unwrap();
    assert_eq!(references(&catalog), ["component:default/acme-pay-api"]);
    // And what a provider found stays when it is unregistered.
    fixture.discovering(filtered).await;
    let registered = catalog.locations(&fixture.who).await.unwrap().remove(0);
    assert!(catalog.removal(&fixture.who, registered.id).await.unwrap().is_fixed);
    catalog.unregister(&fixture.who, registered.id).await.unwrap();
    assert_eq!(references(&catalog), ["component:default/acme-pay-api"]);
}

#[tokio::test]
async fn one_location_stands_for_every_file_that_fits_a_path() {
    let fixture = Fixture::with_files(&[]).await;
    let (pay, shop) = (component("pay", ""), component("shop", ""));
    fixture
        .commit("acme/mono", &[("pay/catalog-info.yaml", &pay), ("shop/catalog-info.yaml", &shop), ("x.yaml", &pay)])
        .await;
    fixture.commit("acme/none", &[("README.md", "")]).await;
    let catalog = fixture.discovering(json!({ "catalogPath": "/**/catalog-info.yaml" })).await;
    assert_eq!(references(&catalog), ["component:default/pay", "component:default/shop"]);
    assert_eq!(state(&catalog).await.locations, 1);
    assert_eq!(fixture.told(&catalog).await, []);
}

#[tokio::test]
async fn what_is_pushed_is_seen_at_once() {
    let fixture = Fixture::with_files(&[]).await;
    let catalog = fixture.discovering(json!({})).await;
    let shutdown = CancellationToken::new();
    let mut seen = catalog.watch();
    let running = tokio::spawn(catalog.clone().run(shutdown.clone()));
    let mut reaches = async |expected: &[&str]| {
        seen.wait_for(|_| references(&catalog) == expected).await.unwrap();
    };
    fixture.commit("acme/pay", &[("catalog-info.yaml", &component("pay", ""))]).await;
    reaches(&["component:default/pay"]).await;
    fixture.commit("acme/pay", &[("catalog-info.yaml", &component("paid", ""))]).await;
    reaches(&["component:default/paid"]).await;
    fixture.commit("acme/shop", &[("catalog-info.yaml", &component("shop", ""))]).await;
    reaches(&["component:default/paid", "component:default/shop"]).await;
    fixture.commit("acme/pay", &[("README.md", "# Pay")]).await;
    reaches(&["component:default/shop"]).await;
    fixture.forge.delete(&"acme/shop".parse().unwrap()).await.unwrap();
    reaches(&[]).await;
    shutdown.cancel();
    running.await.unwrap();
}
