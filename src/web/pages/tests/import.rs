//! Bringing repositories into the catalog, on the local forge.

use super::portal::Guest;
use crate::catalog::Registration;
use crate::forge::testing::{new_commit, new_repository, tree};
use crate::forge::{Forge as _, MergeMethod, NewMerge, NewRepository, Parent, RepositoryId, Signature};
use crate::permission::Credentials;

const ORGANISATION: &str = "http://localhost:7007/repositories/acme";
const TWO: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: two }\n\
     spec: { type: service, lifecycle: production, owner: storefront }\n";

const TARGET: &str = "https://local/acme/two/blob/main/catalog-info.yaml";

fn id(name: &str) -> RepositoryId {
    RepositoryId::new("acme", name).unwrap()
}

impl Guest {
    async fn repository(&self, name: &str, about: &str, files: &[(&str, &str)]) {
        let forge = &self.app.state.forge;
        forge.create(NewRepository { description: about.to_owned(), ..new_repository(&id(name)) }).await.unwrap();
        if !files.is_empty() {
            forge.commit(&id(name), new_commit("main", Parent::Root, tree(files), "Begin")).await.unwrap();
        }
    }

    /// Looks at the organisation.
    async fn surveys(&self, target: &str) {
        // The page comes without waiting for the forge, and says where the rest is.
        let address = format!("/catalog-import?url={}", crate::web::url::query(ORGANISATION));
        let shell = self.see(&address).await;
        assert!(
            shell.contains(&format!("data-late=\"{address}&#38;now=yes\"")) && !shell.contains("acme/two"),
            "{shell}"
        );
        let survey = self.see(&format!("{address}&now=yes")).await;
        for part in [
            "4 repositories",
            &format!("name=\"register\" value=\"{target}\" checked"),
            "component:default/two",
            "name=\"add\" value=\"local/acme/one\"",
            "no commit yet",
            "value=\"group:default/storefront\"",
        ] {
            assert!(survey.contains(part), "{part} is missing in {survey}");
        }
    }

    fn has(&self, reference: &str) -> bool {
        let reference = reference.parse().unwrap();
        self.app.state.catalog.entity(&Credentials::anonymous(), &reference).is_some()
    }

    async fn work(&self) {
        self.app.state.imports.work_due(usize::MAX).await.unwrap();
    }

    /// Has a descriptor proposed to a repository; gives the page of the import.
    async fn propose_descriptor(&self, name: &str, text: &str) -> String {
        let place = format!("local/acme/{name}");
        let form = [("url", ORGANISATION), ("repository", place.as_str()), ("text", text), ("step", "import")];
        let import = self.led("/catalog-import", &form).await;
        self.work().await;
        import
    }
}

#[tokio::test]
async fn an_organisation_is_looked_at_registered_and_proposed_to() {
    let guest = Guest::enter().await;
    guest.repository("one", "The: first", &[("README.md", "# One\n")]).await;
    guest.repository("two", "", &[("catalog-info.yaml", TWO)]).await;
    guest.repository("three", "", &[]).await;

    guest.surveys(TARGET).await;
    let common = [("url", ORGANISATION), ("register", TARGET), ("add", "local/acme/one"), ("step", "look")];
    let missing = guest.send("/catalog-import", &common).await;
    assert!(missing.text.contains("need an answer for `owner`"), "{}", missing.text);
    let answers = [("owner", "group:default/storefront"), ("lifecycle", "production"), ("type", "service")];
    let look = guest.send("/catalog-import", &[&common[..], &answers[..]].concat()).await;
    let text = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: one\n  description: &#39;The: first&#39;\nspec:\n  type: service\n  lifecycle: production\n  owner: storefront\n";
    for part in [text, "Register 1 location and open 1 pull request", "acme/two: catalog-info.yaml"] {
        assert!(look.text.contains(part), "{part} is missing in {}", look.text);
    }
    assert!(!guest.has("component:default/two"), "nothing is done before it was shown");

    // What was changed on the page is what is proposed.
    let text = text.replace("&#39;", "'").replace("name: one", "name: uno").replace('\n', "\r\n");
    let form = [
        ("url", ORGANISATION),
        ("register", TARGET),
        ("repository", "local/acme/one"),
        ("text", text.as_str()),
        ("step", "import"),
    ];
    let import = guest.led("/catalog-import", &form).await;
    assert!(guest.see(&import).await.contains("2 waiting"));
    guest.work().await;
    let page = guest.see(&import).await;
    for part in ["1 open", "1 registered", "href=\"http://localhost:7007/repositories/acme/one/pulls/1\"", "#1"] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    assert!(guest.has("component:default/two") && !guest.has("component:default/uno"));
    assert!(guest.see("/catalog-import").await.contains("1 under way"));

    let forge = &guest.app.state.forge;
    let proposed = forge.read(&id("one"), "greenroom/add-catalog-info", "catalog-info.yaml").await.unwrap();
    assert!(
        proposed.bytes.starts_with(b"apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: uno\n")
    );
    assert_eq!(forge.pull_request(&id("one"), 1).await.unwrap().created_by.as_deref(), Some("user:default/guest"));
    guest.merge("one").await;
    let page = guest.see(&format!("{import}?now=yes")).await;
    assert!(page.contains("1 merged"), "{page}");
    assert!(guest.has("component:default/uno"));
    assert!(guest.see("/catalog-import").await.contains(">done<"));
}

impl Guest {
    async fn merge(&self, name: &str) {
        let who = Signature {
            name: "Jo".to_owned(),
            email: "jo@acme.example".to_owned(),
            time: chrono::Utc::now().fixed_offset(),
        };
        let merge = NewMerge { method: MergeMethod::Merge, who, by: None, seen: None, delete_branch: true };
        self.app.state.forge.merge(&id(name), 1, merge).await.unwrap();
    }
}

#[tokio::test]
async fn carrying_out_twice_is_carrying_out_once_and_what_fails_can_be_tried_again() {
    let guest = Guest::enter().await;
    guest.repository("one", "", &[("README.md", "# One\n")]).await;
    guest.repository("three", "", &[]).await;
    let descriptor = TWO.replace("two", "one");
    let first = guest.propose_descriptor("one", &descriptor).await;
    // Another import of the same finds the pull request that is open, and brings it to what was asked last.
    let changed = descriptor.replace("production", "experimental");
    let second = guest.propose_descriptor("one", &changed).await;
    let forge = &guest.app.state.forge;
    assert_eq!(forge.pull_requests(&id("one")).await.unwrap().len(), 1);
    let proposed = forge.read(&id("one"), "greenroom/add-catalog-info", "catalog-info.yaml").await.unwrap();
    assert_eq!(proposed.bytes, changed);
    for import in [&first, &second] {
        assert!(guest.see(import).await.contains("1 open"));
    }
    forge.close(&id("one"), 1, None).await.unwrap();
    assert!(guest.see(&format!("{first}?now=yes")).await.contains("1 closed"));
    guest.led(&format!("{first}/attempts"), &[]).await;
    guest.work().await;
    let again = guest.see(&first).await;
    assert!(again.contains("1 open") && again.contains("#2"), "{again}");

    let failed = guest.propose_descriptor("three", &descriptor).await;
    let page = guest.see(&failed).await;
    assert!(page.contains("acme/three has no commit on `main` yet") && page.contains("1 failed"), "{page}");
    forge.commit(&id("three"), new_commit("main", Parent::Root, tree(&[("a", "b")]), "Begin")).await.unwrap();
    guest.led(&format!("{failed}/attempts"), &[]).await;
    guest.work().await;
    assert!(guest.see(&failed).await.contains("1 open"));
    // Somebody was quicker.
    guest.repository("four", "", &[("catalog-info.yaml", &TWO.replace("two", "four"))]).await;
    let quicker = guest.propose_descriptor("four", &descriptor).await;
    assert!(guest.see(&quicker).await.contains("it has a catalog-info.yaml by now"));
    assert!(guest.has("component:default/four"));
}

#[tokio::test]
async fn one_repository_is_searched_in_all_its_folders() {
    let guest = Guest::enter().await;
    let files = [
        ("services/two/catalog-info.yaml", TWO),
        ("broken/catalog-info.yaml", "kind: Component\n"),
        ("skeleton/catalog-info.yaml", "kind: Component\nmetadata: { name: '${{ values.name }}' }\n"),
    ];
    guest.repository("many", "", &files).await;
    let address = crate::web::url::import_survey(&format!("{ORGANISATION}/many"), 1, true);
    let page = guest.see(&address).await;
    for part in ["services/two/catalog-info.yaml", "broken/catalog-info.yaml", "not right", "component:default/two"] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    assert!(!page.contains("skeleton/"), "{page}");
    let target = "https://local/acme/many/blob/main/services/two/catalog-info.yaml";
    let who = Credentials::service("test");
    guest.app.state.catalog.register(&who, "url", target, Registration::New).await.unwrap();
    assert!(guest.see(&address).await.contains("in the catalog"));
}

#[tokio::test]
async fn what_cannot_be_imported_is_told_in_place() {
    let guest = Guest::enter().await;
    for (address, told) in [
        ("nonsense", "is no address"),
        ("https://elsewhere.example/acme", "is neither a repository nor an organisation of a configured forge"),
        ("http://localhost:7007/repositories/acme/none", "repository `acme/none` not found"),
    ] {
        let page = guest.see(&crate::web::url::import_survey(address, 1, true)).await;
        assert!(page.contains("That cannot be looked at") && page.contains(told), "{address}: {page}");
    }
    let wrong = [("repository", "local/acme/catalog"), ("text", "kind: ["), ("step", "import"), ("url", ORGANISATION)];
    let page = guest.send("/catalog-import", &wrong).await;
    assert!(page.text.contains("the descriptor of acme/catalog is no YAML"), "{}", page.text);
    assert!(page.text.contains("kind: ["), "what was written is kept");
    assert!(guest.send("/catalog-import", &[("step", "look")]).await.text.contains("nothing was chosen"));
    let misplaced = guest.send("/catalog-import", &[("text", "x"), ("step", "import")]).await;
    assert_eq!(misplaced.status, 400);
    assert_eq!(guest.forge("/catalog-import", "csrf=wrong&step=import").await.status, 403);
    let nobody = "/catalog-import/01890a5d-ac96-774b-bcce-b302099a8057";
    assert_eq!(guest.open(nobody).await.status, 404);
}
