//! Creating: the form, the plan and the run, as a person without a script goes through them.

use axum::http::StatusCode;
use futures_util::StreamExt as _;

use super::portal::Guest;
use crate::permission::Credentials;

const OWNER: (&str, &str) = ("owner", "group:default/storefront");
const NEXT: (&str, &str) = ("_go", "next");

impl Guest {
    /// Opens a template's form and gives the address of its first page.
    async fn begin(&self, template: &str) -> String {
        self.open(&format!("/create/templates/default/{template}")).await.header("location").to_owned()
    }

    /// Answers both pages of the small service and gives the address of the plan.
    async fn answer_small(&self, form: &str, name: &str) -> String {
        let second = self.led(form, &[("name", name), OWNER, NEXT]).await;
        self.led(&second, &[("repoUrl.host", "local"), ("repoUrl.owner", "acme"), ("repoUrl.repo", name), NEXT]).await
    }

    /// Runs the small service to its end and gives the address of the run.
    pub(super) async fn create_small(&self, name: &str) -> String {
        let plan = self.answer_small(&self.begin("small").await, name).await;
        let run = self.led(&plan, &[]).await;
        self.finish(&run).await;
        run
    }

    /// Waits until a run is over.
    pub(super) async fn finish(&self, run: &str) -> String {
        let id = run.rsplit('/').next().unwrap().parse().unwrap();
        let events = self.app.state.scaffolder.follow(&Credentials::service("test"), id, None);
        assert_eq!(events.collect::<Vec<_>>().await.last().unwrap().kind(), "completion");
        self.see(run).await
    }
}

pub(super) fn contains(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(html.contains(part), "{part} is missing in {html}");
    }
}

#[tokio::test]
async fn the_gallery_tells_usable_from_broken() {
    let guest = Guest::enter().await;
    let gallery = guest.see("/create").await;
    contains(&gallery, &["Small service", "Cannot be used for now", "acme/catalog: catalog.yaml:"]);
    assert!(!gallery.contains("href=\"/create/templates/default/broken\""), "a broken template has no button");
    contains(&guest.see("/create?type=website").await, &["No template fits"]);
    assert!(!guest.see("/create?q=two+files").await.contains("Every field"));
}

#[tokio::test]
async fn a_form_keeps_every_answer() {
    let guest = Guest::enter().await;
    let opened = guest.open("/create/templates/default/small?description=From+a+link").await;
    let form = opened.header("location").to_owned();
    contains(&guest.see(&form).await, &["From a link"]);
    // A wrong answer is told beside its field, and kept.
    let wrong = guest.send(&form, &[("name", "Not A Name"), OWNER, NEXT]).await;
    contains(&wrong.text, &["aria-invalid=\"true\"", "href=\"#field-name\"", "Not A Name"]);
    contains(&guest.see(&form).await, &["Not A Name"]);
    // A list grows and shrinks by buttons.
    let grown = guest.led(&form, &[("name", "cart"), OWNER, ("_add", "ports")]).await;
    assert_eq!(grown, format!("{form}#field-ports"));
    contains(&guest.see(&form).await, &["name=\"ports.0.name\""]);
    guest.led(&form, &[("name", "cart"), OWNER, ("ports.0.name", "http"), ("_remove", "ports.0")]).await;
    contains(&guest.see(&form).await, &["None yet."]);
    // Back keeps the answers of the page that is left.
    let second = guest.led(&form, &[("name", "cart"), OWNER, NEXT]).await;
    let repository = [("repoUrl.host", "local"), ("repoUrl.owner", "acme"), ("repoUrl.repo", "cart")];
    assert_eq!(guest.led(&second, &[&repository[..], &[("_go", "0")]].concat()).await, form);
    contains(&guest.see(&second).await, &["value=\"cart\"", "http://localhost:7007/git/acme/cart.git"]);
    // The plan of a form that is not answered leads to what is missing.
    let empty = guest.begin("small").await;
    let plan = guest.open(&format!("{}/plan", empty.trim_end_matches("/0"))).await;
    assert_eq!(plan.header("location"), format!("{empty}?check=yes"));
    contains(&guest.see(&format!("{empty}?check=yes")).await, &["aria-invalid=\"true\""]);
}

#[tokio::test]
async fn every_kind_of_field_is_shown() {
    let guest = Guest::enter().await;
    let form = guest.begin("everything").await;
    contains(
        &guest.see(&form).await,
        &[
            "Of <strong>every</strong> kind.",
            "<textarea class=\"input\" id=\"field-note\"",
            "href=\"https://acme.example\"",
            "type=\"password\" id=\"field-word\"",
            "type=\"password\" id=\"field-secret\"",
            "type=\"number\" id=\"field-count\" name=\"count\" value=\"3\"",
            "min=\"1\" max=\"9\"",
            "name=\"ready\" value=\"true\" checked",
            "<option value=\"two\" selected>Second</option>",
            "type=\"radio\" name=\"mode\" value=\"fast\" checked",
            "type=\"checkbox\" name=\"parts\" value=\"b\" checked",
            "value=\"x, y\"",
            "<option value=\"system:default/checkout\" data-hint=\"system:checkout\">Checkout</option>",
            "name=\"uses\" multiple",
            "id=\"field-limits-cpu\" name=\"limits.cpu\"",
            "&#34;a&#34;: 1",
            "type=\"hidden\" name=\"silent\" value=\"shh\"",
            "`ui:field: SomethingElse` is not known here",
        ],
    );
    let plan = guest.led(&form, &[("note", "n"), ("secret", "hunter2"), NEXT]).await;
    let shown = guest.see(&plan).await;
    contains(&shown, &["No file is made.", "changes nothing outside"]);
    assert!(!shown.contains("hunter2"));
}

#[tokio::test]
async fn a_service_is_created_once() {
    let guest = Guest::enter().await;
    let plan = guest.answer_small(&guest.begin("small").await, "cart").await;
    let shown = guest.see(&plan).await;
    contains(
        &shown,
        &[
            "create repository acme/cart",
            "push 3 files to main",
            "3 files",
            "# cart",
            "Owned by group:default/storefront.",
        ],
    );
    contains(&guest.see(&format!("{plan}?file=catalog-info.yaml")).await, &["lifecycle: experimental"]);

    let run = guest.led(&plan, &[]).await;
    assert_eq!(guest.led(&plan, &[]).await, run, "the second press gives the same run");
    let done = guest.finish(&run).await;
    contains(&done, &["Done", "Open in the catalog", "repository acme/cart", "Next steps"]);
    assert!(!done.contains("Never a link"));
    assert_eq!(guest.open(&plan).await.header("location"), run, "the plan of a started run is the run");
    let stream = guest.open(&format!("{run}/events")).await;
    assert_eq!(stream.header("content-type"), "text/event-stream");
    contains(&stream.text, &["event: completion"]);

    contains(&guest.see("/create/tasks?whose=mine").await, &["cart"]);
    contains(&guest.see("/create/tasks?status=failed").await, &["No run fits"]);
    contains(&guest.see("/").await, &["Your runs", &run]);
    contains(&guest.see("/repositories/acme/cart").await, &["Owned by group:default/storefront."]);
    let entity = guest.see("/catalog/default/component/cart").await;
    contains(&entity, &["Small service", &run, "/docs/default/component/cart/"]);
    contains(&guest.see("/catalog/default/group/storefront").await, &["/catalog/default/component/cart"]);

    // The same once more meets what is there.
    let plan = guest.answer_small(&guest.begin("small").await, "cart").await;
    contains(&guest.see(&plan).await, &["exists already", "disabled aria-describedby=\"blocked\""]);
}

#[tokio::test]
async fn a_failed_run_says_what_it_made() {
    let guest = Guest::enter().await;
    let form = guest.begin("falls").await;
    let plan =
        guest.led(&form, &[("repoUrl.host", "local"), ("repoUrl.owner", "acme"), ("repoUrl.repo", "half"), NEXT]).await;
    contains(&guest.see(&plan).await, &["This plan cannot be carried out", "“Fetch more”", "disabled"]);
    let run = guest.led(&plan, &[]).await;
    let failed = guest.finish(&run).await;
    contains(
        &failed,
        &[
            "“Fetch more” failed",
            "href=\"/create/actions#fetch:plain\"",
            "still there",
            "repository acme/half",
            "Try again",
            "step--skipped",
        ],
    );
    assert_eq!(guest.led(&format!("{run}/attempts"), &[]).await, run);
    contains(&guest.finish(&run).await, &["“Fetch more” failed"]);
    assert_eq!(guest.led(&format!("{run}/cancellation"), &[]).await, run, "nothing to cancel any more");
}

#[tokio::test]
async fn what_a_run_made_is_undone_on_its_page() {
    let guest = Guest::enter().await;
    let plan = guest.answer_small(&guest.begin("small").await, "cart").await;
    let run = guest.led(&plan, &[]).await;
    let undo = format!("{run}/undo");
    contains(&guest.finish(&run).await, &[&format!("href=\"{undo}\"")]);
    let shown = guest.see(&undo).await;
    let (register, publish) = (shown.find("unregister "), shown.find("delete repository acme/cart"));
    assert!(register.is_some() && register < publish, "the newest first: {shown}");

    let nothing = guest.send(&undo, &[]).await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    contains(&nothing.text, &["Nothing was ticked"]);
    assert_eq!(guest.send(&undo, &[("id", "made/up")]).await.status, StatusCode::BAD_REQUEST);
    guest.see("/repositories/acme/cart").await;

    let ids = [("id", "publish/created"), ("id", "register/registered")];
    assert_eq!(guest.led(&undo, &ids).await, run);
    let after = guest.see(&run).await;
    contains(&after, &["Undone: delete repository acme/cart (user:default/guest)"]);
    assert!(!after.contains("Undo…"), "nothing is left to undo");
    contains(&guest.see(&undo).await, &["Nothing of what this run made is left"]);
    assert_eq!(guest.open("/repositories/acme/cart").await.status, StatusCode::NOT_FOUND);
    assert_eq!(guest.open("/catalog/default/component/cart").await.status, StatusCode::NOT_FOUND);
}
