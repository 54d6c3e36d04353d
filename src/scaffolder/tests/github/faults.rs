//! Every call of a run fails once, in every way: the run ends right (`✓`), or does so after *Try again* (`↻`), or leaves
//! out what GitHub refuses and says so (`≈`); nothing is made twice.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use futures_util::StreamExt as _;

use super::*;

/// How a call fails. `cut-after`, `500-after`: GitHub acted, and the answer is lost or wrong; `422`: such a thing exists.
const FAULTS: [&str; 7] = ["cut-before", "cut-after", "500-after", "502", "403-secondary", "401", "422"];

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
    let Some(model) = unlimited().await else { return };
    let world = portal(&model, &steps()).await;
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

/// One environment stands for all.
fn steps() -> String {
    EVERYTHING.replace("each: [dev, staging, prod]", "each: [prod]")
}

/// More is made in a minute here than GitHub would allow.
async fn unlimited() -> Option<Model> {
    let mut wanted = crate::forge::github::testing::acme();
    wanted["limits"] = json!({"enforce": false});
    Model::new(wanted).await
}

/// A world of its own for one call; what each fault led to.
async fn row(at: usize, (method, path, skip): (String, String, usize), expected: &Value) -> String {
    let model = unlimited().await.unwrap();
    let world = portal(&model, &steps()).await;
    let mut told = String::new();
    for fault in FAULTS {
        // Nothing exists twice by being read.
        if fault == "422" && method == "GET" {
            told.push('–');
            continue;
        }
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
        let said = messages(&events);
        // As in Backstage, a collaborator or topic that GitHub refuses is left out, and the log says so.
        if fault == "422" && status == "completed" && said.iter().any(|line| line.contains("warn: Skipping")) {
            mark = "≈";
        } else if status != "completed" || found != *expected {
            mark = "✗";
            let last: Vec<String> = said.into_iter().rev().take(3).collect();
            println!("{method} {path} #{skip} {fault}: {status}\n{last:#?}\n{found:#}");
        }
        write!(told, "{mark:<width$}", width = fault.len() + 2).unwrap();
    }
    let shown = format!("{method} {path}{}", if skip > 0 { format!(" #{}", skip + 1) } else { String::new() });
    format!("{at:03} {shown:<72} {told}")
}
