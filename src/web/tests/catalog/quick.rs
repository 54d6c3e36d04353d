//! What is answered from memory without a route is what the router answers.

use axum::http::Request;
use axum::http::request::Parts;

use super::{Answer, Portal, component};
use crate::web::api::Quick;

const PAY: &str = "/api/catalog/entities/by-name/component/default/pay";

fn parts(method: &str, path: &str, headers: &[(&str, &str)]) -> Parts {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(()).unwrap().into_parts().0
}

/// Everything but what differs between any two answers, and the length, which the server writes in any case.
fn shown(answer: Answer) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let mut headers: Vec<_> =
        headers.filter(|(name, _)| !["x-request-id", "content-length"].contains(&&**name)).collect();
    headers.sort();
    (answer.status.as_u16(), headers, answer.text)
}

#[tokio::test]
async fn quick_answers_are_those_of_the_router() {
    let portal = Portal::with(&[("pay.yaml", &component("pay", "a")), ("buy.yaml", &component("buy", "b"))]).await;
    let quick = Quick::new(&portal.app.state);
    for path in [
        PAY,
        "/api/catalog/entities/by-name/COMPONENT/Default/Pay",
        "/api/catalog/entities/by-name/component/default/pay/ancestry",
        "/api/catalog/entities/by-query",
        "/api/catalog/entities/by-query?filter=kind=component&limit=1&orderField=metadata.name,desc",
        "/api/catalog/entities/by-query?fullTextFilterTerm=pa&fields=metadata.name",
        "/api/catalog/entity-facets?facet=spec.owner&filter=kind=component",
    ] {
        assert!(quick.answer(&parts("GET", path, &[])).is_some(), "{path}");
        let routed = [("accept-encoding", "identity")];
        assert!(quick.answer(&parts("GET", path, &routed)).is_none(), "{path}");
        let routed = portal.app.request("GET", path, &routed, "").await;
        assert_eq!(routed.status, 200, "{path}: {}", routed.text);
        assert_eq!(shown(portal.app.get(path).await), shown(routed), "{path}");
    }
}

#[tokio::test]
async fn quick_answers_are_counted_under_the_route_of_the_router() {
    let portal = Portal::with(&[("pay.yaml", &component("pay", "a"))]).await;
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let facets = "/api/catalog/entity-facets?facet=kind";
    let paths = [PAY, &format!("{PAY}/ancestry"), "/api/catalog/entities/by-query", facets];
    for path in paths {
        assert_eq!(portal.app.get(path).await.status, 200, "{path}");
        assert_eq!(portal.app.request("GET", path, &[("accept-encoding", "identity")], "").await.status, 200, "{path}");
    }
    let text = recorder.handle().render();
    let counted: Vec<_> = text.lines().filter(|line| line.starts_with("http_requests_total")).collect();
    assert_eq!(counted.len(), paths.len(), "{text}");
    assert!(counted.iter().all(|line| line.ends_with(" 2")), "{text}");
}

#[tokio::test]
async fn what_is_unusual_is_left_to_the_router() {
    let portal = Portal::with(&[("pay.yaml", &component("pay", "a"))]).await;
    let quick = Quick::new(&portal.app.state);
    let etag = portal.app.get(PAY).await.header("etag").to_owned();
    for (method, path, headers) in [
        ("HEAD", PAY, &[][..]),
        ("DELETE", PAY, &[]),
        ("GET", PAY, &[("if-none-match", etag.as_str())]),
        ("GET", PAY, &[("origin", "http://localhost:3000")]),
        ("GET", PAY, &[("cookie", "session=1")]),
        ("GET", PAY, &[("authorization", "Bearer unknown")]),
        ("GET", PAY, &[("authorization", "Basic YTpi")]),
        ("GET", "/api/catalog/entities/by-name/component/default/none", &[]),
        ("GET", "/api/catalog/entities/by-name/component/default/p%61y", &[]),
        ("GET", "/api/catalog/entities/by-name/component/default/pay/", &[]),
        ("GET", "/api/catalog/entities/by-name/component/default/pay?x=1", &[]),
        ("GET", "/api/catalog/entities/by-query?limit=no", &[]),
        ("GET", "/api/catalog/entity-facets", &[]),
        ("GET", "/api/catalog/entities", &[]),
        ("GET", "/catalog", &[]),
    ] {
        assert!(quick.answer(&parts(method, path, headers)).is_none(), "{method} {path} {headers:?}");
    }
}

#[tokio::test]
async fn a_closed_portal_answers_only_tokens_it_knows() {
    let app = crate::web::tests::TestApp::start().await;
    let quick = Quick::new(&app.state);
    let path = "/api/catalog/entities/by-query";
    assert!(quick.answer(&parts("GET", path, &[])).is_none());
    let token = app.bearer().await;
    let asked = parts("GET", path, &[("authorization", &token)]);
    assert!(quick.answer(&asked).is_none(), "nobody has verified it yet");
    assert_eq!(app.request("GET", path, &[("authorization", &token)], "").await.status, 200);
    assert!(quick.answer(&asked).is_some());
}
