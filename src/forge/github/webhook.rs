//! What GitHub tells by itself: who signed it, and what of it matters here.
//!
//! Every kind of event is taken; those that nothing here depends on are [`Told::Other`]. A payload is a hint to look, and
//! the little that is taken from it as true is said where it is used.

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::GitHub;
use crate::forge::RepositoryId;

/// So many commits are in the payload of one push at most.
const MOST_COMMITS: usize = 2048;
/// So many files of one push are told apart at most.
const MOST_FILES: usize = 20_000;
const BRANCH: &str = "refs/heads/";

/// One event, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Webhook {
    /// The host in the addresses of the payload, if it has any.
    pub(crate) host: Option<String>,
    /// What happened.
    pub(crate) told: Told,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Told {
    /// A branch has other commits, or is gone.
    Push(Push),
    /// A repository was made, changed, moved or deleted.
    Repository {
        /// What it is called now.
        repository: RepositoryId,
        /// What it was called before, where that was something else.
        before: Option<RepositoryId>,
    },
    /// Who is in an organisation and its teams changed.
    People {
        /// The organisation.
        organization: String,
    },
    /// An App was installed on an owner, or may see other repositories of it.
    Installation {
        /// The owner.
        owner: Option<String>,
    },
    /// Something happened to a pull request.
    PullRequest(Pulled),
    /// A webhook was set up.
    Ping,
    /// Anything else.
    Other,
}

/// What happened to a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pulled {
    /// The repository it is for.
    pub(crate) repository: RepositoryId,
    /// Its number there.
    pub(crate) number: u64,
    /// The commit at its head.
    pub(crate) head: String,
    /// Whether there is something new to look at: it was opened, or its head is another.
    pub(crate) is_new: bool,
}

/// What a push did to a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Push {
    /// Whose branch.
    pub(crate) repository: RepositoryId,
    /// Which.
    pub(crate) branch: String,
    /// Whether it is the repository's default branch.
    pub(crate) is_default: bool,
    /// Where it was; none if it is new.
    pub(crate) before: Option<String>,
    /// Where it is; none if it is gone.
    pub(crate) after: Option<String>,
    /// The files that were added, changed or removed; none if the payload does not name all of them.
    pub(crate) files: Option<Vec<String>>,
}

impl GitHub {
    /// Whether something was signed by a webhook of one of the Apps; none if no App has a secret for that.
    pub(crate) fn signed(&self, body: &[u8], signature: &str) -> Option<bool> {
        let mut secrets = self.site.access.webhook_secrets().peekable();
        secrets.peek()?;
        // Every one is tried, so that the time does not tell which fits.
        Some(secrets.fold(false, |fits, secret| is_signed(secret, body, signature) | fits))
    }

    /// Asks anew where the Apps are installed.
    pub(crate) async fn forget_installations(&self) {
        self.site.access.forget_installations().await;
    }
}

/// Whether a signature (`sha256=…`) was made of these bytes with this secret; compared in constant time.
pub(crate) fn is_signed(secret: &SecretString, body: &[u8], signature: &str) -> bool {
    let Some(signature) = signature.strip_prefix("sha256=").and_then(|digits| hex::decode(digits).ok()) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    hmac::verify(&key, body, &signature).is_ok()
}

impl Webhook {
    /// Reads an event of a kind (`push`); the error says what is wrong with the payload.
    pub(crate) fn read(kind: &str, body: &[u8]) -> Result<Self, String> {
        let payload: Value =
            serde_json::from_slice(body).map_err(|error| format!("the payload is not valid JSON: {error}"))?;
        if !payload.is_object() {
            return Err("the payload is not a JSON object".to_owned());
        }
        let told = match kind {
            "ping" => Told::Ping,
            "push" => read::<PushPayload>(kind, &payload)?.told()?,
            "repository" | "public" => read::<RepositoryPayload>(kind, &payload)?.told()?,
            "pull_request" => read::<PullRequestPayload>(kind, &payload)?.told()?,
            "membership" | "member" | "team" | "team_add" | "organization" => people(&payload),
            "installation" | "installation_repositories" | "installation_target" => {
                let owner =
                    payload.pointer("/installation/account/login").or_else(|| payload.pointer("/account/login"));
                Told::Installation { owner: owner.and_then(Value::as_str).map(str::to_owned) }
            }
            // `create`, `delete` and the like: what a branch holds is told by `push`.
            _ => Told::Other,
        };
        Ok(Self { host: host(&payload), told })
    }
}

fn read<'a, T: Deserialize<'a>>(kind: &str, payload: &'a Value) -> Result<T, String> {
    T::deserialize(payload).map_err(|error| format!("the payload of the event `{kind}` cannot be read: {error}"))
}

fn people(payload: &Value) -> Told {
    match payload.pointer("/organization/login").and_then(Value::as_str) {
        Some(organization) => Told::People { organization: organization.to_owned() },
        // Of a person's repository.
        None => Told::Other,
    }
}

/// Where the payload comes from, by the addresses of pages in it.
fn host(payload: &Value) -> Option<String> {
    let places = ["/repository/html_url", "/sender/html_url", "/installation/account/html_url", "/enterprise/html_url"];
    let written = places.iter().find_map(|place| payload.pointer(place)?.as_str())?;
    let url = url::Url::parse(written).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

#[derive(Debug, Deserialize)]
struct PushPayload {
    #[serde(rename = "ref")]
    reference: String,
    before: String,
    after: String,
    #[serde(default)]
    created: bool,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    forced: bool,
    #[serde(default)]
    commits: Vec<CommitPayload>,
    repository: RepositoryFacts,
}

#[derive(Debug, Deserialize)]
struct CommitPayload {
    #[serde(default)]
    added: Vec<String>,
    #[serde(default)]
    removed: Vec<String>,
    #[serde(default)]
    modified: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct RepositoryFacts {
    full_name: String,
    #[serde(default)]
    default_branch: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RepositoryPayload {
    #[serde(default)]
    action: String,
    repository: RepositoryFacts,
    #[serde(default)]
    changes: Value,
}

#[derive(Debug, Deserialize)]
struct PullRequestPayload {
    action: String,
    number: u64,
    pull_request: PullRequestFacts,
    repository: RepositoryFacts,
}

#[derive(Debug, Deserialize)]
struct PullRequestFacts {
    head: HeadFacts,
}

#[derive(Debug, Deserialize)]
struct HeadFacts {
    sha: String,
}

impl PullRequestPayload {
    fn told(self) -> Result<Told, String> {
        Ok(Told::PullRequest(Pulled {
            repository: self.repository.id()?,
            number: self.number,
            head: self.pull_request.head.sha,
            is_new: matches!(self.action.as_str(), "opened" | "synchronize" | "reopened"),
        }))
    }
}

impl RepositoryFacts {
    fn id(&self) -> Result<RepositoryId, String> {
        self.full_name.parse().map_err(|error| format!("the payload names a repository that cannot be: {error}"))
    }
}

impl PushPayload {
    fn told(self) -> Result<Told, String> {
        let Some(branch) = self.reference.strip_prefix(BRANCH) else {
            return Ok(Told::Other);
        };
        let is_none = |commit: &String| commit.bytes().all(|byte| byte == b'0');
        let is_complete = !self.created && !self.deleted && !self.forced && self.commits.len() < MOST_COMMITS;
        let mut files: Vec<String> = self
            .commits
            .into_iter()
            .flat_map(|commit| [commit.added, commit.removed, commit.modified].into_iter().flatten())
            .collect();
        files.sort();
        files.dedup();
        Ok(Told::Push(Push {
            repository: self.repository.id()?,
            is_default: self.repository.default_branch.as_deref() == Some(branch),
            branch: branch.to_owned(),
            before: Some(self.before).filter(|commit| !is_none(commit)),
            after: Some(self.after).filter(|commit| !is_none(commit) && !self.deleted),
            files: Some(files).filter(|files| is_complete && files.len() <= MOST_FILES),
        }))
    }
}

impl RepositoryPayload {
    fn told(self) -> Result<Told, String> {
        let repository = self.repository.id()?;
        let text = |place: &str| self.changes.pointer(place).and_then(Value::as_str);
        let before = match self.action.as_str() {
            "renamed" => {
                text("/repository/name/from").and_then(|name| RepositoryId::new(repository.owner(), name).ok())
            }
            "transferred" => {
                let owner = text("/owner/from/organization/login").or_else(|| text("/owner/from/user/login"));
                owner.and_then(|owner| RepositoryId::new(owner, repository.name()).ok())
            }
            _ => None,
        };
        Ok(Told::Repository { repository, before })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(kind: &str, payload: &Value) -> Told {
        Webhook::read(kind, payload.to_string().as_bytes()).unwrap().told
    }

    #[test]
    fn a_signature_is_that_of_the_documentation() {
        let secret = SecretString::from("It's a Secret to Everybody");
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(is_signed(&secret, b"Hello, World!", signature));
        let wrong = ["", "sha256=", "sha256=zz", "sha1=757107ea", &signature[7..], &signature[..70]];
        for wrong in wrong {
            assert!(!is_signed(&secret, b"Hello, World!", wrong), "{wrong}");
        }
        assert!(!is_signed(&secret, b"Hello, World?", signature));
    }

    #[test]
    fn a_push_names_its_files_unless_it_cannot() {
        let zeros = "0".repeat(40);
        let push = |more: Value| {
            let mut payload = json!({
                "ref": "refs/heads/main", "before": "a".repeat(40), "after": "b".repeat(40),
                "repository": {"full_name": "acme/api", "default_branch": "main", "html_url": "https://ghe.acme.example/acme/api"},
                "commits": [
                    {"added": ["b"], "removed": [], "modified": ["a"]},
                    {"added": [], "removed": ["b"], "modified": []},
                ],
            });
            payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            payload
        };
        let Told::Push(read) = told("push", &push(json!({}))) else { panic!() };
        assert_eq!(
            (read.repository.to_string().as_str(), read.branch.as_str(), read.is_default),
            ("acme/api", "main", true)
        );
        assert_eq!(read.files, Some(vec!["a".to_owned(), "b".to_owned()]));
        for more in [
            json!({"forced": true}),
            json!({"created": true, "before": zeros}),
            json!({"deleted": true, "after": zeros}),
        ] {
            let Told::Push(read) = told("push", &push(more.clone())) else { panic!() };
            assert_eq!(read.files, None, "{more}");
            assert_eq!(read.before.is_none(), more["before"].is_string());
            assert_eq!(read.after.is_none(), more["after"].is_string());
        }
        assert_eq!(told("push", &push(json!({"ref": "refs/tags/v1"}))), Told::Other);
        let host = Webhook::read("push", push(json!({})).to_string().as_bytes()).unwrap().host;
        assert_eq!(host.as_deref(), Some("ghe.acme.example"));
    }

    #[test]
    fn a_repository_that_moved_is_known_by_both_names() {
        let now = RepositoryId::new("acme", "pay").unwrap();
        let cases = [
            ("renamed", json!({"repository": {"name": {"from": "payments"}}}), Some("acme/payments")),
            ("transferred", json!({"owner": {"from": {"user": {"login": "ada"}}}}), Some("ada/pay")),
            ("transferred", json!({"owner": {"from": {"organization": {"login": "old"}}}}), Some("old/pay")),
            ("archived", json!(null), None),
        ];
        for (action, changes, before) in cases {
            let payload = json!({"action": action, "changes": changes, "repository": {"full_name": "acme/pay"}});
            let before = before.map(|name| name.parse().unwrap());
            assert_eq!(told("repository", &payload), Told::Repository { repository: now.clone(), before });
        }
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        let error = |kind: &str, body: &str| Webhook::read(kind, body.as_bytes()).unwrap_err();
        assert!(error("push", "{").starts_with("the payload is not valid JSON"));
        assert_eq!(error("ping", "[]"), "the payload is not a JSON object");
        assert_eq!(error("push", "{}"), "the payload of the event `push` cannot be read: missing field `ref`");
        assert_eq!(Webhook::read("something_new", b"{}").unwrap(), Webhook { host: None, told: Told::Other });
    }

    /// Every payload that GitHub documents by example, of every version.
    #[test]
    fn every_documented_event_is_taken() {
        let Some(modules) = std::env::var_os("GREENROOM_NODE_MODULES") else {
            println!("skipped: GREENROOM_NODE_MODULES names no folder with the packages");
            return;
        };
        let folder = std::path::Path::new(&modules).join("@octokit/webhooks-examples");
        let Ok(versions) = std::fs::read_dir(&folder) else {
            println!("skipped: {} is not installed", folder.display());
            return;
        };
        let mut kinds = std::collections::BTreeSet::new();
        let mut payloads = 0;
        for version in versions {
            let Ok(text) = std::fs::read(version.unwrap().path().join("index.json")) else { continue };
            let events: Vec<Value> = serde_json::from_slice(&text).unwrap();
            for event in events {
                let kind = event["name"].as_str().unwrap().to_owned();
                for example in event["examples"].as_array().unwrap() {
                    let read = Webhook::read(&kind, example.to_string().as_bytes());
                    let read = read.unwrap_or_else(|error| panic!("{kind}: {error}\n{example:#}"));
                    let heard = !matches!(read.told, Told::Other);
                    if matches!(kind.as_str(), "push" | "repository" | "organization" | "membership" | "installation") {
                        let is_tag = example["ref"].as_str().is_some_and(|name| name.starts_with("refs/tags/"));
                        assert!(heard || is_tag, "{kind}\n{example:#}");
                    }
                    payloads += 1;
                }
                kinds.insert(kind);
            }
        }
        println!("{payloads} payloads of {} kinds", kinds.len());
        assert!(kinds.len() > 40 && payloads > 200);
    }
}
