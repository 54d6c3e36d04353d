//! How long a large source takes. Not run by default: it measures, it proves nothing.
//! `cargo test --release -- --ignored --nocapture catalog::tests::volume`

use std::time::Instant;

use super::*;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn a_large_source() {
    measure(100).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn a_huge_source() {
    measure(2000).await;
}

async fn measure(count: usize) {
    let fixture = Fixture::with_files(&[]).await;
    let file =
        |at: usize, more: &str| (0..100).map(|each| component(&format!("c-{at}-{each}"), more)).collect::<String>();
    for at in 0..count {
        fixture.write(&format!("more/{at}.yml"), &file(at, "  system: shop\n  dependsOn: [component:c-0-0]\n"));
    }
    let targets: Vec<String> = (0..count).map(|at| format!("./more/{at}.yml")).collect();
    fixture.write("all.yaml", &location("all", &format!("[{}]", targets.join(", "))));
    let root = LocationRef::parse(&fixture.source()).unwrap();
    let begun = Instant::now();
    let walk =
        walk::walk(fixture.catalog.reader(), &fixture.catalog.inner.config, &root, &walk::Before::default()).await;
    println!("read, parse and validate {}: {:?}", walk.declared.len(), begun.elapsed());
    drop(walk);
    let begun = Instant::now();
    fixture.reread().await;
    println!("the same, written and indexed: {:?}", begun.elapsed());
    let begun = Instant::now();
    fixture.reread().await;
    println!("again, young files: {:?}", begun.elapsed());
    tokio::time::sleep(Duration::from_millis(100)).await;
    fixture.reread().await;
    let begun = Instant::now();
    for _ in 0..10 {
        fixture.reread().await;
    }
    println!("again, unchanged: {:?}", begun.elapsed() / 10);
    fixture.write("more/7.yml", &file(7, ""));
    let begun = Instant::now();
    fixture.reread().await;
    println!("one changed file: {:?}", begun.elapsed());
}
