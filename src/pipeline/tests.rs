//! Which repository is asked, how often, and who may order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::forge::{Forge, GitHubConfig, LocalForge};

fn github(host: &str) -> Arc<dyn Forge> {
    let config: GitHubConfig = serde_json::from_value(json!({"host": host, "token": "t"})).unwrap();
    Arc::new(GitHub::new(&config).unwrap())
}

fn entity(annotations: &Value) -> Entity {
    serde_json::from_value(json!({"kind": "Component", "metadata": {"name": "api", "annotations": annotations}}))
        .unwrap()
}

fn forges(hosts: &[&str], folder: &std::path::Path) -> Forges {
    let local = LocalForge::open(folder, Url::parse("http://localhost:7007").unwrap()).unwrap();
    Forges::new(hosts.iter().map(|host| github(host)).chain([Arc::new(local) as Arc<dyn Forge>]))
}

#[tokio::test]
async fn the_repository_is_that_of_the_slug_else_that_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let check = |hosts: &[&str], location: &str, annotations: Value, expected: Option<&str>| {
        let pipelines = Pipelines::new(forges(hosts, folder.path()));
        let found = pipelines.place_of(&entity(&annotations), location);
        assert_eq!(
            found.map(|place| format!("{}/{}", place.host, place.repository)).as_deref(),
            expected,
            "{location}"
        );
    };
    let slug = |slug: &str| json!({"github.com/project-slug": slug});
    let (local, com) =
        ("url:https://local/acme/api/blob/main/a.yaml", "url:https://github.com/acme/api/blob/main/a.yaml");
    let ghe = "url:https://ghe.acme.example/acme/api/blob/main/a.yaml";
    check(&["github.com"], com, json!({}), Some("github.com/acme/api"));
    check(&["github.com"], com, slug("acme/other"), Some("github.com/acme/other"));
    check(&["github.com"], local, json!({}), None);
    check(&["github.com"], local, slug("acme/other"), Some("github.com/acme/other"));
    check(&["github.com"], local, slug("no slug"), None);
    check(&["github.com"], local, slug("a/b/c"), None);
    check(&[], local, slug("acme/other"), None);
    check(&["ghe.acme.example"], local, slug("acme/other"), Some("ghe.acme.example/acme/other"));
    check(&["ghe.acme.example", "github.com"], local, slug("acme/other"), Some("github.com/acme/other"));
    check(&["ghe.acme.example", "github.com"], ghe, slug("acme/other"), Some("ghe.acme.example/acme/other"));
    let source = json!({"backstage.io/source-location": "url:https://ghe.acme.example/acme/real/tree/main/"});
    check(&["ghe.acme.example", "github.com"], local, source, Some("ghe.acme.example/acme/real"));
}

#[tokio::test]
async fn a_repository_is_asked_once_however_many_look_and_again_after_a_while() {
    let recent = Recent::default();
    let place = Place { host: "github.com".to_owned(), repository: "acme/api".parse().unwrap() };
    let asked = AtomicUsize::new(0);
    let ask = || async {
        asked.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        Err(ForgeError::Refused("no".to_owned()))
    };
    let shelf = recent.of(&place);
    let all = futures_util::future::join_all((0..20).map(|_| shelf.runs(None, ask()))).await;
    assert!(all.iter().all(|told| told.as_ref().unwrap_err().to_string() == "no"));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let _ = shelf.runs(Some("main"), ask()).await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    recent.forget(&place);
    let _ = recent.of(&place).runs(None, ask()).await;
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    // What is taken for true for no time is asked for each time.
    let hasty = Recent::fresh_for(Duration::ZERO);
    for expected in [4, 5] {
        let _ = hasty.of(&place).runs(None, ask()).await;
        assert_eq!(asked.load(Ordering::SeqCst), expected);
    }
}
