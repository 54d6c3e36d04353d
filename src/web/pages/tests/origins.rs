//! Where things come from, as people and clients see it: two sources that claim one name, and providers.

use std::fs;

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::portal::Guest;
use crate::forge::testing::{new_commit, new_repository, tree};
use crate::forge::{Forge as _, NewRepository, Parent, RepositoryId, Visibility};

const PAY: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: pay }\n\
     spec: { type: service, lifecycle: production, owner: storefront }\n";

impl Guest {
    /// Makes a repository that declares something, and registers it; gives the location's page.
    pub(super) async fn declare(&self, name: &str, file: &str, text: &str) -> String {
        let id = RepositoryId::new("acme", name).unwrap();
        let forge = &self.app.state.forge;
        let new = NewRepository { visibility: Visibility::Public, ..new_repository(&id) };
        forge.create(new).await.unwrap();
        forge.commit(&id, new_commit("main", Parent::Root, tree(&[(file, text)]), "Declare")).await.unwrap();
        let target = format!("http://localhost:7007/repositories/acme/{name}/blob/main/{file}");
        self.led("/catalog/locations", &[("target", &target), ("step", "register")]).await
    }

    /// The same for `pay`.
    async fn claim(&self, name: &str) -> String {
        self.declare(name, "catalog-info.yaml", PAY).await
    }

    async fn json(&self, path: &str) -> Value {
        let token = self.app.bearer().await;
        self.app.request("GET", path, &[("authorization", &token)], "").await.json()
    }

    async fn claims(&self) -> Vec<Value> {
        let problems = self.json("/api/catalog/problems").await;
        let items = problems["items"].as_array().unwrap().iter();
        items.filter(|problem| problem["errorName"] == "ConflictError").cloned().collect()
    }
}

#[tokio::test]
async fn a_claim_is_shown_beside_its_holder_and_takes_over_when_that_goes() {
    let guest = Guest::enter().await;
    let (first, second) = (guest.claim("first").await, guest.claim("second").await);
    let at = |name: &str| format!("url:https://local/acme/{name}/blob/main/catalog-info.yaml");

    let claims = guest.claims().await;
    assert_eq!(claims.len(), 1, "{claims:?}");
    assert_eq!(claims[0]["source"], at("second"));
    assert_eq!(claims[0]["entity"], "component:default/pay");
    assert_eq!(claims[0]["holder"], json!({ "source": at("first"), "location": at("first") }));
    // As in Backstage, the entity itself has no error.
    let entity = guest.json("/api/catalog/entities/by-name/component/default/pay").await;
    assert_eq!(entity.get("status"), None);
    assert_eq!(entity["metadata"]["annotations"]["backstage.io/managed-by-origin-location"], at("first"));

    let page = guest.see("/catalog/default/component/pay").await;
    for (name, link) in [("first", &first), ("second", &second)] {
        let shown = format!("href=\"{link}\">acme/{name}: catalog-info.yaml</a>");
        assert!(page.contains(&shown), "{shown} is missing in {page}");
    }
    let problems = guest.see("/catalog/problems").await;
    assert!(problems.contains(&format!("held by <a class=\"break\" href=\"{first}\">")), "{problems}");

    let shutdown = CancellationToken::new();
    let running = tokio::spawn(guest.app.state.catalog.clone().run(shutdown.clone()));
    guest.led(&format!("{first}/removal"), &[]).await;
    let index = || guest.app.state.catalog.index();
    let held = || index().get_exact("component:default/pay").map(|record| record.source.to_string());
    let mut seen = guest.app.state.catalog.watch();
    seen.wait_for(|_| held() == Some(at("second"))).await.unwrap();
    shutdown.cancel();
    running.await.unwrap();
    assert_eq!(guest.claims().await, Vec::<Value>::new());
    assert!(!guest.see("/catalog/default/component/pay").await.contains("claims this name"));
}

#[tokio::test]
async fn providers_are_shown_with_what_they_found() {
    let guest = Guest::with("providers: { local: { all: { catalogPath: /catalog.yaml } } }").await;
    let waiting = guest.see("/catalog/locations").await;
    assert!(waiting.contains("local-provider:all") && waiting.contains(">waiting<"), "{waiting}");
    guest.app.state.catalog.read_due().await.unwrap();
    let found = guest.see("/catalog/locations").await;
    for part in [">in order<", "<td class=\"muted\">registered, local-provider:all</td>"] {
        assert!(found.contains(part), "{part} is missing in {found}");
    }
}

#[tokio::test]
async fn a_provider_that_fails_is_shown_where_it_is_listed_and_among_the_problems() {
    let guest = Guest::with("providers: { local: { lost: {} } }").await;
    let repositories = guest.app.repositories();
    fs::remove_dir_all(&repositories).unwrap();
    fs::write(&repositories, "not a folder").unwrap();
    guest.app.state.catalog.read_due().await.unwrap();
    let shown = guest.see("/catalog/locations").await;
    assert!(shown.contains(">failed<") && shown.contains("cannot list the repositories folder"), "{shown}");
    let problems = guest.see("/catalog/problems").await;
    assert!(problems.contains("<span class=\"spot\">local-provider:lost</span>"), "{problems}");
}

#[tokio::test]
async fn a_provider_runs_when_somebody_asks() {
    let guest = Guest::with("providers: { local: { all: { schedule: { frequency: { trigger: manual } } } } }").await;
    guest.app.state.catalog.read_due().await.unwrap();
    let shown = guest.see("/catalog/locations").await;
    assert!(shown.contains(">on demand<") && shown.contains("aria-label=\"Run now: local-provider:all\""), "{shown}");
    let place = guest.led("/catalog/provider-runs", &[("provider", "local-provider:all")]).await;
    assert_eq!(place, "/catalog/locations#providers");
    let waiting = guest.see("/catalog/locations").await;
    assert!(!waiting.contains(">on demand<"), "{waiting}");
    guest.app.state.catalog.read_due().await.unwrap();
    assert!(guest.see("/catalog/locations").await.contains(">on demand<"));
    let nobody = guest.send("/catalog/provider-runs", &[("provider", "nobody")]).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND, "{}", nobody.text);
}
