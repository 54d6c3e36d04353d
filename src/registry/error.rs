//! Why a registry did not do something: what is wrong, with which registry, and what to change where.

use http::StatusCode;
use serde_json::Value;

/// Longest text of a registry that is told.
const LONGEST: usize = 400;

/// Why a registry did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RegistryError {
    /// No registry of that name.
    #[error("registry `{name}` is not configured; {known}. Registries stand in `registries`")]
    Unknown {
        /// The name.
        name: String,
        /// "there are `harbor`, `ghcr`", or "there is none".
        known: String,
    },
    /// None was named, and there is not exactly one.
    #[error("say which `registry`; {known}. Registries stand in `registries`")]
    Unsaid {
        /// As above.
        known: String,
    },
    /// Its configuration cannot be used.
    #[error("registry `{registry}`: {reason}")]
    Configuration {
        /// Which registry.
        registry: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Nothing answers.
    #[error("registry `{registry}` cannot be reached: {reason}")]
    Away {
        /// Which registry.
        registry: String,
        /// "there is no host of that name", …
        reason: String,
    },
    /// 401 with credentials.
    #[error(
        "registry `{registry}` does not accept the credentials of {who}: they are wrong or have expired; change them in `registries`"
    )]
    Credentials {
        /// Which registry.
        registry: String,
        /// The name.
        who: String,
    },
    /// 401 without.
    #[error(
        "registry `{registry}` wants to know who asks; give it `username` and `password`, or `token`, in `registries`"
    )]
    Anonymous {
        /// Which registry.
        registry: String,
    },
    /// 403, or 401 for this alone.
    #[error("registry `{registry}` does not allow {who} to {doing}{said}; let it, or configure an account that may")]
    Forbidden {
        /// Which registry.
        registry: String,
        /// The name.
        who: String,
        /// "push to acme/web"
        doing: String,
        /// ": the registry's words", or nothing.
        said: String,
    },
    /// 403 by a quota.
    #[error("a quota of registry `{registry}` does not allow it to {doing}: {said}")]
    Quota {
        /// Which registry.
        registry: String,
        /// "push to acme/web"
        doing: String,
        /// The registry's words.
        said: String,
    },
    /// 404.
    #[error("registry `{registry}` has no {what}")]
    NotFound {
        /// Which registry.
        registry: String,
        /// "image acme/web", …
        what: String,
    },
    /// 409 and 412.
    #[error("registry `{registry}` cannot {doing}: {said}")]
    Conflict {
        /// Which registry.
        registry: String,
        /// "create project acme"
        doing: String,
        /// The registry's words.
        said: String,
    },
    /// 400 and 422, and names that no registry takes.
    #[error("registry `{registry}` refuses to {doing}: {said}")]
    Invalid {
        /// Which registry.
        registry: String,
        /// As above.
        doing: String,
        /// The registry's words, or ours.
        said: String,
    },
    /// It does not do such a thing at all: 405, 501.
    #[error("registry `{registry}` does not let anybody {doing}; do it with its own tools")]
    Unsupported {
        /// Which registry.
        registry: String,
        /// "delete acme/web"
        doing: String,
    },
    /// 429.
    #[error("registry `{registry}` takes no more requests for now{wait}")]
    Busy {
        /// Which registry.
        registry: String,
        /// "; it says to come back in 30 s", or nothing.
        wait: String,
    },
    /// 5xx, and what cannot be read.
    #[error("registry `{registry}` failed to {doing}: {said}")]
    Failed {
        /// Which registry.
        registry: String,
        /// As above.
        doing: String,
        /// What it said.
        said: String,
    },
    /// More than is taken.
    #[error("registry `{registry}`: {what} is larger than {limit} bytes, which is the most that is read")]
    TooLarge {
        /// Which registry.
        registry: String,
        /// "the answer to list the tags of acme/web"
        what: String,
        /// In bytes.
        limit: usize,
    },
}

/// What is known when a registry refuses.
pub(super) struct Refusal<'a> {
    /// Which registry.
    pub(super) registry: &'a str,
    /// Who asked; none for nobody.
    pub(super) who: Option<&'a str>,
    /// "push to acme/web"
    pub(super) doing: &'a str,
    /// "image acme/web": what a 404 is about.
    pub(super) what: &'a str,
    /// Seconds until it may be tried again.
    pub(super) retry_after: Option<&'a str>,
}

impl Refusal<'_> {
    /// The error of a status and the body that came with it.
    pub(super) fn told(&self, status: StatusCode, body: &[u8]) -> RegistryError {
        let registry = self.registry.to_owned();
        let doing = self.doing.to_owned();
        let who = self.who.unwrap_or("nobody in particular").to_owned();
        let said = words(status, body);
        match status.as_u16() {
            401 if self.who.is_none() => RegistryError::Anonymous { registry },
            401 => RegistryError::Credentials { registry, who },
            403 if said.contains("quota") || said.contains("exceed") => RegistryError::Quota { registry, doing, said },
            403 => {
                let said = if said.eq_ignore_ascii_case("forbidden") || said.starts_with("HTTP ") {
                    String::new()
                } else {
                    format!(" ({said})")
                };
                RegistryError::Forbidden { registry, who, doing, said }
            }
            404 => RegistryError::NotFound { registry, what: self.what.to_owned() },
            409 | 412 => RegistryError::Conflict { registry, doing, said },
            400 | 422 => RegistryError::Invalid { registry, doing, said },
            405 | 501 => RegistryError::Unsupported { registry, doing },
            429 => {
                let wait = self.retry_after.map(|seconds| format!("; it says to come back in {seconds} s"));
                RegistryError::Busy { registry, wait: wait.unwrap_or_default() }
            }
            _ => RegistryError::Failed { registry, doing, said },
        }
    }
}

/// What a registry said: the messages of `{"errors": […]}`, or the status.
fn words(status: StatusCode, body: &[u8]) -> String {
    let told: Option<Value> = serde_json::from_slice(body).ok();
    let errors = told.as_ref().and_then(|told| told.get("errors")).and_then(Value::as_array);
    let message = |one: &Value| {
        let text = |key: &str| one.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        text("message").or_else(|| text("code")).map(str::to_owned)
    };
    let all: Vec<String> = errors.into_iter().flatten().filter_map(message).collect();
    let text = if all.is_empty() { format!("HTTP {status}") } else { all.join("; ") };
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect()
}

/// Why nothing answered, in words.
pub(super) fn away(registry: &str, error: &reqwest::Error) -> RegistryError {
    let mut cause: &dyn std::error::Error = error;
    let mut all = Vec::new();
    while let Some(inner) = cause.source() {
        cause = inner;
        all.push(cause.to_string());
    }
    let chain = all.join(": ");
    let has = |word: &str| chain.contains(word);
    let reason = if error.is_timeout() {
        "no answer in time".to_owned()
    } else if has("dns error") || has("failed to lookup address") {
        "there is no host of that name".to_owned()
    } else if has("Connection refused") {
        "nothing listens at its address".to_owned()
    } else if has("certificate") || has("UnknownIssuer") {
        format!("its certificate is not trusted ({})", all.last().map_or("", String::as_str))
    } else if error.is_redirect() {
        "it redirects too often".to_owned()
    } else {
        all.pop().unwrap_or_else(|| "the connection failed".to_owned())
    };
    RegistryError::Away { registry: registry.to_owned(), reason }
}
