//! Trying an API from the browser with Swagger UI, which this portal serves itself.
//!
//! Swagger UI sets styles on elements as it goes, so this page alone allows those inline; scripts stay this portal's own.
//! What the page may call is what the definition names as its servers, and this portal for the definition. Requests go out
//! without the portal's cookies (`trial.js`), so a definition cannot act for whoever looks at it.

use askama::Template;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse as _;
use url::Url;

use super::super::entity::Head;
use super::super::tab::Tab;
use super::reading::Reading;
use crate::web::assets::swagger_ui;
use crate::web::error::Error;
use crate::web::extract::Answer;
use crate::web::page::{Chrome, Page};
use crate::web::url as link;

/// Servers that may be called; a header has a limit.
const SERVERS: usize = 30;

/// The page with Swagger UI.
#[derive(Template)]
#[template(path = "catalog/definition/trial.html")]
struct TrialPage {
    chrome: Chrome,
    head: Head,
    format: String,
    /// The definition as JSON.
    json: String,
    script: String,
    style: String,
    reference: String,
    /// Hosts that may be called.
    hosts: Vec<String>,
}

/// `GET …/api/try`
pub(super) async fn show(tab: Tab) -> Answer {
    let reference = tab.record.reference.clone();
    let reading = Reading::of(&tab.record).await?;
    let definition = reading.definition.as_ref().ok().filter(|_| reading.is_openapi());
    let Some(definition) = definition else {
        return Err(Error::NotFound(format!(
            "{reference} is no OpenAPI definition that can be read, so it cannot be tried"
        )));
    };
    let hosts = origins(definition.info.servers.iter().map(|server| server.url.as_str()));
    let json = link::definition_json(&reference);
    let policy = policy(&hosts);
    let page = TrialPage {
        chrome: tab.chrome(),
        format: reading.format(),
        script: swagger_ui("swagger-ui-bundle.js"),
        style: swagger_ui("swagger-ui.css"),
        reference: link::entity_tab(&reference, "api"),
        json,
        hosts,
        head: tab.head,
    };
    let mut response = Page(page).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::try_from(policy).map_err(Error::internal)?);
    Ok(response)
}

/// The origins of addresses, each once. Others than of the web are none.
fn origins<'a>(urls: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut origins: Vec<String> = Vec::new();
    for url in urls.filter_map(|url| Url::parse(url).ok()).filter(|url| matches!(url.scheme(), "http" | "https")) {
        let origin = url.origin().ascii_serialization();
        let is_plain = origin
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'/' | b'.' | b'-' | b'_' | b'[' | b']'));
        if is_plain && !origins.contains(&origin) && origins.len() < SERVERS {
            origins.push(origin);
        }
    }
    origins
}

/// The page's content security policy.
fn policy(hosts: &[String]) -> String {
    let hosts = hosts.iter().fold(String::new(), |all, host| all + " " + host);
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'{hosts}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_origins_come_into_the_policy() {
        let urls = [
            "https://api.acme.example/v2",
            "https://api.acme.example/v3",
            "http://localhost:8080",
            "/relative",
            "javascript:alert(1)",
            "https://evil.example; script-src *",
            "https://{host}.example",
        ];
        assert_eq!(origins(urls.into_iter()), ["https://api.acme.example", "http://localhost:8080"]);
        assert!(policy(&[]).contains("connect-src 'self';"));
    }
}
