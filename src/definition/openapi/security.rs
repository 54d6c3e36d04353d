//! Who may call: the schemes of a definition, and what an operation asks for.

use serde_json::Value;

use super::{list, object, text};
use crate::definition::model::Scheme;
use crate::definition::schema::followed;

/// The schemes that a definition knows.
pub(super) fn schemes(root: &Value) -> Vec<Scheme> {
    named(root).map(|(name, scheme)| scheme_of(name, followed(root, scheme))).take(100).collect()
}

fn named(root: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let components = root.get("components").unwrap_or(&Value::Null);
    object(components, "securitySchemes").chain(object(root, "securityDefinitions"))
}

/// One scheme, in words.
pub(in crate::definition) fn scheme_of(name: &str, scheme: &Value) -> Scheme {
    let kind = match text(scheme, "type") {
        "http" if text(scheme, "scheme").eq_ignore_ascii_case("bearer") => match text(scheme, "bearerFormat") {
            "" => "Bearer token".to_owned(),
            format => format!("Bearer token ({format})"),
        },
        "http" if text(scheme, "scheme").eq_ignore_ascii_case("basic") => "User name and password (Basic)".to_owned(),
        "basic" | "userPassword" => "User name and password".to_owned(),
        "http" => format!("HTTP {}", text(scheme, "scheme")),
        "apiKey" | "httpApiKey" if text(scheme, "name").is_empty() => format!("API key in the {}", text(scheme, "in")),
        "apiKey" | "httpApiKey" => format!("API key in the {} {}", text(scheme, "in"), text(scheme, "name")),
        "oauth2" => "OAuth 2".to_owned(),
        "openIdConnect" => "OpenID Connect".to_owned(),
        "mutualTLS" | "X509" => "Client certificate".to_owned(),
        "scramSha256" => "SCRAM-SHA-256".to_owned(),
        "scramSha512" => "SCRAM-SHA-512".to_owned(),
        other => other.to_owned(),
    };
    let scope = |(scope, about): (&String, &Value)| (scope.clone(), about.as_str().unwrap_or_default().to_owned());
    let mut scopes: Vec<(String, String)> = object(scheme, "scopes").map(scope).collect();
    for (_, flow) in object(scheme, "flows") {
        for key in ["scopes", "availableScopes"] {
            scopes.extend(object(flow, key).map(scope));
        }
    }
    scopes.sort();
    scopes.dedup();
    scopes.truncate(200);
    Scheme { name: name.to_owned(), kind, about: text(scheme, "description").to_owned(), scopes }
}

/// What an operation asks for, in words; none if it says nothing.
pub(super) fn asked(root: &Value, operation: &Value) -> Option<String> {
    let own = if operation.get("security").is_some() { operation } else { root };
    own.get("security")?;
    let way = |way: &Value| {
        let parts: Vec<String> = way
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, scopes)| {
                let scopes: Vec<&str> = scopes.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                if scopes.is_empty() { name.clone() } else { format!("{name} ({})", scopes.join(", ")) }
            })
            .collect();
        if parts.is_empty() { "nobody in particular".to_owned() } else { parts.join(" and ") }
    };
    let ways: Vec<String> = list(own, "security").take(20).map(way).collect();
    Some(if ways.is_empty() { "nobody in particular".to_owned() } else { ways.join(", or ") })
}

/// What a call needs in its headers for the first way in: header and value.
pub(super) fn header(root: &Value, operation: &Value) -> Option<(String, String)> {
    let own = if operation.get("security").is_some() { operation } else { root };
    let way = list(own, "security").next()?.as_object()?;
    let (name, _) = way.iter().next()?;
    let scheme = followed(root, named(root).find(|(known, _)| *known == name)?.1);
    match text(scheme, "type") {
        "apiKey" if text(scheme, "in") == "header" => Some((text(scheme, "name").to_owned(), "$API_KEY".to_owned())),
        "http" if text(scheme, "scheme").eq_ignore_ascii_case("basic") => {
            Some(("Authorization".to_owned(), "Basic $CREDENTIALS".to_owned()))
        }
        "basic" => Some(("Authorization".to_owned(), "Basic $CREDENTIALS".to_owned())),
        "http" | "oauth2" | "openIdConnect" => Some(("Authorization".to_owned(), "Bearer $TOKEN".to_owned())),
        _ => None,
    }
}
