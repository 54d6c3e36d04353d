//! Gates: what must hold before a promotion may be merged.
//!
//! Each is told whether or not it is asked for nothing: a reader sees that the pipeline was looked at, and what it said.

use chrono::{Duration, Utc};

use super::Promotion;
use crate::delivery::Environment;
use crate::delivery::board::{Cell, Standing as CellStanding, Version};
use crate::entity::{EntityRef, RefDefaults};
use crate::forge::Run;
use crate::permission::Credentials;
use crate::pipeline::{Pipelines, Place};

/// One gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gate {
    /// `Pipeline`
    pub(crate) name: &'static str,
    /// How it stands.
    pub(crate) standing: Standing,
    /// Why.
    pub(crate) sentence: String,
    /// Whether somebody's agreement opens it.
    pub(crate) wants_approval: bool,
}

/// How a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It holds.
    Open,
    /// It does not yet.
    Waiting,
    /// It does not, and will not by itself.
    Closed,
}

/// All gates of an environment.
pub(super) async fn gates(
    pipelines: &Pipelines,
    environment: &Environment,
    source: Option<&Cell>,
    repository: &str,
    version: &Version,
    promotion: Option<&Promotion>,
) -> Vec<Gate> {
    let rule = &environment.promotion;
    let mut gates = Vec::new();
    // Going back must not wait for what is known to have run before.
    if let Some(source) = source {
        if rule.pipeline {
            gates.push(pipeline(pipelines, repository, version).await);
        }
        if rule.healthy_for > 0 {
            gates.push(healthy(source, i64::from(rule.healthy_for)));
        }
    }
    if !rule.approvers.is_empty() {
        gates.push(approval(environment, promotion));
    }
    gates
}

async fn pipeline(pipelines: &Pipelines, repository: &str, version: &Version) -> Gate {
    let gate = |standing, sentence: String| Gate { name: "Pipeline", standing, sentence, wants_approval: false };
    let Some((host, path)) = repository.split_once('/') else {
        return gate(Standing::Closed, format!("{repository} is no repository"));
    };
    let Ok(repository) = path.parse() else {
        return gate(Standing::Closed, format!("{repository} is no repository"));
    };
    if !pipelines.is_on(host) {
        return gate(Standing::Open, format!("{host} runs no pipelines"));
    }
    let runs = match pipelines.runs(&Place { host: host.to_owned(), repository }, None).await {
        Ok(runs) => runs,
        Err(error) => return gate(Standing::Waiting, error.to_string()),
    };
    match run_of(&runs, version) {
        Some(run) if run.conclusion.as_deref() == Some("success") => {
            gate(Standing::Open, format!("the pipeline of {} succeeded", short(&run.head_sha)))
        }
        Some(run) => match &run.conclusion {
            Some(conclusion) => {
                gate(Standing::Closed, format!("the pipeline of {} ended with {conclusion}", short(&run.head_sha)))
            }
            None => gate(Standing::Waiting, format!("the pipeline of {} is under way", short(&run.head_sha))),
        },
        None => {
            gate(Standing::Waiting, format!("no pipeline is known of the commit that {} was built of", version.label()))
        }
    }
}

/// The run that built a version: its tag names the commit.
fn run_of<'a>(runs: &'a [Run], version: &Version) -> Option<&'a Run> {
    let commit = version.tag.trim_start_matches("sha-");
    let is_commit = commit.len() >= 7 && commit.chars().all(|digit| digit.is_ascii_hexdigit());
    runs.iter().find(|run| is_commit && run.head_sha.starts_with(commit))
}

fn short(sha: &str) -> &str {
    sha.get(..7).unwrap_or(sha)
}

fn healthy(source: &Cell, minutes: i64) -> Gate {
    let name = &source.environment;
    let gate = |standing, sentence: String| Gate { name: "Health", standing, sentence, wants_approval: false };
    let Some(seen) = &source.seen else {
        return gate(Standing::Closed, format!("nothing is seen of {name}"));
    };
    if source.standing() != CellStanding::Well {
        let report = &seen.report;
        return gate(Standing::Waiting, format!("{name} is {} and {}", report.sync, report.health));
    }
    let since = seen.report.health_since.or_else(|| seen.report.last_deployed());
    let well_for = since.map(|since| (Utc::now() - since).max(Duration::zero()));
    let asked = if minutes == 1 { "1 minute".to_owned() } else { format!("{minutes} minutes") };
    match well_for {
        Some(well_for) if well_for >= Duration::minutes(minutes) => {
            gate(Standing::Open, format!("{name} has been healthy for {asked}"))
        }
        Some(well_for) => {
            gate(Standing::Waiting, format!("{name} has been healthy for {} of {asked}", well_for.num_minutes()))
        }
        None => gate(Standing::Waiting, format!("nobody knows how long {name} has been healthy")),
    }
}

fn approval(environment: &Environment, promotion: Option<&Promotion>) -> Gate {
    let wanted = environment.promotion.approvers.join(" or ");
    let approved = promotion.and_then(|promotion| promotion.approved_by.as_deref());
    let (standing, sentence) = match approved {
        Some(by) => (Standing::Open, format!("{by} agreed")),
        None => (Standing::Waiting, format!("{wanted} must agree")),
    };
    Gate { name: "Approval", standing, sentence, wants_approval: approved.is_none() }
}

/// Whether somebody may agree to a promotion; the reason where not.
pub(super) fn may_approve(environment: &Environment, promotion: &Promotion, who: &Credentials) -> Result<(), String> {
    let approvers = &environment.promotion.approvers;
    let defaults = RefDefaults { kind: Some("group"), namespace: Some("default") };
    let named: Vec<EntityRef> = approvers.iter().filter_map(|name| EntityRef::parse(name, defaults).ok()).collect();
    if !who.ownership().iter().any(|own| named.contains(own)) {
        return Err(format!("only {} may agree to a promotion to {}", approvers.join(" or "), environment.name));
    }
    if who.user_ref().is_some_and(|user| user.to_string() == promotion.created_by) {
        return Err("whoever proposed it cannot agree to it; ask somebody else".to_owned());
    }
    Ok(())
}
