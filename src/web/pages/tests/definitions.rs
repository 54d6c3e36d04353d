//! The Definition tab through the real router, with a definition that changes.

use std::fmt::Write as _;

use axum::http::StatusCode;

use super::portal::Guest;
use crate::catalog::Registration;
use crate::forge::testing::{new_commit, new_repository};
use crate::forge::{Contents, Forge as _, NewFile, Parent, RepositoryId};
use crate::permission::Credentials;

const CHECKOUT: &str = include_str!("../../../../examples/acme/apis/openapi/checkout.yaml");
const ORDERS: &str = include_str!("../../../../examples/acme/apis/asyncapi/order-events.yaml");
const STOREFRONT: &str = include_str!("../../../../examples/acme/apis/graphql/storefront.graphql");
const LEDGER: &str = include_str!("../../../../examples/acme/apis/grpc/ledger.proto");

/// APIs by name, type and definition.
const APIS: [(&str, &str, &str); 6] = [
    ("checkout", "openapi", CHECKOUT),
    ("events", "asyncapi", ORDERS),
    ("shop", "graphql", STOREFRONT),
    ("ledger", "grpc", LEDGER),
    ("torn", "openapi", "openapi: 3.0.0\npaths: {\n"),
    ("plain", "text", "Call us <b>by phone</b>."),
];

fn descriptors(apis: &[(&str, &str, &str)]) -> String {
    let one = |(name, kind, definition): &(&str, &str, &str)| {
        let definition: Vec<String> = definition.lines().map(|line| format!("    {line}\n")).collect();
        let definition = definition.concat();
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {{name: {name}}}\nspec:\n  type: {kind}\n  lifecycle: production\n  owner: storefront\n  definition: |\n{definition}---\n"
        )
    };
    apis.iter().map(one).collect()
}

/// A guest with these APIs in the catalog, each commit a version.
async fn with_apis(versions: &[&[(&str, &str, &str)]]) -> Guest {
    let guest = Guest::enter().await;
    let state = &guest.app.state;
    let id = RepositoryId::new("acme", "apis").unwrap();
    state.forge.create(new_repository(&id)).await.unwrap();
    let who = Credentials::service("test");
    for (number, apis) in versions.iter().enumerate() {
        let parent = match state.forge.resolve(&id, "main").await {
            Ok(tip) => Parent::Tip(tip),
            Err(_) => Parent::Root,
        };
        let files = vec![NewFile::regular("apis.yaml", descriptors(apis))];
        state.forge.commit(&id, new_commit("main", parent, Contents::Tree(files), "Change")).await.unwrap();
        let how = if number == 0 { Registration::New } else { Registration::Refresh };
        let target = "http://localhost:7007/repositories/acme/apis/blob/main/apis.yaml";
        state.catalog.register(&who, "url", target, how).await.unwrap();
    }
    guest
}

#[tokio::test]
async fn every_format_is_shown() {
    let guest = with_apis(&[&APIS]).await;
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "checkout/api",
            &[
                "OpenAPI 3.1.0",
                "POST",
                "/carts/{cartId}",
                "id=\"createCart\"",
                "Idempotency-Key",
                "curl &#39;https://api.acme.example",
                "Answer 201",
                "/api/try",
                "<strong>Retries.</strong>",
            ],
            &["cannot be read"],
        ),
        ("checkout/api?q=order", &["placeOrder"], &["id=\"createCart\""]),
        ("checkout/api?q=zzz", &["Nothing in this definition"], &[]),
        ("checkout/api?entry=getCart", &["id=\"getCart\""], &["id=\"createCart\""]),
        ("checkout/api?view=raw", &["openapi: 3.1.0", "id=\"L3\"", "data-copy-from"], &["cannot be read"]),
        ("checkout/api?view=changes", &["one version of this definition"], &[]),
        ("events/api", &["AsyncAPI 3.0.0", "orders.v1", "SEND", "Order placed", "kafka-secure"], &["/api/try"]),
        ("shop/api", &["GraphQL", "QUERY", "ProductConnection", "exact counts are no longer published"], &["/api/try"]),
        ("ledger/api", &["gRPC (proto3)", "stream of Entry", "grpcurl", "ISO 4217"], &["/api/try"]),
        ("torn/api", &["cannot be read", "Line 2, column", "paths: {"], &["/api/try"]),
        ("plain/api", &["Call us &#60;b&#62;by phone"], &["cannot be read", "<b>by"]),
        ("checkout/api/try", &["swagger-ui-bundle.js", "https://api.acme.example", "data-definition"], &[]),
    ];
    for (path, expected, absent) in cases {
        let html = guest.see(&format!("/catalog/default/api/{path}")).await;
        for part in *expected {
            assert!(html.contains(part), "{path}: {part} is missing in {html}");
        }
        for part in *absent {
            assert!(!html.contains(part), "{path}: {part} is there in {html}");
        }
    }
    for path in ["checkout/api?group=none", "checkout/api?entry=none", "events/api/try", "torn/api/openapi.json"] {
        assert_eq!(guest.open(&format!("/catalog/default/api/{path}")).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_text_and_the_tree_are_given_as_they_are() {
    let guest = with_apis(&[&APIS]).await;
    let file = guest.open("/catalog/default/api/checkout/api/file?download=yes").await;
    assert_eq!(file.text, CHECKOUT);
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"checkout.yaml\"");
    assert_eq!(file.header("content-type"), "text/plain; charset=utf-8");
    let tree = guest.open("/catalog/default/api/checkout/api/openapi.json").await;
    assert_eq!(tree.json()["info"]["title"], "Checkout API");
    let page = guest.open("/catalog/default/api/checkout/api/try").await;
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("connect-src 'self' https://api.acme.example https://api.staging.acme.example;"),
        "{policy}"
    );
    assert!(policy.contains("script-src 'self';"), "{policy}");
    let other = guest.open("/catalog/default/api/checkout/api").await;
    assert!(!other.header("content-security-policy").contains("unsafe-inline"));
    assert!(!other.text.contains("swagger-ui"), "only the page for trying loads Swagger UI");
    let script = page
        .text
        .split("src=\"")
        .find(|part| part.starts_with("/assets/swagger-ui/"))
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let script = guest.open(script).await;
    assert!(script.header("cache-control").contains("immutable"));
    assert!(script.text.len() > 500_000);
}

#[tokio::test]
async fn versions_are_told_apart() {
    let newer = CHECKOUT
        .replace("required: [currency]", "required: [currency, customerId]")
        .replace("operationId: deleteCart", "operationId: dropCart");
    let guest = with_apis(&[&[("checkout", "openapi", CHECKOUT)], &[("checkout", "openapi", &newer)]]).await;
    let html = guest.see("/catalog/default/api/checkout/api?view=changes").await;
    for part in
        ["Breaks callers", "Request body: customerId", "must be given now", "To be checked", "dropCart", "diff__added"]
    {
        assert!(html.contains(part), "{part} is missing in {html}");
    }
    let sequences: Vec<&str> =
        html.split("<option value=\"").skip(1).filter_map(|part| part.split('"').next()).collect();
    assert_eq!(sequences.len(), 4, "two versions to choose from, twice");
    let history = guest.see("/catalog/default/api/checkout/history").await;
    let led = format!("/catalog/default/api/checkout/api?view=changes&#38;to={}", sequences[0]);
    assert!(history.contains(&led), "{led} is missing in {history}");
    assert_eq!(history.matches("who notices").count(), 1, "the first version is compared with nothing");
    let back = format!("/catalog/default/api/checkout/api?view=changes&from={}&to={}", sequences[0], sequences[1]);
    assert!(guest.see(&back).await.contains("may be left out now"));
    let none = guest.open("/catalog/default/api/checkout/api?view=changes&from=1&to=2").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_large_definition_is_shown_a_part_at_a_time() {
    let mut text = String::from("openapi: 3.0.0\npaths:\n");
    for number in 0..60 {
        let tag = number % 3;
        let answers = "responses: {'200': {description: x}}";
        writeln!(text, "  /p{number}: {{get: {{tags: [t{tag}], operationId: get{number}, {answers}}}}}").unwrap();
    }
    let guest = with_apis(&[&[("large", "openapi", &text)]]).await;
    let start = guest.see("/catalog/default/api/large/api").await;
    assert!(start.contains("60 operations in 3 groups") && !start.contains("id=\"get3\""), "{start}");
    let group = guest.see("/catalog/default/api/large/api?group=tag-t0").await;
    assert!(group.contains("id=\"get3\"") && !group.contains("id=\"get4\""), "{group}");
    let found = guest.see("/catalog/default/api/large/api?q=get4").await;
    assert!(found.contains("entry=get41") && !found.contains("entry=get5\""), "{found}");
    assert!(guest.see("/catalog/default/api/large/api?entry=get41").await.contains("id=\"get41\""));
}
