//! Every call of a run fails once, in every way: the run ends right, or does so after *Try again*; nothing is made twice.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;

use super::*;

/// How a call fails. `cut-after`, `500-after`: GitHub acted, and the answer is lost or wrong.
const FAULTS: [&str; 6] = ["cut-before", "cut-after", "500-after", "502", "403-secondary", "401"];

/// The calls of a run, each with how many of the same came before it.
fn calls(asked: &[String], name: &str) -> Vec<(String, String, usize)> {
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in asked {
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let path = path.split('?').next().unwrap().replace(&format!("/{name}"), "/NAME");
        // Objects have other ids each time.
        let is_id = |part: &str| part.len() == 40 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let path: Vec<&str> = path.split('/').map(|part| if is_id(part) { "[0-9a-f]{40}" } else { part }).collect();
        let path = path.join("/");
        let before = seen.entry((method.clone(), path.clone())).or_default();
        calls.push((method, path, *before));
        *before += 1;
    }
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_fails_once_in_each_way_and_nothing_is_made_twice() {
    let Some(model) = Model::acme().await else { return };
    let world = portal(&model).await;
    // Installations and tokens are asked for once; that they fail is another test's.
    world.make(&model, "warm").await;
    model.requests().await;
    let (_, status, events) = world.make(&model, "reference").await;
    assert_eq!(status, "completed", "{:#?}", messages(&events));
    let calls = calls(&model.requests().await, "reference");
    let expected = essence(&model.repository("acme/reference").await);
    let mut rows: Vec<String> = futures_util::stream::iter(calls.into_iter().enumerate())
        .map(|(at, call)| row(at, call, &expected))
        .buffer_unordered(4)
        .collect()
        .await;
    rows.sort();
    println!("{:<72} {}", "call", FAULTS.join("  "));
    for row in &rows {
        println!("{}", &row[4..]);
    }
    assert!(rows.iter().all(|row| !row.contains('✗')), "see the table above");
}

/// A world of its own for one call; what each fault led to.
async fn row(at: usize, (method, path, skip): (String, String, usize), expected: &Value) -> String {
    let model = Model::acme().await.unwrap();
    let world = portal(&model).await;
    world.make(&model, "warm").await;
    let mut told = String::new();
    for fault in FAULTS {
        let name = fault.replace(|c: char| !c.is_ascii_alphanumeric(), "x");
        let path = format!("{}$", path.replace("NAME", &name));
        model.fault(json!({"method": method, "path": path, "kind": fault, "skip": skip, "retryAfter": 1})).await;
        let (id, mut status, mut events) = world.make(&model, &name).await;
        model.no_faults().await;
        let mut mark = "✓";
        if status == "failed" {
            world.scaffolder.retry(&world.who, id, map(json!({"registry": "hunter2"}))).await.unwrap();
            (status, events) = world.end(id).await;
            mark = "↻";
        }
        let found = essence(&model.repository(&format!("acme/{name}")).await);
        if status != "completed" || found != *expected {
            mark = "✗";
            let last: Vec<String> = messages(&events).into_iter().rev().take(3).collect();
            println!("{method} {path} #{skip} {fault}: {status}\n{last:#?}\n{found:#}");
        }
        told.push_str(&format!("{mark:<width$}", width = fault.len() + 2));
    }
    let shown = format!("{method} {path}{}", if skip > 0 { format!(" #{}", skip + 1) } else { String::new() });
    format!("{at:03} {shown:<72} {told}")
}
