//! The pages through the real router: a small organisation in the local forge, and a guest who looks at it.

use axum::http::StatusCode;

use crate::catalog::Registration;
use crate::forge::testing::{new_commit, new_repository};
use crate::forge::{Contents, Forge as _, GitHub, NewFile, NewRepository, Parent, RepositoryId, Visibility};
use crate::permission::Credentials;
use crate::registry::Registries;
use crate::web::tests::{Answer, Options, TestApp};

const CATALOG: &str = include_str!("organisation.yaml");
const README: &str =
    "# Shop\n\nSee [the guide](docs/guide.md) and ![a picture](docs/picture.svg).\n\n<script>alert(1)</script>\n";
const SKELETON: &str = "# ${{ values.name }}\n\nOwned by ${{ values.owner }}.\n";
const DESCRIPTOR: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: ${{ values.name }}\n  \
     annotations:\n    backstage.io/techdocs-ref: dir:.\nspec:\n  type: service\n  lifecycle: experimental\n  owner: ${{ values.owner }}\n";

const OTHER: &str = "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n  name: returns\n  title: Returns desk\nspec:\n  owner: storefront\n";

/// A guest's browser, without a script.
pub(super) struct Guest {
    pub(super) app: TestApp,
    cookie: String,
    csrf: String,
}

impl Guest {
    pub(super) async fn enter() -> Self {
        Self::with("rules: [{ allow: [Component, API, System, Group, User, Template, Location] }]").await
    }

    /// Where `catalog` is configured like this.
    pub(super) async fn with(catalog: &str) -> Self {
        Self::beside(catalog, Vec::new()).await
    }

    /// The same with other forges beside the local one.
    pub(super) async fn beside(catalog: &str, github: Vec<GitHub>) -> Self {
        Self::of(Options { catalog: serde_yaml::from_str(catalog).unwrap(), github, ..Options::default() }).await
    }

    /// Where these registries are configured.
    pub(super) async fn with_registries(catalog: &str, registries: Registries) -> Self {
        let options = Options { catalog: serde_yaml::from_str(catalog).unwrap(), registries, ..Options::default() };
        Self::of(options).await
    }

    async fn of(options: Options) -> Self {
        let app = TestApp::start_with(options).await;
        fill(&app).await;
        let (cookie, csrf) = app.enter().await;
        Self { app, cookie, csrf }
    }

    /// What the browser sends.
    pub(super) fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Opens a page; it must be there and be whole.
    pub(super) async fn see(&self, path: &str) -> String {
        let answer = self.open(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        assert_eq!(answer.text.matches("<h1").count(), 1, "{path}: one h1");
        assert!(answer.text.contains("</html>"), "{path} is whole");
        assert!(!answer.text.contains(" style=\"") && !answer.text.contains("<script>"), "{path}: nothing inline");
        answer.text
    }

    pub(super) async fn open(&self, path: &str) -> Answer {
        self.app.request("GET", path, &[("cookie", self.cookie.as_str())], "").await
    }

    /// Sends a form and gives where it leads.
    pub(super) async fn send(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", &self.csrf).extend_pairs(pairs);
        let headers = [("cookie", self.cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        self.app.request("POST", path, &headers, form.finish()).await
    }

    /// Sends a form with files.
    pub(super) async fn send_files(&self, path: &str, pairs: &[(&str, &str)], files: &[(&str, &str)]) -> Answer {
        let named = [("csrf", self.csrf.as_str())].into_iter().chain(pairs.iter().copied());
        let plain = named.map(|(name, value)| (format!("name=\"{name}\""), value));
        let sent = files.iter().map(|(file, content)| (format!("name=\"_upload\"; filename=\"{file}\""), *content));
        let part = |(names, content): (String, &str)| {
            format!("--edge\r\ncontent-disposition: form-data; {names}\r\n\r\n{content}\r\n")
        };
        let body: String = plain.chain(sent).map(part).collect();
        let headers = [("cookie", self.cookie.as_str()), ("content-type", "multipart/form-data; boundary=edge")];
        self.app.request("POST", path, &headers, body + "--edge--\r\n").await
    }

    /// Sends a form without the session's token.
    pub(super) async fn forge(&self, path: &str, body: &'static str) -> Answer {
        let headers = [("cookie", self.cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        self.app.request("POST", path, &headers, body).await
    }

    /// The same for a form that can carry files.
    pub(super) async fn forge_files(&self, path: &str) -> Answer {
        let body = "--edge\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\nx\r\n--edge--\r\n";
        let headers = [("cookie", self.cookie.as_str()), ("content-type", "multipart/form-data; boundary=edge")];
        self.app.request("POST", path, &headers, body).await
    }

    pub(super) async fn led(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let answer = self.send(path, pairs).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text);
        answer.header("location").to_owned()
    }
}

async fn fill(app: &TestApp) {
    let forge = &app.state.forge;
    let id = RepositoryId::new("acme", "catalog").unwrap();
    let new = NewRepository {
        description: "The organisation".to_owned(),
        visibility: Visibility::Public,
        ..new_repository(&id)
    };
    forge.create(new).await.unwrap();
    let picture = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
    let files = vec![
        NewFile::regular("catalog.yaml", CATALOG),
        NewFile::regular("other.yaml", OTHER),
        NewFile::regular("README.md", README),
        NewFile::regular("docs/guide.md", "# Guide\n\n## Part\n"),
        NewFile::regular("docs/picture.svg", picture),
        NewFile::regular("docs/binary.bin", vec![0, 159, 146, 150]),
        NewFile::executable("run.sh", "#!/bin/sh\nexit 0\n"),
        NewFile::regular("skeleton/README.md", SKELETON),
        NewFile::regular("skeleton/catalog-info.yaml", DESCRIPTOR),
    ];
    let message = "Describe the shop\n\nAll of it.";
    let commit = new_commit("main", Parent::Root, Contents::Tree(files), message);
    forge.commit(&id, commit).await.unwrap();
    let target = "http://localhost:7007/repositories/acme/catalog/blob/main/catalog.yaml";
    let who = Credentials::service("test");
    app.state.catalog.register(&who, "url", target, Registration::New).await.unwrap();
}

#[tokio::test]
async fn every_page_of_the_catalog_is_shown() {
    let guest = Guest::enter().await;
    let cases: &[(&str, &[&str])] = &[
        ("/", &["Hello", "Checkout", "1 component"]),
        ("/catalog", &["Checkout service", "Storefront team"]),
        ("/catalog?kind=api", &["Orders"]),
        ("/catalog?q=orders", &["Everything", "Orders", "Text: orders"]),
        ("/catalog?owner=me", &["Nothing fits"]),
        ("/catalog?type=service&sort=-name", &["Type: service", "aria-sort=\"descending\""]),
        (
            "/catalog/default/component/checkout-service",
            &[
                "Part of",
                "Provides",
                "Orders",
                "Dashboard",
                "not in the catalog",
                "acme/catalog: catalog.yaml",
                "Unregister",
            ],
        ),
        ("/catalog/default/group/storefront", &["Members", "Owns components", "mailto:storefront@acme.example"]),
        ("/catalog/default/user/jo", &["Member of"]),
        ("/catalog/default/api/orders", &["Provided by"]),
        ("/catalog/default/api/orders/api", &["openapi: 3.1.0"]),
        ("/catalog/default/component/checkout-service/environments", &["No environment is declared"]),
        ("/catalog/default/component/checkout-service/history", &["Added"]),
        ("/catalog/default/component/checkout-service/raw", &["kind: Component"]),
        ("/catalog/default/component/checkout-service/raw?format=json", &["&#34;kind&#34;: &#34;Component&#34;"]),
        ("/catalog/problems", &["acme/catalog: catalog.yaml:", "?view=source#L"]),
        ("/catalog/locations", &["acme/catalog: catalog.yaml", "registered"]),
        ("/status", &["a test database", "acme/catalog: catalog.yaml", "Wait for a worker"]),
    ];
    for (path, expected) in cases {
        let html = guest.see(path).await;
        for part in *expected {
            assert!(html.contains(part), "{path}: {part} is missing in {html}");
        }
    }
    let missing = guest.open("/catalog/default/component/nothing").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.text.contains("catalog has no component:default/nothing"), "{}", missing.text);
}

#[tokio::test]
async fn a_location_is_looked_at_registered_and_unregistered() {
    let guest = Guest::enter().await;
    let target = "http://localhost:7007/repositories/acme/catalog/blob/main/other.yaml";
    let preview = guest.send("/catalog/locations", &[("target", target), ("step", "preview")]).await;
    assert!(preview.text.contains("Returns desk") && preview.text.contains("value=\"register\""), "{}", preview.text);
    let wrong = guest.send("/catalog/locations", &[("target", "nonsense"), ("step", "preview")]).await;
    assert!(wrong.text.contains("aria-invalid=\"true\""), "{}", wrong.text);
    let location = guest.led("/catalog/locations", &[("target", target), ("step", "register")]).await;
    assert!(guest.see(&location).await.contains("go out of the catalog"));
    assert_eq!(guest.led(&format!("{location}/removal"), &[]).await, "/catalog/locations");
    assert_eq!(guest.open("/catalog/default/system/returns").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_entity_is_read_again_only_for_its_own_form() {
    let guest = Guest::enter().await;
    let path = "/catalog/default/component/checkout-service";
    assert_eq!(guest.led(&format!("{path}/refresh"), &[]).await, path);
    let headers = [("cookie", guest.cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let forged = guest.app.request("POST", &format!("{path}/refresh"), &headers, "csrf=x").await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn repositories_are_browsed() {
    let guest = Guest::enter().await;
    let cases: &[(&str, &[&str])] = &[
        ("/repositories", &["acme/catalog", "The organisation"]),
        ("/repositories?q=nothing", &["No repository fits"]),
        (
            "/repositories/acme/catalog",
            &[
                "README.md",
                "http://localhost:7007/git/acme/catalog.git",
                "Describe the shop",
                "executable",
                "href=\"/repositories/acme/catalog/blob/main/docs/guide.md\"",
                "src=\"/repositories/acme/catalog/raw/main/docs/picture.svg\"",
            ],
        ),
        ("/repositories/acme/catalog/tree/main/docs", &["guide.md", "picture.svg"]),
        ("/repositories/acme/catalog/blob/main/docs/guide.md", &["id=\"md-part\"", "?view=source"]),
        ("/repositories/acme/catalog/blob/main/docs/guide.md?view=source", &["id=\"L3\"", "## Part"]),
        ("/repositories/acme/catalog/blob/main/run.sh?wrap=yes", &["lines--wrap", "executable"]),
        (
            "/repositories/acme/catalog/blob/main/docs/picture.svg",
            &["<img src=\"/repositories/acme/catalog/raw/main/docs/picture.svg\""],
        ),
        ("/repositories/acme/catalog/blob/main/docs/binary.bin", &["Download"]),
        ("/repositories/acme/catalog/commits/main", &["Describe the shop", "Jo"]),
    ];
    for (path, expected) in cases {
        let html = guest.see(path).await;
        for part in *expected {
            assert!(html.contains(part), "{path}: {part} is missing in {html}");
        }
    }
    let commits = guest.see("/repositories/acme/catalog/commits/main").await;
    let commit = commits.split("/commit/").nth(1).and_then(|rest| rest.get(..40)).unwrap();
    let shown = guest.see(&format!("/repositories/acme/catalog/commit/{commit}")).await;
    assert!(shown.contains("All of it.") && shown.contains("diff__added"), "{shown}");
    let folder = guest.open("/repositories/acme/catalog/blob/main/docs").await;
    assert_eq!(folder.header("location"), "/repositories/acme/catalog/tree/main/docs");
    assert_eq!(guest.open("/repositories/acme/nothing").await.status, StatusCode::NOT_FOUND);
    assert_eq!(guest.open("/repositories/acme/catalog/blob/main/nothing").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn raw_files_cannot_run() {
    let guest = Guest::enter().await;
    for (path, kind, disposition) in [
        ("README.md", "text/plain; charset=utf-8", "inline"),
        ("docs/picture.svg", "image/svg+xml", "inline"),
        ("docs/binary.bin", "application/octet-stream", "attachment"),
    ] {
        let answer = guest.open(&format!("/repositories/acme/catalog/raw/main/{path}")).await;
        assert_eq!(answer.header("content-type"), kind);
        assert!(answer.header("content-disposition").starts_with(disposition));
        assert!(answer.header("content-security-policy").ends_with("sandbox"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn somebody_elses_form_and_a_run_that_is_not_there_are_not_found() {
    let guest = Guest::enter().await;
    let nobody = "01890a5d-ac96-774b-bcce-b302099a8057";
    for path in [
        format!("/create/drafts/{nobody}/0"),
        format!("/create/drafts/{nobody}/plan"),
        format!("/create/tasks/{nobody}"),
        "/create/templates/default/nothing".to_owned(),
    ] {
        assert_eq!(guest.open(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_way_in_leads_to_the_page_that_was_asked_for() {
    let app = TestApp::start().await;
    let turned = app.get("/catalog?kind=api").await;
    assert_eq!(turned.header("location"), "/sign-in?next=/catalog%3Fkind%3Dapi");
    let door = app.get(turned.header("location")).await;
    assert!(door.text.contains("value=\"/catalog?kind=api\"") && door.text.contains("Enter as guest"), "{}", door.text);
}
