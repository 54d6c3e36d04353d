//! Check runs: what is said of a commit beside a pull request, with remarks on the lines.
//!
//! One check of one name tells of one commit. GitHub takes 50 annotations a request and can only add to them, so a check
//! goes up in parts, and what is there of it is continued, not repeated: the check's `external_id` is the digest of
//! everything it says, and the number of its annotations tells how far it came.
//!
//! Only a GitHub App may write checks.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::GitHub;
use super::client::{Call, Client};
use super::error::Failure;
use crate::forge::{ForgeError, Missing, RepositoryId};

/// Annotations of one request; the most there may be.
const PART: usize = 50;

/// What is to be said of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewCheck {
    /// Its name, which with the commit makes it one.
    pub(crate) name: &'static str,
    /// The commit.
    pub(crate) head: String,
    /// How it ended.
    pub(crate) conclusion: Conclusion,
    /// One line.
    pub(crate) title: String,
    /// More, as Markdown.
    pub(crate) summary: String,
    /// What is said of lines.
    pub(crate) annotations: Vec<Annotation>,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Conclusion {
    /// Nothing is wrong.
    Success,
    /// There is something to look at.
    Neutral,
    /// Something is wrong.
    Failure,
}

/// A remark on a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Annotation {
    /// The file.
    pub(crate) path: String,
    /// From 1.
    pub(crate) start_line: u32,
    /// The same line.
    pub(crate) end_line: u32,
    /// From 1.
    pub(crate) start_column: u32,
    /// The same column.
    pub(crate) end_column: u32,
    /// `failure` or `warning`.
    pub(crate) annotation_level: &'static str,
    /// What is wrong.
    pub(crate) message: String,
    /// Which rule says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
}

/// A file that a pull request changes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ChangedFile {
    /// Its path in the end.
    #[serde(rename = "filename")]
    pub(crate) path: String,
    /// `added`, `modified`, `renamed`, `removed`, …
    status: String,
}

impl ChangedFile {
    /// Whether it is there in the end.
    pub(crate) fn is_there(&self) -> bool {
        self.status != "removed"
    }
}

/// A check that is there.
#[derive(Debug, Clone, Deserialize)]
struct Known {
    id: u64,
    status: String,
    #[serde(default)]
    external_id: Option<String>,
    output: Output,
}

#[derive(Debug, Clone, Deserialize)]
struct Output {
    #[serde(default)]
    annotations_count: usize,
}

impl NewCheck {
    /// What it says, in short: two checks of one digest say the same.
    fn digest(&self) -> String {
        let said = json!([self.conclusion, self.title, self.summary, self.annotations]).to_string();
        hex::encode(&Sha256::digest(said)[..16])
    }

    /// A part of it: the annotations from one on, with the conclusion if they are the last.
    fn part(&self, from: usize) -> Value {
        let end = self.annotations.len().min(from.saturating_add(PART));
        let output = json!({
            "title": self.title, "summary": self.summary,
            "annotations": self.annotations.get(from..end).unwrap_or_default(),
        });
        let mut part = json!({"external_id": self.digest(), "status": "in_progress", "output": output});
        if end == self.annotations.len() {
            part["status"] = json!("completed");
            part["conclusion"] = json!(self.conclusion);
        }
        part
    }
}

fn of<'a>(id: &'a RepositoryId, rest: &[&'a str]) -> Vec<&'a str> {
    ["repos", id.owner(), id.name()].into_iter().chain(rest.iter().copied()).collect()
}

impl GitHub {
    /// The files that a pull request changes; GitHub tells of 3,000 at most.
    pub(crate) async fn changed_files(&self, id: &RepositoryId, number: u64) -> Result<Vec<ChangedFile>, ForgeError> {
        let doing = format!("list the files of pull request #{number} of {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let call = Call::get(of(id, &["pulls", &number.to_string(), "files"]));
        client.all(call, None).await.map_err(|failure| {
            if failure.is_not_found() {
                return ForgeError::NotFound(Missing::PullRequest { repository: id.clone(), number });
            }
            failed(failure)
        })
    }

    /// Says something of a commit. Said a second time it changes nothing; where something else was said before, that is
    /// replaced.
    pub(crate) async fn check(&self, id: &RepositoryId, check: &NewCheck) -> Result<(), ForgeError> {
        let doing = format!("write the check {} of {} in {id}", check.name, check.head);
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        write(&client, id, check).await.map_err(failed)
    }
}

async fn write(client: &Client, id: &RepositoryId, check: &NewCheck) -> Result<(), Failure> {
    let digest = check.digest();
    let (run, mut sent) = match known(client, id, check).await? {
        Some(known) if known.external_id.as_deref() == Some(&digest) => {
            if known.status == "completed" {
                return Ok(());
            }
            (known.id, known.output.annotations_count)
        }
        // Nothing of what it said would stay.
        Some(known) if known.output.annotations_count == 0 => (known.id, 0),
        _ => {
            let run = begin(client, id, check).await?;
            if check.annotations.len() <= PART {
                return Ok(());
            }
            (run, PART)
        }
    };
    let run = run.to_string();
    loop {
        // Annotations are added each time; whoever tries again looks first how far this came.
        client.tell(Call::patch(of(id, &["check-runs", &run]), check.part(sent)).once()).await?;
        sent += PART;
        if sent >= check.annotations.len() {
            return Ok(());
        }
    }
}

/// Makes a check with its first part; gives its number.
async fn begin(client: &Client, id: &RepositoryId, check: &NewCheck) -> Result<u64, Failure> {
    let mut body = check.part(0);
    body["name"] = json!(check.name);
    body["head_sha"] = json!(check.head);
    match client.ask::<Known>(Call::post(of(id, &["check-runs"]), body)).await {
        Ok(made) => Ok(made.id),
        // Perhaps it was made.
        Err(failure) if failure.is_uncertain() => match known(client, id, check).await {
            Ok(Some(known)) if known.external_id.as_deref() == Some(&check.digest()) => Ok(known.id),
            _ => Err(failure),
        },
        Err(failure) => Err(failure),
    }
}

/// The newest check of its name at its commit.
async fn known(client: &Client, id: &RepositoryId, check: &NewCheck) -> Result<Option<Known>, Failure> {
    #[derive(Deserialize)]
    struct Page {
        check_runs: Vec<Known>,
    }
    let call = Call::get(of(id, &["commits", &check.head, "check-runs"]))
        .query([("check_name", check.name), ("filter", "latest")]);
    let page: Page = client.ask(call).await?;
    Ok(page.check_runs.into_iter().max_by_key(|known| known.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_goes_up_in_parts_and_only_the_last_one_ends_it() {
        let annotation = |line| Annotation {
            path: "catalog-info.yaml".to_owned(),
            start_line: line,
            end_line: line,
            start_column: 1,
            end_column: 1,
            annotation_level: "failure",
            message: "no".to_owned(),
            title: None,
        };
        let check = NewCheck {
            name: "Greenroom",
            head: "0".repeat(40),
            conclusion: Conclusion::Failure,
            title: "101 errors".to_owned(),
            summary: String::new(),
            annotations: (1..=101).map(annotation).collect(),
        };
        let lines = |part: &Value| part["output"]["annotations"].as_array().unwrap().len();
        let parts: Vec<Value> = [0, 50, 100].map(|from| check.part(from)).into();
        assert_eq!(parts.iter().map(lines).collect::<Vec<_>>(), [50, 50, 1]);
        assert_eq!(parts[0]["status"], "in_progress");
        assert_eq!(parts[1].get("conclusion"), None);
        assert_eq!((&parts[2]["status"], &parts[2]["conclusion"]), (&json!("completed"), &json!("failure")));
        // All parts are of one thing, and another thing is told from it.
        assert!(parts.iter().all(|part| part["external_id"] == check.digest().as_str()));
        let other = NewCheck { conclusion: Conclusion::Neutral, ..check.clone() };
        assert_ne!(other.digest(), check.digest());
        let none = NewCheck { annotations: Vec::new(), ..check };
        assert_eq!((&none.part(0)["status"], lines(&none.part(0))), (&json!("completed"), 0));
        assert_eq!(none.part(70)["status"], "completed");
    }
}
