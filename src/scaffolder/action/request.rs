//! `http:backstage:request`: a request to the portal's own API with the rights of whoever started the run.
//!
//! Who answers is injected ([`Portal`]): this room knows no HTTP. Reading requests are made by a plan too; of others it
//! tells that they would be made. A request that may have had its effect when a run was cut off is not made again unless
//! its method can be repeated.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Outputs, flag,
    outputs, text,
};
use crate::permission::Credentials;

const METHODS: [&str; 8] = ["GET", "HEAD", "OPTIONS", "POST", "UPDATE", "DELETE", "PUT", "PATCH"];
/// Methods that change nothing.
const SAFE: [&str; 3] = ["GET", "HEAD", "OPTIONS"];
/// Methods that have the same effect once and twice.
const REPEATABLE: [&str; 5] = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"];
/// How long an answer may take where the step does not say.
const TIMEOUT_MS: f64 = 60_000.0;
/// How long it may take at most.
const LONGEST: Duration = Duration::from_mins(10);
/// Under which key the ledger has that a request is on its way.
const SENT: &str = "sent";
/// How much of an answer the log shows.
const SHOWN: usize = 2_000;

/// The portal's API, as seen from inside.
pub(crate) trait Portal: Send + Sync {
    /// Answers a request of somebody.
    fn answer<'a>(
        &'a self,
        who: &'a Credentials,
        request: PortalRequest,
    ) -> BoxFuture<'a, Result<PortalAnswer, PortalError>>;
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PortalError {
    /// The request never reached the API.
    #[error("it was not sent: {0}")]
    NotSent(String),
    /// It was answered, but the answer cannot be taken.
    #[error("its answer cannot be read: {0}")]
    Unreadable(String),
}

/// A request below `/api`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PortalRequest {
    /// `GET` and so on.
    pub(crate) method: String,
    /// Path and query: `/api/catalog/entities?limit=1`.
    pub(crate) target: String,
    /// Names and values.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, if there is one.
    pub(crate) body: Option<String>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PortalAnswer {
    /// The status.
    pub(crate) status: u16,
    /// Names in lower case, and values.
    pub(crate) headers: Vec<(String, String)>,
    /// The body as a text.
    pub(crate) body: String,
}

/// The action, asking this portal.
pub(crate) fn portal_request(portal: Arc<dyn Portal>) -> Arc<dyn Action> {
    Arc::new(Request { portal })
}

struct Request {
    portal: Arc<dyn Portal>,
}

impl Request {
    /// Sends it and waits for the answer.
    async fn ask(
        &self,
        ctx: &ActionContext,
        input: &Outputs,
    ) -> Result<Result<PortalAnswer, PortalError>, ActionError> {
        let (request, limit) = (request(input)?, timeout(input)?);
        tokio::select! {
            answer = tokio::time::timeout(limit, self.portal.answer(&ctx.who, request)) => answer.map_err(|_| {
                http(format!("Request was aborted as it took longer than {} seconds", limit.as_secs_f64()))
            }),
            () = ctx.cancelled.cancelled() => Err(ActionError::failed("the run was cancelled")),
        }
    }
}

/// What later steps see of an answer; a status from 400 on fails unless the step goes on with it.
fn read(
    ctx: &ActionContext,
    input: &Outputs,
    answer: Result<PortalAnswer, PortalError>,
) -> Result<Outputs, ActionError> {
    let answer = answer.map_err(|error| http(format!("There was an issue with the request: {error}")))?;
    let headers: Map<String, Value> =
        answer.headers.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    let kind = headers.get("content-type").and_then(Value::as_str);
    let body = if kind.is_some_and(|kind| kind.contains("application/json")) {
        serde_json::from_str(&answer.body).map_err(|error| http(format!("Could not parse response body: {error}")))?
    } else {
        json!({"message": answer.body})
    };
    if answer.status < 400 {
        return Ok(outputs([("code", json!(answer.status)), ("headers", Value::Object(headers)), ("body", body)]));
    }
    let shown: String = body.to_string().chars().take(SHOWN).collect();
    let status = answer.status;
    ctx.log.warn(format!("There was an issue with your request. Status code: {status} Response body: {shown}"));
    if flag(input, "continueOnBadResponse") {
        return Ok(outputs([("code", json!(status)), ("headers", json!({})), ("body", body)]));
    }
    Err(http("Unable to complete request".to_owned()))
}

fn http(message: String) -> ActionError {
    ActionError { name: "HttpError", message }
}

fn method(input: &Outputs) -> &str {
    text(input, "method").unwrap_or("GET")
}

/// What is sent.
fn request(input: &Outputs) -> Result<PortalRequest, ActionError> {
    let given = input.get("headers").and_then(Value::as_object);
    let mut headers: Vec<(String, String)> =
        given.into_iter().flatten().map(|(name, value)| (name.to_ascii_lowercase(), plain(value))).collect();
    let body = match input.get("body") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(value) => {
            if !headers.iter().any(|(name, _)| name == "content-type") {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            Some(value.to_string())
        }
    };
    Ok(PortalRequest { method: method(input).to_owned(), target: target(input)?, headers, body })
}

/// The path below `/api` with its query. Backstage's paths begin with the plugin; those that begin with `/api` mean
/// the same.
fn target(input: &Outputs) -> Result<String, ActionError> {
    let given = text(input, "path").unwrap_or_default();
    let wrong = |what: &str| ActionError::input(format!("path {given} {what}; write it as /catalog/entities"));
    let path = given.trim_start_matches('/');
    let path = path.strip_prefix("api/").unwrap_or(path);
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    if path.is_empty() {
        return Err(wrong("names no plugin of the portal"));
    }
    if given.contains("://") && given.split('?').next().is_some_and(|path| path.contains("://")) {
        return Err(wrong("is an address; only the portal's own API can be asked"));
    }
    let is_odd = |segment: &str| {
        matches!(segment.to_ascii_lowercase().as_str(), "." | ".." | "%2e" | "%2e%2e" | ".%2e" | "%2e.")
    };
    if path.split('/').any(is_odd) || path.contains(['\\', '#']) || path.chars().any(char::is_control) {
        return Err(wrong("has segments or characters that no path of the API has"));
    }
    let mut parameters = form_urlencoded::Serializer::new(query.unwrap_or_default().to_owned());
    for (name, value) in input.get("params").and_then(Value::as_object).into_iter().flatten() {
        parameters.append_pair(name, &plain(value));
    }
    let query = parameters.finish();
    Ok(if query.is_empty() { format!("/api/{path}") } else { format!("/api/{path}?{query}") })
}

/// A value as `String(value)` of JavaScript gives it, and JSON where that says nothing.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn timeout(input: &Outputs) -> Result<Duration, ActionError> {
    let milliseconds = input.get("timeout").and_then(Value::as_f64).unwrap_or(TIMEOUT_MS);
    match Duration::try_from_secs_f64(milliseconds / 1000.0) {
        Ok(timeout) if !timeout.is_zero() && timeout <= LONGEST => Ok(timeout),
        _ => Err(ActionError::input(format!(
            "timeout is {milliseconds} milliseconds; more than none and up to {} are possible",
            LONGEST.as_millis()
        ))),
    }
}

impl Action for Request {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "http:backstage:request",
            description: "Sends a HTTP request to the Backstage API. It uses the token of the user who triggers the task to authenticate requests.",
            input: json!({
                "type": "object", "required": ["path", "method"], "additionalProperties": false,
                "properties": {
                    "path": {"type": "string", "description": "The url path you want to query"},
                    "method": {"type": "string", "enum": METHODS, "description": "The method type of the request"},
                    "headers": {"type": "object", "description": "The headers you would like to pass to your request"},
                    "params": {"type": "object", "description": "The query parameters you would like to pass to your request"},
                    "body": {"description": "The body you would like to pass to your request"},
                    "logRequestPath": {"type": "boolean", "description": "Option to turn request path logging off. On by default"},
                    "continueOnBadResponse": {"type": "boolean", "description": "Return response code and body and continue to next scaffolder step if the response status is 4xx or 5xx. By default the step will fail if any status code is returned 400 and above."},
                    "timeout": {"type": "number", "default": 60000, "description": "Timeout for the request (milliseconds)"},
                    "useBackstageToken": {"type": "boolean", "description": "Accepted for compatibility: requests always have the caller's own rights"},
                    "idempotencyKey": {"type": "string", "description": "Accepted for compatibility: a request that was answered is never sent again by the same run"},
                },
            }),
            output: Some(json!({"type": "object", "properties": {
                "code": {"type": "number", "description": "The response code of the request"},
                "headers": {"type": "object", "description": "The headers of the response"},
                "body": {"description": "The body of the response"},
            }})),
            examples: vec![Example {
                description: "Looks an entity up.",
                example: "steps:\n  - id: lookup\n    action: http:backstage:request\n    input:\n      method: GET\n      path: /catalog/entities/by-name/component/default/payments\n      continueOnBadResponse: true\n",
            }],
        }
    }

    fn effect(&self) -> EffectClass {
        EffectClass::Outside
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let method = method(&input);
            let path = text(&input, "path").filter(|_| input.get("logRequestPath") != Some(&Value::Bool(false)));
            let against = path.map_or(String::new(), |path| format!(" against {path}"));
            ctx.log.info(format!("Creating {method} request with http:backstage:request scaffolder action{against}"));
            if REPEATABLE.contains(&method) {
                let answer = self.ask(ctx, &input).await?;
                return read(ctx, &input, answer);
            }
            if ctx.noted(SENT).await? == Some(json!(true)) {
                return Err(ActionError::conflict(format!(
                    "the {method} request was on its way when this run was cut off, and may have had its effect; look whether it had, and start a new run"
                )));
            }
            // Mistakes in the input are told before anything is noted.
            request(&input)?;
            timeout(&input)?;
            ctx.note(SENT, json!(true)).await?;
            // A request that was given up may have its effect all the same, so what was noted stays.
            let answer = self.ask(ctx, &input).await?;
            ctx.note(SENT, json!(false)).await?;
            read(ctx, &input, answer)
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move {
            let method = method(input);
            if SAFE.contains(&method) {
                let answer = self.ask(ctx, input).await?;
                return Ok(Inspection { outputs: read(ctx, input, answer)?, ..Inspection::default() });
            }
            let target = request(input)?.target;
            timeout(input)?;
            let shown =
                if input.get("logRequestPath") == Some(&Value::Bool(false)) { "the portal's API" } else { &*target };
            let effect = ctx.effect(EffectKind::Other, format!("send {method} to {shown}"), None);
            Ok(Inspection { effects: vec![effect], ..Inspection::default() })
        })
    }
}

#[cfg(test)]
mod tests;
