//! A hundred repositories one after another, under GitHub's documented limits: none of them is ever exceeded.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::forge::github::testing::{World, acme};
use crate::forge::github::{Fixture, GitHub, Tempo};
use crate::forge::testing::{new_commit, new_repository};
use crate::forge::{Contents, Forge as _, NewFile, NewRepository, Parent, RepositoryId};

/// The model's clock runs so many times faster than ours.
const SPEED: u32 = 600;

#[tokio::test]
async fn a_hundred_repositories_exceed_no_limit() {
    let mut wanted = acme();
    wanted["speed"] = json!(SPEED);
    wanted["limits"] = json!({"enforce": true});
    let Some(world) = World::new(wanted).await else { return };
    let config = serde_json::from_value(world.with_app()).unwrap();
    let github = GitHub::with_tempo(&config, Tempo { second: Duration::from_secs(1) / SPEED }).unwrap();
    let began = Instant::now();
    for at in 0..100 {
        let id: RepositoryId = format!("acme/service-{at}").parse().unwrap();
        let mark = Some(format!("run {at}"));
        github.create(NewRepository { mark, ..new_repository(&id) }).await.unwrap();
        github.describe(&id, "One of many").await.unwrap();
        let files = (0..31).map(|file| NewFile::regular(format!("src/{file}.txt"), format!("{at} {file}\n")));
        let contents = Contents::Tree(files.collect());
        github.commit(&id, new_commit("main", Parent::Root, contents, "Begin")).await.unwrap();
        let body = json!({
            "required_status_checks": null, "enforce_admins": true, "restrictions": null,
            "required_pull_request_reviews": {"required_approving_review_count": 1},
        });
        github.fit(&Fixture::protection(&id, "main", body, false)).await.unwrap();
    }
    let lasted = began.elapsed() * SPEED;
    let log = world.request_log().await;
    let refused = log.iter().filter(|entry| matches!(entry["status"].as_u64(), Some(403 | 429))).count();
    println!(
        "100 repositories of 31 files, protected: {} requests, {refused} refused, {} minutes on GitHub's clock",
        log.len(),
        lasted.as_secs() / 60
    );
    assert_eq!(refused, 0);
    world.assert_lawful().await;
}
