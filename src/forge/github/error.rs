//! What GitHub refuses, and why: each answer becomes a sentence that says what to change and where.
//!
//! Sources: <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api>, and the headers
//! `x-github-sso`, `x-oauth-scopes`, `x-accepted-oauth-scopes` and `x-accepted-github-permissions`.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::forge::ForgeError;

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// GitHub answered that it does not.
    Answer(Box<Refusal>),
    /// GitHub takes no more for now.
    Exhausted {
        /// Whose requests.
        who: String,
        /// For how long.
        wait: Duration,
        /// What to configure so that there is more.
        advice: Option<String>,
    },
    /// There is nobody to ask as; the sentence says what to configure.
    Credentials(String),
    /// No answer. Whether GitHub acted is not known.
    Unreachable(String),
    /// An answer that makes no sense.
    Unreadable(String),
}

/// An answer of 400 or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
    pub(super) errors: Vec<Value>,
    /// Where a token is authorised for an organisation with single sign-on.
    sso: Option<String>,
    /// The scopes a token has, and those of which it needs one.
    scopes: Option<(String, String)>,
    /// What an App needs.
    permissions: Option<String>,
}

impl Failure {
    /// From an answer.
    pub(super) fn answered(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let message = json.get("message").and_then(Value::as_str).map(str::to_owned);
        let errors = match json.get("errors") {
            Some(Value::Array(errors)) => errors.clone(),
            Some(Value::Null) | None => Vec::new(),
            Some(other) => vec![other.clone()],
        };
        let sso = text("x-github-sso")
            .map(|sso| sso.split("url=").nth(1).map_or_else(String::new, |url| url.trim().to_owned()));
        Self::Answer(Box::new(Refusal {
            status,
            message: message.unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason given").to_owned()),
            errors,
            sso,
            scopes: text("x-oauth-scopes").zip(text("x-accepted-oauth-scopes")),
            permissions: text("x-accepted-github-permissions"),
        }))
    }

    /// From the errors of a GraphQL answer.
    pub(super) fn graphql(errors: &[Value]) -> Self {
        let message = |error: &Value| error.get("message").and_then(Value::as_str).unwrap_or("unknown").to_owned();
        let kind = |name: &str| errors.iter().any(|error| error.get("type").and_then(Value::as_str) == Some(name));
        let status = match () {
            () if kind("NOT_FOUND") => StatusCode::NOT_FOUND,
            () if kind("FORBIDDEN") || kind("INSUFFICIENT_SCOPES") => StatusCode::FORBIDDEN,
            () if kind("RATE_LIMITED") || kind("RATE_LIMIT") => StatusCode::TOO_MANY_REQUESTS,
            () => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let message = errors.iter().map(message).collect::<Vec<_>>().join("; ");
        let refusal = Refusal { status, message, errors: Vec::new(), sso: None, scopes: None, permissions: None };
        Self::Answer(Box::new(refusal))
    }

    /// Whether GitHub answered with this status.
    pub(super) fn is(&self, status: StatusCode) -> bool {
        matches!(self, Self::Answer(refusal) if refusal.status == status)
    }

    /// Nothing is there, or the credential may not see it: GitHub does not tell which.
    pub(super) fn is_not_found(&self) -> bool {
        self.is(StatusCode::NOT_FOUND)
    }

    /// Whether GitHub hides the thing because the token lacks a scope.
    pub(super) fn lacks_scope(&self) -> bool {
        matches!(self, Self::Answer(refusal) if refusal.lacking().is_some())
    }

    /// The Git data of an empty repository: it has no objects yet.
    pub(super) fn is_empty_repository(&self) -> bool {
        self.is(StatusCode::CONFLICT) && self.says("empty")
    }

    /// Whether the message or one of the errors has this text in it, in any letter case.
    pub(super) fn says(&self, text: &str) -> bool {
        let Self::Answer(refusal) = self else { return false };
        refusal.whole().to_ascii_lowercase().contains(text)
    }

    /// Whether GitHub may have acted although this came back: only then is it worth a look whether the thing is there.
    pub(super) fn is_uncertain(&self) -> bool {
        match self {
            Self::Answer(refusal) => refusal.status.is_server_error(),
            Self::Unreachable(_) | Self::Unreadable(_) => true,
            Self::Exhausted { .. } | Self::Credentials(_) => false,
        }
    }

    /// As an error of `doing` ("create repository acme/api") at a host.
    pub(super) fn at(self, host: &str, doing: &str) -> ForgeError {
        match self {
            Self::Answer(refusal) if refusal.status.is_server_error() => ForgeError::Unavailable {
                what: format!("cannot {doing}: {host} answered {}, {}", refusal.status, refusal.message),
                retry_after: None,
            },
            Self::Answer(refusal) => ForgeError::Denied(refusal.sentence(host, doing)),
            Self::Exhausted { who, wait, advice } => ForgeError::Unavailable {
                what: match advice {
                    None => format!(
                        "cannot {doing} now: {host} takes no more requests of {who} for {} s, its rate limit is used up",
                        wait.as_secs()
                    ),
                    Some(advice) => format!(
                        "cannot {doing} now: {host} takes no more requests {who} for {} s, the few an hour that it gives an address are used up; {advice}",
                        wait.as_secs()
                    ),
                },
                retry_after: Some(wait),
            },
            Self::Credentials(sentence) => ForgeError::Denied(format!("cannot {doing}: {sentence}")),
            Self::Unreachable(reason) => ForgeError::Unavailable {
                what: format!("cannot {doing}: {host} cannot be reached, {reason}"),
                retry_after: None,
            },
            Self::Unreadable(reason) => ForgeError::Unavailable {
                what: format!("cannot {doing}: the answer of {host} makes no sense, {reason}"),
                retry_after: None,
            },
        }
    }
}

impl Refusal {
    /// The message and what the errors add to it.
    fn whole(&self) -> String {
        let mut whole = self.message.trim_end_matches('.').to_owned();
        for error in &self.errors {
            let told = match error {
                Value::String(text) => text.clone(),
                other => {
                    let part = |key: &str| other.get(key).and_then(Value::as_str).unwrap_or_default();
                    let message = part("message");
                    if message.is_empty() { format!("{} {}", part("field"), part("code")) } else { message.to_owned() }
                }
            };
            let told = told.trim();
            if !told.is_empty() && !whole.contains(told) {
                whole = format!("{whole}: {told}");
            }
        }
        whole
    }

    fn sentence(&self, host: &str, doing: &str) -> String {
        let said = self.whole();
        if let Some(url) = &self.sso {
            let place = if url.is_empty() { format!("https://{host}/settings/tokens") } else { url.clone() };
            return format!(
                "cannot {doing}: the organisation requires single sign-on for this token; authorise it at {place}"
            );
        }
        let is = |text: &str| said.contains(text);
        let advice = match self.status {
            _ if is("JSON web token could not be decoded") || is("'Issuer' claim") || is("Integration not found") => {
                Some(format!(
                    "`appId` and `privateKey` in `integrations.github` of {host} do not belong together, or the key was deleted; make a new one on the App's page"
                ))
            }
            _ if is("'Issued at' claim") || is("'Expiration time' claim") => {
                Some("the clock of this machine is not that of GitHub; set it".to_owned())
            }
            StatusCode::UNAUTHORIZED => Some(format!(
                "the credentials are wrong or expired; put a new token or App key into `integrations.github` of {host}"
            )),
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => self.lacking(),
            StatusCode::UNPROCESSABLE_ENTITY if said.to_ascii_lowercase().contains("visibility") => Some(
                "choose another visibility, or have an owner allow this one under the organisation's settings, Member privileges".to_owned(),
            ),
            _ => None,
        };
        match advice {
            Some(advice) => format!("cannot {doing}: {host} says \"{said}\"; {advice}"),
            None => format!("cannot {doing}: {host} says \"{said}\""),
        }
    }

    /// What a credential lacks, as far as GitHub tells.
    fn lacking(&self) -> Option<String> {
        if let Some(permissions) = &self.permissions
            && (self.message.contains("by integration") || self.message.contains("by personal access token"))
        {
            let needed = permissions.replace(['=', ';'], " ");
            return Some(format!(
                "it needs the permission {needed}: grant it on the page of the App or token, and accept it for the organisation"
            ));
        }
        let (has, needs) = self.scopes.as_ref()?;
        let has: Vec<&str> = has.split(", ").filter(|scope| !scope.is_empty()).collect();
        let enough = needs.is_empty() || needs.split(", ").any(|scope| has.contains(&scope));
        (!enough).then(|| {
            let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
            format!("the token has the scopes {has} and needs one of {needs}; make a token with it")
        })
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn told(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> String {
        let map = headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let failure = Failure::answered(StatusCode::from_u16(status).unwrap(), &map.collect(), body.as_bytes());
        failure.at("github.com", "create repository acme/api").to_string()
    }

    #[test]
    fn an_app_that_is_not_who_it_says_is_told_what_to_compare() {
        let cases = [
            (
                "A JSON web token could not be decoded",
                "`appId` and `privateKey` in `integrations.github` of github.com",
            ),
            ("'Issuer' claim ('iss') must be an Integer", "do not belong together"),
            (
                "'Expiration time' claim ('exp') is too far in the future",
                "the clock of this machine is not that of GitHub",
            ),
        ];
        for (message, expected) in cases {
            let sentence = told(401, &[], &serde_json::json!({"message": message}).to_string());
            assert!(sentence.contains(expected), "{sentence}");
        }
    }

    #[test]
    fn every_refusal_says_what_to_change_and_where() {
        type Case<'a> = (u16, &'a [(&'static str, &'static str)], &'a str, &'a str);
        let cases: [Case<'_>; 8] = [
            (
                401,
                &[],
                r#"{"message":"Bad credentials"}"#,
                "put a new token or App key into `integrations.github` of github.com",
            ),
            (
                403,
                &[("x-github-sso", "required; url=https://github.com/orgs/acme/sso?authorization_request=x")],
                r#"{"message":"Resource protected by organization SAML enforcement."}"#,
                "authorise it at https://github.com/orgs/acme/sso?authorization_request=x",
            ),
            (
                403,
                &[("x-accepted-github-permissions", "administration=write")],
                r#"{"message":"Resource not accessible by integration"}"#,
                "it needs the permission administration write",
            ),
            (
                404,
                &[("x-oauth-scopes", "read:user"), ("x-accepted-oauth-scopes", "public_repo, repo")],
                r#"{"message":"Not Found"}"#,
                "the token has the scopes read:user and needs one of public_repo, repo",
            ),
            (
                404,
                &[("x-oauth-scopes", "repo"), ("x-accepted-oauth-scopes", "repo")],
                r#"{"message":"Not Found"}"#,
                "github.com says \"Not Found\"",
            ),
            (
                422,
                &[],
                r#"{"message":"Visibility can't be private. Please choose another.","errors":[{"resource":"Repository","field":"visibility","code":"custom","message":"Visibility can't be private"}]}"#,
                "choose another visibility, or have an owner allow this one",
            ),
            (
                422,
                &[],
                r#"{"message":"Repository creation failed.","errors":[{"resource":"Repository","code":"custom","field":"name","message":"name already exists on this account"}]}"#,
                "\"Repository creation failed: name already exists on this account\"",
            ),
            (502, &[], "<html>", "github.com answered 502 Bad Gateway"),
        ];
        for (status, headers, body, expected) in cases {
            let told = told(status, headers, body);
            assert!(told.starts_with("cannot create repository acme/api"), "{told}");
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn what_may_have_been_done_is_told_from_what_was_not() {
        let answer = |status| Failure::answered(status, &HeaderMap::new(), b"");
        assert!(answer(StatusCode::BAD_GATEWAY).is_uncertain());
        assert!(Failure::Unreachable("cut".to_owned()).is_uncertain());
        assert!(!answer(StatusCode::UNPROCESSABLE_ENTITY).is_uncertain());
        assert!(
            Failure::answered(StatusCode::CONFLICT, &HeaderMap::new(), br#"{"message":"Git Repository is empty."}"#)
                .is_empty_repository()
        );
    }
}
