//! Documentation as people and Backstage's clients see it, from repositories of the local forge.

use axum::http::StatusCode;
use serde_json::Value;

use super::portal::Guest;
use crate::catalog::ForgeEvent;
use crate::forge::testing::{new_commit, tree, written};
use crate::forge::{Commit, Contents, Forge as _, Parent, Push, RepositoryId, Told};
use crate::permission::Credentials;
use crate::web::tests::Answer;

const DESCRIPTOR: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: pay\n  title: Pay\n  annotations:\n    \
     backstage.io/techdocs-ref: dir:.\nspec: { type: service, lifecycle: production, owner: storefront }\n---\n\
     apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n  name: money\n  annotations:\n    \
     backstage.io/techdocs-entity: component:default/pay\n    backstage.io/techdocs-entity-path: /guide/start\n\
     spec: { owner: storefront }\n";
const CONFIG: &str = "site_name: Pay's book\nnav:\n  - Home: index.md\n  - Guide:\n      - guide/start.md\n      - Gone: gone.md\n  - Elsewhere: https://example.com\nplugins: [techdocs-core, macros]\n";
const INDEX: &str = "# Paying\n\nSee [the start](guide/start.md#first-steps) and ![a picture](img/picture.svg).\n\n!!! warning \"Mind\"\n    <script>alert(1)</script>the gap\n\n[nowhere](nowhere.md)\n";
const START: &str = "# Start\n\n## First steps\n\nTurn the crank.\n\n--8<-- \"NOTES.md\"\n\n[source](../../main.rs)\n";

fn site() -> Contents {
    tree(&[
        ("catalog-info.yaml", DESCRIPTOR),
        ("mkdocs.yml", CONFIG),
        ("docs/index.md", INDEX),
        ("docs/guide/start.md", START),
        ("docs/img/picture.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>1</script></svg>"),
        ("NOTES.md", "Noted beside.\n"),
        ("main.rs", "fn main() {}\n"),
    ])
}

impl Guest {
    /// A documented component `pay`.
    async fn with_docs() -> (Self, Commit) {
        let guest = Self::enter().await;
        guest.declare("pay", "catalog-info.yaml", DESCRIPTOR).await;
        let commit = guest.write_docs(site(), None).await;
        (guest, commit)
    }

    /// Commits on top of what there is, or of a known commit.
    async fn write_docs(&self, contents: Contents, tip: Option<&Commit>) -> Commit {
        let (id, forge) = (RepositoryId::new("acme", "pay").unwrap(), &self.app.state.forge);
        let tip = match tip {
            Some(tip) => tip.id.clone(),
            None => forge.resolve(&id, "main").await.unwrap(),
        };
        forge.commit(&id, new_commit("main", Parent::Tip(tip), contents, "Write")).await.unwrap()
    }

    async fn docs_api(&self, path: &str) -> Answer {
        let token = self.app.bearer().await;
        self.app.request("GET", &format!("/api/techdocs{path}"), &[("authorization", &token)], "").await
    }

    /// Looks at the source now.
    async fn sync(&self) -> Answer {
        self.docs_api("/sync/default/component/pay").await
    }
}

fn has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part} in {page}");
    }
}

#[tokio::test]
async fn a_site_is_read_page_by_page() {
    let (guest, _) = Guest::with_docs().await;
    let list = guest.see("/docs").await;
    has(&list, &["/docs/default/component/pay/", "Pay", "All (1)"]);
    assert!(guest.see("/docs?q=nothing").await.contains("Nothing fits"));
    has(&guest.see("/docs?starred=yes").await, &["Starred (0)", "Stars put documentation here"]);
    let starring = [("starred", "yes"), ("next", "/docs?starred=yes")];
    assert_eq!(guest.led("/catalog/default/component/pay/star", &starring).await, "/docs?starred=yes");
    has(&guest.see("/docs?starred=yes").await, &["Starred (1)", "/docs/default/component/pay/", "Remove star"]);

    let first = guest.open("/docs/default/component/pay").await;
    assert_eq!(
        (first.status, first.header("location")),
        (StatusCode::PERMANENT_REDIRECT, "/docs/default/component/pay/")
    );
    let page = guest.see("/docs/default/component/pay/").await;
    has(
        &page,
        &[
            "<h1 id=\"paying\">Paying",
            "href=\"guide/start/#first-steps\"",
            "src=\"img/picture.svg\"",
            "Pay&#39;s book",
            "admonition warning",
        ],
    );
    has(
        &page,
        &[
            "rel=\"next\"",
            "href=\"https://example.com\"",
            "Edit this page",
            "Last updated",
            "aria-current=\"page\">Home",
        ],
    );
    assert!(!page.contains("alert(1)"));
}

#[tokio::test]
async fn pages_and_pictures_have_addresses_of_their_own() {
    let (guest, _) = Guest::with_docs().await;
    let page = guest.see("/docs/default/component/pay/guide/start/").await;
    has(
        &page,
        &[
            "Noted beside.",
            "href=\"../../\"",
            "/repositories/acme/pay/blob/main/main.rs",
            "#first-steps",
            "rel=\"prev\"",
        ],
    );
    for (path, to) in [
        ("guide/start", "guide/start/"),
        ("guide/start.md", "guide/start/"),
        ("guide/start/index.html", "guide/start/"),
    ] {
        let answer = guest.open(&format!("/docs/default/component/pay/{path}")).await;
        assert_eq!(answer.header("location"), format!("/docs/default/component/pay/{to}"), "{path}");
    }
    let picture = guest.open("/docs/default/component/pay/img/picture.svg").await;
    assert_eq!(picture.header("content-type"), "image/svg+xml");
    assert!(picture.header("content-security-policy").contains("sandbox"));
    assert_eq!(picture.header("x-content-type-options"), "nosniff");
    for gone in ["nowhere/", "../pay/catalog-info.yaml", "mkdocs.yml", "img/"] {
        assert_eq!(
            guest.open(&format!("/docs/default/component/pay/{gone}")).await.status,
            StatusCode::NOT_FOUND,
            "{gone}"
        );
    }
}

#[tokio::test]
async fn the_pages_of_entities_lead_there() {
    let (guest, _) = Guest::with_docs().await;
    has(&guest.see("/catalog/default/component/pay").await, &["/catalog/default/component/pay/docs", "Read the docs"]);
    let tab = guest.open("/catalog/default/component/pay/docs/guide/start").await;
    assert_eq!(tab.header("location"), "/docs/default/component/pay/guide/start");
    let borrowed = guest.open("/docs/default/system/money/").await;
    assert_eq!(borrowed.header("location"), "/docs/default/component/pay/guide/start");
    let missing = guest.open("/docs/default/system/checkout/").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    has(&missing.text, &["backstage.io/techdocs-ref: dir:.", "</html>"]);
    assert_eq!(guest.open("/docs/default/component/nothing/").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn words_are_found_within_a_site_and_its_flaws_are_told() {
    let (guest, _) = Guest::with_docs().await;
    let page = guest.see("/docs/default/component/pay/?q=CRANK").await;
    has(&page, &["href=\"guide/start/#first-steps\"", "<mark>crank</mark>"]);
    let nothing = guest.see("/docs/default/component/pay/?q=x%3Cscript%3E").await;
    has(&nothing, &["No page has all these words"]);
    assert!(!nothing.contains("x<script>"));
    let page = guest.see("/docs/default/component/pay/?show=problems").await;
    has(&page, &["there is no page `gone.md`", "`macros`", "`nowhere.md` leads to no page", "index.md"]);

    let documents = guest.app.state.techdocs.documents().await.unwrap();
    let (site, sections) = &documents[0];
    assert_eq!(site.entities[0].as_str(), "component:default/pay");
    let section = sections.iter().find(|section| section.anchor == "first-steps").unwrap();
    assert_eq!((&*section.path, &*section.title, &*section.heading), ("guide/start/", "Start", "First steps"));
    has(&section.text, &["Turn the crank.", "Noted beside."]);
}

#[tokio::test]
async fn a_change_is_seen_and_a_source_that_is_away_leaves_the_last_site() {
    let (guest, commit) = Guest::with_docs().await;
    let who = Credentials::service("test");
    let pay = "component:default/pay".parse().unwrap();
    assert_eq!(guest.app.state.techdocs.look_due().await.unwrap(), 1);
    let before = guest.app.state.techdocs.open(&who, &pay).await.unwrap();
    assert!(!guest.app.state.techdocs.sync(&who, &pay).await.unwrap(), "nothing changed");

    let commit = guest.write_docs(written("docs/index.md", "# Changed\n"), Some(&commit)).await;
    let told = guest.sync().await;
    assert_eq!(told.header("content-type"), "text/event-stream");
    has(&told.text, &["event: finish\ndata: {\"updated\":true}"]);
    has(&guest.sync().await.text, &["event: finish\ndata: {\"updated\":false}"]);
    assert!(guest.see("/docs/default/component/pay/").await.contains("Changed"));
    let after = guest.app.state.techdocs.documented().await.unwrap();
    assert!(after[0].version != before.site.version);

    // What does not count changes nothing.
    let commit = guest.write_docs(written("main.rs", "fn main() { }\n"), Some(&commit)).await;
    has(&guest.sync().await.text, &["{\"updated\":false}"]);
    assert_eq!(guest.app.state.techdocs.documented().await.unwrap(), after);

    let gone = Contents::Change {
        write: Vec::new(),
        delete: vec!["docs/index.md".into(), "docs/guide/start.md".into(), "docs/img/picture.svg".into()],
    };
    guest.write_docs(gone, Some(&commit)).await;
    has(&guest.sync().await.text, &["event: log", "cannot be read"]);
    has(&guest.see("/docs/default/component/pay/").await, &["Changed", "may be out of date", "no folder `docs`"]);
}

#[tokio::test]
async fn a_push_to_its_branch_makes_a_site_due() {
    let (guest, _) = Guest::with_docs().await;
    let techdocs = &guest.app.state.techdocs;
    assert_eq!(techdocs.look_due().await.unwrap(), 1);
    for (repository, branch, is_default, expected) in
        [("pay", "topic", false, 0), ("other", "main", true, 0), ("pay", "main", true, 1)]
    {
        let push = Push {
            repository: RepositoryId::new("acme", repository).unwrap(),
            branch: branch.to_owned(),
            is_default,
            before: None,
            after: None,
            files: None,
        };
        let host = guest.app.state.forge.host().to_owned();
        techdocs.hear(&ForgeEvent { host, told: Told::Push(push), received_at: chrono::Utc::now() }).await.unwrap();
        assert_eq!(techdocs.look_due().await.unwrap(), expected, "{repository} {branch}");
    }
}

#[tokio::test]
async fn what_can_never_be_read_is_told_at_once_and_not_asked_for() {
    let guest = Guest::enter().await;
    let descriptor = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: pay\n  annotations:\n    \
         backstage.io/techdocs-ref: url:https://git.example.com/acme/pay\n\
         spec: { type: service, lifecycle: production, owner: storefront }\n";
    guest.declare("pay", "catalog-info.yaml", descriptor).await;
    assert_eq!(guest.app.state.techdocs.look_due().await.unwrap(), 0);
    let page = guest.open("/docs/default/component/pay/").await;
    has(
        &page.text,
        &["annotation backstage.io/techdocs-ref", "only folders on disk and in repositories of a configured"],
    );
}

#[tokio::test]
async fn backstages_clients_find_what_they_know() {
    let (guest, _) = Guest::with_docs().await;
    let metadata = guest.docs_api("/metadata/techdocs/default/Component/pay").await.json();
    assert_eq!(metadata["site_name"], "Pay's book");
    assert!(metadata["build_timestamp"].as_i64().unwrap() > 0 && metadata["etag"].is_string());
    let files: Vec<&str> = metadata["files"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(files.contains(&"guide/start/index.html") && files.contains(&"search/search_index.json"), "{files:?}");
    let entity = guest.docs_api("/metadata/entity/default/component/pay").await.json();
    assert_eq!(entity["metadata"]["name"], "pay");
    assert_eq!(entity["locationMetadata"]["type"], "url");

    let page = guest.docs_api("/static/docs/default/component/pay/guide/start/index.html").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    has(
        &page.text,
        &["<title>Start - Pay&#39;s book</title>", "md-content__inner", "md-nav__link--active", "Turn the crank."],
    );
    assert_eq!(guest.docs_api("/static/docs/default/component/pay/").await.status, StatusCode::OK);
    let tag = page.header("etag").to_owned();
    let token = guest.app.bearer().await;
    let path = "/api/techdocs/static/docs/default/component/pay/index.html";
    let again = guest.app.request("GET", path, &[("authorization", &token), ("if-none-match", &tag)], "").await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    let index = guest.docs_api("/static/docs/default/component/pay/search/search_index.json").await.json();
    let places: Vec<&str> =
        index["docs"].as_array().unwrap().iter().filter_map(|one| one["location"].as_str()).collect();
    assert!(places.contains(&"guide/start/") && places.contains(&"guide/start/#first-steps"), "{places:?}");
    assert_eq!(
        guest.docs_api("/static/docs/default/component/pay/techdocs_metadata.json").await.json()["etag"],
        metadata["etag"]
    );
    assert_eq!(
        guest.docs_api("/static/docs/default/component/pay/img/picture.svg").await.header("content-type"),
        "image/svg+xml"
    );
    assert!(guest.docs_api("/cookie").await.json()["expiresAt"].is_string());

    for (path, message) in [
        ("/metadata/techdocs/default/component/none", "Unable to get metadata for 'component:default/none'"),
        ("/metadata/entity/default/system/checkout", "Unable to get metadata for 'system:default/checkout'"),
        ("/sync/default/component/none", "Entity metadata UID missing"),
        ("/static/docs/default/component/pay/none.html", "File Not Found"),
    ] {
        let answer = guest.docs_api(path).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]["message"]),
            (StatusCode::NOT_FOUND, &Value::from(message)),
            "{path}"
        );
    }
    assert_eq!(guest.app.get("/api/techdocs/cookie").await.status, StatusCode::UNAUTHORIZED);
}
