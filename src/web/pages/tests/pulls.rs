//! Pull requests as people see, merge and close them.

use super::portal::Guest;
use crate::forge::testing::{new_commit, written};
use crate::forge::{Forge as _, NewPullRequest, Parent, RepositoryId};

fn catalog() -> RepositoryId {
    RepositoryId::new("acme", "catalog").unwrap()
}

impl Guest {
    /// Commits a text to a branch of `acme/catalog`, which starts at the first commit of `main`.
    async fn branch(&self, branch: &str, from: Option<String>, text: &str) {
        let forge = &self.app.state.forge;
        let parent = match from {
            Some(commit) => Parent::Fork(commit),
            None => Parent::Tip(forge.resolve(&catalog(), branch).await.unwrap()),
        };
        let commit = new_commit(branch, parent, written("notes.txt", text), format!("Say {text}"));
        forge.commit(&catalog(), commit).await.unwrap();
    }

    async fn propose(&self, head: &str, draft: bool) {
        let new = NewPullRequest {
            title: format!("Tell <{head}>"),
            body: "Because it is **so**.".to_owned(),
            head: head.to_owned(),
            base: "main".to_owned(),
            draft,
            created_by: Some("user:default/guest".to_owned()),
        };
        self.app.state.forge.propose(&catalog(), new).await.unwrap();
    }
}

const PULLS: &str = "/repositories/acme/catalog/pulls";

#[tokio::test]
async fn a_pull_request_is_read_and_merged_on_its_page() {
    let guest = Guest::enter().await;
    let main = guest.app.state.forge.resolve(&catalog(), "main").await.unwrap();
    assert!(guest.see(PULLS).await.contains("None here"));
    guest.branch("notes", Some(main.clone()), "hello").await;
    guest.propose("notes", false).await;
    assert!(guest.see(PULLS).await.contains("Tell &#60;notes&#62;"));

    let tip = guest.app.state.forge.resolve(&catalog(), "notes").await.unwrap();
    let page = guest.see("/repositories/acme/catalog/pulls/1").await;
    for part in ["badge--green\">open", "<strong>so</strong>", "notes.txt", "Say hello", "1 commit from", &tip] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // What was not looked at is not merged.
    guest.branch("notes", None, "hello again").await;
    let stale = guest.send("/repositories/acme/catalog/pulls/1/merge", &[("seen", &tip)]).await;
    assert_eq!(stale.status, 409, "{}", stale.text);
    let tip = guest.app.state.forge.resolve(&catalog(), "notes").await.unwrap();
    let form = [("seen", tip.as_str()), ("method", "squash"), ("delete", "yes")];
    assert_eq!(
        guest.led("/repositories/acme/catalog/pulls/1/merge", &form).await,
        "/repositories/acme/catalog/pulls/1"
    );
    let page = guest.see("/repositories/acme/catalog/pulls/1").await;
    for part in ["badge--violet\">merged", "Merged as", "notes.txt", "Say hello again", "2 commits from"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("/merge\""), "it is over");
    assert!(guest.see(&format!("{PULLS}?state=closed")).await.contains("merged"));
    let forge = &guest.app.state.forge;
    let merged = forge.changes(&catalog(), "main").await.unwrap().commit;
    assert_eq!((merged.author.name.as_str(), merged.title()), ("guest", "Tell <notes> (#1)"));
    assert_eq!(forge.read(&catalog(), "main", "notes.txt").await.unwrap().bytes, "hello again");
}

#[tokio::test]
async fn conflicts_drafts_and_lost_branches_are_told() {
    let guest = Guest::enter().await;
    let forge = &guest.app.state.forge;
    let main = forge.resolve(&catalog(), "main").await.unwrap();
    guest.branch("one", Some(main.clone()), "one").await;
    guest.branch("main", None, "two").await;
    guest.propose("one", true).await;
    let page = guest.see("/repositories/acme/catalog/pulls/1").await;
    assert!(page.contains("do not go together") && page.contains("<code>notes.txt</code>"), "{page}");
    assert!(page.contains("Ready to be merged") && page.contains("badge--blue\">draft"), "{page}");
    guest.led("/repositories/acme/catalog/pulls/1/ready", &[]).await;
    let tip = forge.resolve(&catalog(), "one").await.unwrap();
    let refused = guest.send("/repositories/acme/catalog/pulls/1/merge", &[("seen", &tip)]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("changed notes.txt in ways that do not go together"), "{}", refused.text);

    forge.delete_branch(&catalog(), "one", &tip).await.unwrap();
    let page = guest.see("/repositories/acme/catalog/pulls/1").await;
    assert!(page.contains("Its changes cannot be shown: revision"), "{page}");
    guest.led("/repositories/acme/catalog/pulls/1/close", &[]).await;
    assert!(guest.see("/repositories/acme/catalog/pulls/1").await.contains("Closed without its changes"));
    for path in ["/repositories/acme/catalog/pulls/9", "/repositories/acme/none/pulls"] {
        assert_eq!(guest.open(path).await.status, 404, "{path}");
    }
    assert_eq!(guest.forge("/repositories/acme/catalog/pulls/1/close", "csrf=wrong").await.status, 403);
}
