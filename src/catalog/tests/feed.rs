//! Following the change log from inside: who is too slow, and what is behind.

use std::time::Duration;

use futures_util::StreamExt as _;

use super::*;
use crate::catalog::{FeedEvent, Following};

fn component(name: &str, owner: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: {name}}}\n\
         spec: {{type: service, lifecycle: production, owner: {owner}}}\n"
    )
}

#[tokio::test]
async fn a_reader_that_takes_too_long_is_let_go_and_comes_back() {
    let fixture = Fixture::with_files(&[("a.yaml", &component("a", "x"))]).await;
    let following = |after| Following { after: Some(after), ..Following::default() };
    let all: Vec<i64> = {
        let feed = fixture.catalog.feed(&fixture.who, following(0));
        let events: Vec<_> = feed.take(2).collect().await;
        events.iter().map(sequence).collect()
    };
    // No time at all is always too long.
    let hasty = |after| fixture.catalog.feed_with(&fixture.who, following(after), Duration::ZERO);
    let events: Vec<_> = hasty(0).collect().await;
    assert_eq!(events, [FeedEvent::Slow(0)]);
    let rest: Vec<_> = fixture.catalog.feed(&fixture.who, following(all[0])).take(1).collect().await;
    assert_eq!(sequence(&rest[0]), all[1]);
}

#[tokio::test]
async fn more_changes_than_are_read_at_once_come_in_their_order() {
    let files: Vec<(String, String)> =
        (0..130).map(|n| (format!("f{n}.yaml"), component(&format!("c{n}"), "x"))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let fixture = Fixture::with_files(&files).await;
    let feed = fixture.catalog.feed(&fixture.who, Following { after: Some(0), ..Following::default() });
    let events: Vec<i64> = feed.take(131).map(|event| sequence(&event)).collect().await;
    assert!(events.is_sorted_by(|a, b| a < b), "{events:?}");
}

fn sequence(event: &FeedEvent) -> i64 {
    match event {
        FeedEvent::Change(change) => change.sequence,
        other => panic!("{other:?}"),
    }
}
