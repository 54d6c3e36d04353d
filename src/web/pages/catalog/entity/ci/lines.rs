//! Runs and jobs as lines: state, what it is about, who, how long.

use chrono::{DateTime, Utc};

use crate::entity::EntityRef;
use crate::forge::{Job, Run};
use crate::pipeline::{Pipelines, Place};
use crate::web::pages::shown::{self, Moment};
use crate::web::url as link;

/// How far a run or a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunState {
    /// Of the design: `completed`, `failed`, `processing`, `open`, `cancelled`.
    pub(super) word: &'static str,
    pub(super) icon: &'static str,
    pub(super) label: String,
    pub(super) is_over: bool,
    /// It ended as nobody wants it.
    pub(super) has_failed: bool,
}

impl RunState {
    /// From GitHub's words.
    pub(super) fn new(status: Option<&str>, conclusion: Option<&str>) -> Self {
        let of = |word, icon, label: &str, is_over| Self {
            word,
            icon,
            label: label.to_owned(),
            is_over,
            has_failed: word == "failed",
        };
        match (status.unwrap_or("queued"), conclusion) {
            ("completed", Some("success")) => of("completed", "done", "Success", true),
            ("completed", Some("failure" | "startup_failure")) => of("failed", "failed", "Failed", true),
            ("completed", Some("timed_out")) => of("failed", "failed", "Timed out", true),
            ("completed", Some("cancelled")) => of("cancelled", "skipped", "Cancelled", true),
            ("completed", Some("skipped")) => of("cancelled", "skipped", "Skipped", true),
            ("completed", Some("action_required")) => of("open", "waiting", "Needs approval", true),
            ("completed", other) => of("cancelled", "skipped", &readable(other.unwrap_or("completed")), true),
            ("in_progress", _) => of("processing", "running", "Running", false),
            (other, _) => of("open", "waiting", &readable(other), false),
        }
    }
}

/// `waiting_for_review` → `Waiting for review`
fn readable(word: &str) -> String {
    shown::capital(&word.replace('_', " "))
}

/// A run in a list.
pub(super) struct RunLine {
    pub(super) state: RunState,
    pub(super) title: String,
    pub(super) workflow: String,
    pub(super) number: u64,
    pub(super) attempt: u64,
    pub(super) event: String,
    pub(super) branch: Option<(String, String)>,
    /// Short id, and its page.
    pub(super) commit: (String, Option<String>),
    pub(super) actor: Option<(String, Option<String>)>,
    pub(super) at: Moment,
    pub(super) took: String,
    /// Its page here, and on GitHub.
    pub(super) link: String,
    pub(super) outside: String,
}

impl RunLine {
    pub(super) fn new(pipelines: &Pipelines, place: &Place, reference: &EntityRef, run: &Run) -> Self {
        let workflow = run.name.clone().unwrap_or_else(|| run.path.clone());
        let title = if run.display_title.is_empty() { workflow.clone() } else { run.display_title.clone() };
        let began = run.run_started_at.unwrap_or(run.created_at);
        let actor = run.actor().map(|login| (login.to_owned(), pipelines.person_url(place, login)));
        let branch = run.head_branch.as_ref();
        Self {
            state: RunState::new(run.status.as_deref(), run.conclusion.as_deref()),
            title,
            workflow,
            number: run.run_number,
            attempt: run.run_attempt.unwrap_or(1),
            event: run.event.replace('_', " "),
            branch: branch.map(|branch| (branch.clone(), link::entity_ci(reference, Some(branch), false))),
            commit: (run.head_sha.chars().take(7).collect(), pipelines.commit_url(place, &run.head_sha)),
            actor,
            at: Moment(run.created_at),
            took: took(Some(began), run.is_over().then_some(run.updated_at)),
            link: link::entity_run(reference, run.id, false),
            outside: run.html_url.clone(),
        }
    }
}

/// A job of a run.
pub(super) struct JobLine {
    pub(super) id: u64,
    pub(super) state: RunState,
    pub(super) name: String,
    pub(super) took: String,
    /// The page with its log.
    pub(super) log: Option<String>,
}

impl JobLine {
    pub(super) fn new(job: &Job) -> Self {
        Self {
            id: job.id,
            state: RunState::new(Some(&job.status), job.conclusion.as_deref()),
            name: job.name.clone(),
            took: took(job.started_at, job.completed_at),
            log: job.html_url.clone(),
        }
    }
}

/// How long something takes, or took.
fn took(began: Option<DateTime<Utc>>, ended: Option<DateTime<Utc>>) -> String {
    let Some(began) = began else { return String::new() };
    shown::duration((ended.unwrap_or_else(Utc::now) - began).num_milliseconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn githubs_words_are_read() {
        let check = |status: &str, conclusion: Option<&str>, expected: (&str, &str)| {
            let state = RunState::new(Some(status), conclusion);
            assert_eq!((state.word, state.label.as_str()), expected, "{status} {conclusion:?}");
            assert_eq!(state.is_over, status == "completed");
        };
        check("completed", Some("success"), ("completed", "Success"));
        check("completed", Some("failure"), ("failed", "Failed"));
        check("completed", Some("timed_out"), ("failed", "Timed out"));
        check("completed", Some("cancelled"), ("cancelled", "Cancelled"));
        check("completed", Some("stale"), ("cancelled", "Stale"));
        check("completed", None, ("cancelled", "Completed"));
        check("in_progress", None, ("processing", "Running"));
        check("queued", None, ("open", "Queued"));
        check("waiting", None, ("open", "Waiting"));
        assert_eq!(RunState::new(None, None).label, "Queued");
    }
}
