//! Creating, finding, listing and deleting repositories; URLs.

use super::*;

#[tokio::test]
async fn a_new_repository_is_found_listed_and_empty() {
    let (fixture, api) = Fixture::with_repository().await;
    let found = fixture.forge.find(&id("ACME/Api")).await.unwrap();
    assert_eq!((found.id.to_string(), found.default_branch.as_str()), ("acme/api".to_owned(), "main"));
    assert_eq!((found.description.as_str(), found.visibility), ("Takes payments", Visibility::Internal));
    assert_eq!(found.created_by.as_deref(), Some("user:default/ada"));
    assert!(found.created_at.is_some());

    fixture.forge.create(new_repository("Other/Web")).await.unwrap();
    let names = |list: Vec<Repository>| list.into_iter().map(|r| r.id.to_string()).collect::<Vec<_>>();
    assert_eq!(names(fixture.forge.list(None).await.unwrap()), ["Other/Web", "acme/api"]);
    assert_eq!(names(fixture.forge.list(Some("other")).await.unwrap()), ["Other/Web"]);
    assert!(fixture.forge.list(Some("nobody")).await.unwrap().is_empty());
    assert!(fixture.forge.branches(&api).await.unwrap().is_empty());
    assert!(matches!(fixture.forge.resolve(&api, "HEAD").await, Err(ForgeError::NotFound(Missing::Revision { .. }))));
    fixture.fsck(&api);
}

#[tokio::test]
async fn names_are_compared_without_case() {
    let (fixture, _) = Fixture::with_repository().await;
    let error = fixture.forge.create(new_repository("Acme/API")).await.unwrap_err();
    assert!(matches!(&error, ForgeError::AlreadyExists(_)), "{error}");
    assert_eq!(error.to_string(), "repository `Acme/API` exists already; choose another name, or delete it first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_concurrent_creators_one_wins() {
    let fixture = Fixture::new();
    let creators: Vec<_> = (0..16)
        .map(|n| {
            let forge = fixture.forge.clone();
            let name = if n % 2 == 0 { "acme/api" } else { "Acme/Api" };
            tokio::spawn(async move { forge.create(new_repository(name)).await })
        })
        .collect();
    let mut won = 0;
    for creator in creators {
        match creator.await.unwrap() {
            Ok(_) => won += 1,
            Err(error) => assert!(matches!(error, ForgeError::AlreadyExists(_)), "{error}"),
        }
    }
    assert_eq!(won, 1);
    fixture.fsck(&id("acme/api"));
}

#[tokio::test]
async fn a_deleted_repository_is_gone_and_can_be_made_again() {
    let (fixture, api) = Fixture::with_repository().await;
    fixture.commit(&api, tree(&[("a", "1")])).await;
    fixture.forge.delete(&api).await.unwrap();
    assert!(matches!(fixture.forge.find(&api).await, Err(ForgeError::NotFound(Missing::Repository(_)))));
    assert!(matches!(fixture.forge.delete(&api).await, Err(ForgeError::NotFound(Missing::Repository(_)))));
    assert!(matches!(fixture.forge.read(&api, "main", "a").await, Err(ForgeError::NotFound(_))));
    fixture.forge.create(new_repository("acme/api")).await.unwrap();
    assert!(fixture.forge.branches(&api).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_a_killed_process_left_is_cleaned_up() {
    let (fixture, api) = Fixture::with_repository().await;
    let first = fixture.commit(&api, tree(&[("a", "1")])).await;
    let half = fixture.folder.path().join(".tmp/half/repository");
    std::fs::create_dir_all(half.join("objects")).unwrap();
    let lock = fixture.path(&api).join("refs/heads/main.lock");
    std::fs::write(&lock, "").unwrap();
    std::fs::write(fixture.path(&api).join("objects/pack/tmp_x"), "PACK").unwrap();

    let restarted = LocalForge::open(fixture.folder.path(), Url::parse("http://localhost:7007").unwrap()).unwrap();
    assert!(!half.exists());
    assert_eq!(restarted.list(None).await.unwrap().len(), 1);
    let second = new_commit(Parent::Tip(first.id), tree(&[("a", "2")]));
    restarted.commit(&api, second).await.unwrap();
    assert!(!lock.exists());
    fixture.fsck(&api);
}

#[tokio::test]
async fn a_damaged_repository_is_an_error_and_not_a_panic() {
    let (fixture, api) = Fixture::with_repository().await;
    fixture.commit(&api, tree(&[("a", "1")])).await;
    let path = fixture.path(&api);
    let damage = |file: &str, bytes: &[u8]| std::fs::write(path.join(file), bytes).unwrap();
    damage("refs/heads/broken", b"not an id\n");
    damage("refs/heads/dangling", b"0123456789012345678901234567890123456789\n");
    assert_eq!(fixture.forge.branches(&api).await.unwrap().len(), 1);
    assert!(fixture.forge.resolve(&api, "broken").await.is_err());
    assert!(fixture.forge.resolve(&api, "dangling").await.is_err());

    for entry in git(&path, &["rev-list", "--objects", "main"]).lines() {
        let (folder, rest) = entry[..40].split_at(2);
        let object = path.join("objects").join(folder).join(rest);
        std::fs::remove_file(&object).unwrap();
        std::fs::write(object, b"garbage").unwrap();
    }
    assert!(fixture.forge.read(&api, "main", "a").await.is_err());
    assert!(fixture.forge.tree(&api, "main", "").await.is_err());
    assert!(fixture.forge.changes(&api, "main").await.is_err());
    damage("config", b"[core\n\0");
    assert!(fixture.forge.find(&api).await.is_err());
    assert!(fixture.forge.list(None).await.unwrap().is_empty());
    assert!(fixture.forge.walk(&api, "main", "").await.is_err());
}

#[tokio::test]
async fn bad_names_are_refused_everywhere() {
    let fixture = Fixture::new();
    for name in ["acme/.hidden", ".tmp/x", "acme/x.git", "a b/x"] {
        let error = fixture.forge.create(new_repository(name)).await.unwrap_err();
        assert!(matches!(error, ForgeError::InvalidName(_)), "{name}: {error}");
        assert!(fixture.forge.find(&id(name)).await.is_err());
        assert!(fixture.forge.delete(&id(name)).await.is_err());
        assert!(fixture.forge.read(&id(name), "main", "a").await.is_err());
    }
    let bad_branch = NewRepository { default_branch: "../x".to_owned(), ..new_repository("acme/x") };
    assert!(matches!(fixture.forge.create(bad_branch).await, Err(ForgeError::InvalidName(_))));
    assert!(fixture.forge.list(None).await.unwrap().is_empty());
}

#[test]
fn both_forms_of_url_are_understood() {
    let Fixture { forge, folder: _folder } = Fixture::new();
    let file = FileLocation::blob(id("acme/api"), "feature/x", "a b/ü.md");
    let canonical = "https://local/acme/api/blob/feature%2Fx/a%20b/%C3%BC.md";
    let browsable = "http://portal.example:7007/base/repositories/acme/api/blob/feature%2Fx/a%20b/%C3%BC.md";
    assert_eq!(forge.canonical_url(&file).as_str(), canonical);
    assert_eq!(forge.browse_url(&file).as_str(), browsable);
    assert_eq!(forge.repository_url(&id("acme/api")).as_str(), "http://portal.example:7007/base/repositories/acme/api");
    assert_eq!(forge.clone_url(&id("acme/api")).as_str(), "http://portal.example:7007/base/git/acme/api.git");
    let locate = |url: &str| forge.locate(&Url::parse(url).unwrap());
    for url in [canonical, browsable, &format!("{browsable}?plain=1#L3")] {
        assert_eq!(locate(url), Some(file.clone()), "{url}");
    }
    let root = Some(FileLocation::tree(id("acme/api"), "main", ""));
    for url in [
        "http://localhost:1234/base/repositories/acme/api/tree/main",
        "http://127.0.0.1/base/repositories/acme/api/tree/main/",
    ] {
        assert_eq!(locate(url), root, "{url}");
    }
    for url in [
        "https://github.com/acme/api/blob/main/a",
        "https://local:8443/acme/api/blob/main/a",
        "http://localhost:1/base/acme/api/blob/main/a",
        "https://local/acme/api",
        "ftp://localhost/base/repositories/acme/api/tree/main",
        "file:///base/repositories/acme/api/tree/main",
    ] {
        assert_eq!(locate(url), None, "{url}");
    }
}

#[tokio::test]
async fn branch_names_with_slashes_are_found_in_urls() {
    let (fixture, api) = Fixture::with_repository().await;
    let first = fixture.commit(&api, tree(&[("docs/a.md", "1")])).await;
    let fork =
        NewCommit { branch: "feature/x".to_owned(), ..new_commit(Parent::Fork(first.id), tree(&[("docs/a.md", "2")])) };
    fixture.forge.commit(&api, fork).await.unwrap();
    for (written, expected) in [
        ("feature/x/docs/a.md", ("feature/x", "docs/a.md")),
        ("feature%2Fx/docs/a.md", ("feature/x", "docs/a.md")),
        ("main/docs/a.md", ("main", "docs/a.md")),
        ("main", ("main", "")),
    ] {
        let url = Url::parse(&format!("https://local/acme/api/blob/{written}")).unwrap();
        let settled = fixture.forge.settle(fixture.forge.locate(&url).unwrap()).await.unwrap();
        assert_eq!((settled.revision.as_str(), settled.path.as_str()), expected, "{written}");
    }
    let url = Url::parse("https://local/acme/api/blob/nothing/x").unwrap();
    let error = fixture.forge.settle(fixture.forge.locate(&url).unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "revision `nothing` in `acme/api` not found");
}
