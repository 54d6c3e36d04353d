//! Every page rendered from sample data. With `GREENROOM_PREVIEWS=<folder>` the pages are written there to be looked at.

mod portal;
mod samples;

use askama::Template;


/// Renders a page, checks what every page must have, and keeps it to be looked at.
fn check(name: &str, page: &impl Template, expected: &[&str]) {
    let html = page.render().unwrap();
    assert_eq!(html.matches("<h1").count(), 1, "{name}: one h1");
    assert!(html.contains("<main"), "{name}: a main landmark");
    assert!(!html.contains(" style=") && !html.contains("<style") && !html.contains(" onclick="), "{name}: nothing inline");
    assert!(html.len() < 100_000, "{name}: {} bytes", html.len());
    for part in expected {
        assert!(html.contains(part), "{name}: {part} is missing in {html}");
    }
    if let Some(folder) = std::env::var_os("GREENROOM_PREVIEWS") {
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.html")), html).unwrap();
    }
}

#[test]
fn every_page_renders() {
    check("home", &samples::home(), &["Checkout service", "Your runs"]);
    check("gallery", &samples::gallery(), &["Rust service", "templates/broken.yaml:14:7"]);
    check("form", &samples::form(), &["aria-invalid", "href=\"#field-name\""]);
    check("plan", &samples::plan(), &["create repository acme/payments-api", "fn main()"]);
    check("run", &samples::run(false), &["Open in catalog"]);
    check("run-failed", &samples::run(true), &["still there"]);
    check("runs", &samples::runs(), &["payments-api"]);
}
