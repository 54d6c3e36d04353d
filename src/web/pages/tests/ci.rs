//! The CI tab, on the model of GitHub.

use serde_json::{Value, json};

use super::portal::Guest;
use crate::catalog::Registration;
use crate::forge::github::testing::{World, acme};
use crate::permission::Credentials;

const RULES: &str = "rules: [{ allow: [Component, API, System, Group, User, Template, Location] }]";
const WORKFLOW: &str = "name: Build\non: [push]\njobs:\n  test: { runs-on: ubuntu-latest, steps: [{ run: make }] }\n  lint: { runs-on: ubuntu-latest, steps: [{ run: make lint }] }\n";
const PAY: &str = "/catalog/default/component/pay";

fn descriptor(name: &str, owner: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\n  annotations: {{ github.com/project-slug: acme/pay }}\nspec: {{ type: service, lifecycle: production, owner: {owner} }}\n"
    )
}

/// A portal beside a GitHub whose repository `acme/pay` has a workflow that ran once, and failed.
async fn portal() -> Option<(Guest, World)> {
    let mut wanted = acme();
    let files = json!({"catalog-info.yaml": descriptor("pay", "platform"), ".github/workflows/build.yaml": WORKFLOW});
    wanted["repositories"] = json!([{"owner": "acme", "name": "pay", "files": files}]);
    wanted["runs"] = json!({"manual": true});
    let world = World::new(wanted).await?;
    let guest = Guest::beside(RULES, vec![World::github(&world.with_app())]).await;
    let commit = json!({"kind": "commit", "repository": "acme/pay", "branch": "main", "files": {"a.txt": "a"}, "message": "Pay <more>", "by": "ada"});
    world.event(commit).await;
    world.event(run("completed", Some("failure"))).await;
    let target = format!("http://{}/acme/pay/blob/main/catalog-info.yaml", world.host());
    let who = Credentials::service("test");
    guest.app.state.catalog.register(&who, "url", &target, Registration::New).await.unwrap();
    Some((guest, world))
}

fn run(status: &str, conclusion: Option<&str>) -> Value {
    json!({"kind": "run", "repository": "acme/pay", "status": status, "conclusion": conclusion, "jobs": {"lint": "success"}})
}

/// The address of the newest run's page.
fn first_run(page: &str) -> String {
    let at = page.find("/ci/runs/").expect("a run is listed");
    let rest = &page[at + "/ci/runs/".len()..];
    format!("{PAY}/ci/runs/{}", rest.split(['"', '?', '/']).next().unwrap())
}

#[tokio::test]
async fn runs_are_shown_and_repeated_by_owners() {
    let Some((guest, world)) = portal().await else { return };
    let overview = guest.see(PAY).await;
    assert!(overview.contains(&format!("data-late=\"{PAY}/ci/latest\"")), "{overview}");
    world.requests().await;
    let shell = guest.see(&format!("{PAY}/ci")).await;
    assert!(shell.contains(&format!("data-late=\"{PAY}/ci?now=yes\"")), "{shell}");
    assert_eq!(world.requests().await, Vec::<String>::new(), "the page itself asks nothing");

    let runs = guest.see(&format!("{PAY}/ci?now=yes")).await;
    for part in ["Pay &#60;more&#62;", "Build #1", "state--failed", ">ada<", "branch=main"] {
        assert!(runs.contains(part), "{part} is missing in {runs}");
    }
    assert!(guest.see(&format!("{PAY}/ci/latest")).await.contains("Pay &#60;more&#62;"));
    let asked = world.requests().await;
    let lists = asked.iter().filter(|line| line.contains("/actions/runs")).count();
    assert_eq!(lists, 1, "however many look: {asked:#?}");
    assert!(guest.see(&format!("{PAY}/ci?branch=other&now=yes")).await.contains("Nothing ran on the branch"));

    let run_page = first_run(&runs);
    let shown = guest.see(&format!("{run_page}?now=yes")).await;
    for part in ["test</span>", "lint</span>", "Log of test", "Run what failed again", "Open on GitHub"] {
        assert!(shown.contains(part), "{part} is missing in {shown}");
    }
    assert!(!shown.contains("/cancellation\""), "it is over");
    assert_eq!(guest.led(&format!("{run_page}/attempts"), &[("only", "failed")]).await, run_page);
    let moving = guest.see(&format!("{run_page}?now=yes")).await;
    for part in ["attempt 2", "data-late-again", "/cancellation\""] {
        assert!(moving.contains(part), "{part} is missing in {moving}");
    }
    // GitHub's own words where it does not do what was asked.
    let refused = guest.send(&format!("{run_page}/attempts"), &[]).await;
    assert!(refused.text.contains("That was not done") && refused.text.contains("already running"), "{}", refused.text);
    guest.led(&format!("{run_page}/cancellation"), &[]).await;
    assert!(guest.see(&format!("{run_page}?now=yes")).await.contains("Cancelled"));
    assert_eq!(guest.forge(&format!("{run_page}/cancellation"), "csrf=wrong").await.status, 403);
    world.assert_lawful().await;
}

#[tokio::test]
async fn only_owners_order_and_only_what_is_really_theirs() {
    let Some((guest, world)) = portal().await else { return };
    let run_page = first_run(&guest.see(&format!("{PAY}/ci?now=yes")).await);
    // A file elsewhere that names the repository and an owner of one's own.
    guest.declare("claims", "catalog-info.yaml", &descriptor("claimed", "platform")).await;
    let claimed = run_page.replace("/pay/", "/claimed/");
    let shown = guest.see(&format!("{claimed}?now=yes")).await;
    assert!(shown.contains("Its owners can run it again") && !shown.contains("/attempts\""), "{shown}");
    assert_eq!(guest.send(&format!("{claimed}/attempts"), &[]).await.status, 403);
    // The repository itself, with another owner.
    let files = json!({"catalog-info.yaml": descriptor("pay", "storefront")});
    world.event(json!({"kind": "commit", "repository": "acme/pay", "branch": "main", "files": files, "message": "Give away"})).await;
    guest.led(&format!("{PAY}/refresh"), &[]).await;
    assert_eq!(guest.send(&format!("{run_page}/attempts"), &[]).await.status, 403);
    let asked = world.requests().await;
    assert!(!asked.iter().any(|line| line.contains("/rerun")), "{asked:#?}");
}

#[tokio::test]
async fn what_github_does_not_tell_is_a_sentence_in_place() {
    let Some((guest, world)) = portal().await else { return };
    world.fault(json!({"path": "/actions/runs", "kind": "403-secondary", "retryAfter": 3600, "times": 9})).await;
    let page = guest.see(&format!("{PAY}/ci?now=yes")).await;
    assert!(page.contains("The runs cannot be shown") && page.contains("takes no more requests"), "{page}");
    assert!(guest.see(&format!("{PAY}/ci/latest")).await.contains("ci__problem"));
    // Without a repository on a GitHub there is no tab.
    let elsewhere = guest.see("/catalog/default/component/checkout-service").await;
    assert!(!elsewhere.contains("/ci\""), "{elsewhere}");
    assert_eq!(guest.open("/catalog/default/component/checkout-service/ci").await.status, 404);
    let missing = guest.see(&format!("{PAY}/ci/runs/1?now=yes")).await;
    assert!(missing.contains("Run 1 cannot be shown"), "{missing}");
}
