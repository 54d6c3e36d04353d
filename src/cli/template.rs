//! `greenroom template …`: what template authors and scripts need.

mod beside;
mod follow;
mod lint;
mod render;
mod test;
mod tree;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::portal::{self, Portal, Target};
use super::{Common, print};
use crate::entity::{EntityRef, RefDefaults};

/// `greenroom template`
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check template files: form, actions, expressions, references between steps.
    Lint(lint::Options),
    /// Render a template from a folder into another, without any outside effect.
    Render(render::Options),
    /// Run the cases beside a template and compare what they make with what is expected.
    Test(test::Options),
    /// Run a template of the catalog and follow it to its end.
    Run(Run),
}

/// `greenroom template run`
#[derive(Debug, Args)]
struct Run {
    /// Template: rust-service, or template:namespace/name
    template: String,
    #[command(flatten)]
    answers: Answers,
    #[command(flatten)]
    target: Target,
}

/// Answers to a template's questions.
#[derive(Debug, Clone, Args)]
struct Answers {
    /// YAML or JSON file of answers; may be repeated, the last wins.
    #[arg(long, short = 'f', value_name = "FILE")]
    values: Vec<PathBuf>,
    /// One answer, over those of files: --set name=payments-api
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
}

/// Runs one of them.
pub(super) async fn run(common: &Common, options: Options) -> anyhow::Result<ExitCode> {
    match options.command {
        Command::Lint(options) => Ok(judged(lint::run(common, &options).await)),
        Command::Test(options) => Ok(judged(test::run(common, &options).await)),
        Command::Render(options) => Box::pin(render::run(common, &options)).await,
        Command::Run(options) => {
            let portal = Portal::open(common, &options.target).await?;
            let outcome = start_and_follow(&portal, &options).await;
            portal.close().await;
            outcome
        }
    }
}

/// The code of a command that judges: 1 is its verdict, so that it cannot judge is 2.
fn judged(verdict: anyhow::Result<ExitCode>) -> ExitCode {
    verdict.unwrap_or_else(|error| {
        print::error(&error);
        ExitCode::from(2)
    })
}

async fn start_and_follow(portal: &Portal, options: &Run) -> anyhow::Result<ExitCode> {
    let defaults = RefDefaults { kind: Some("template"), namespace: None };
    let template = EntityRef::parse(&options.template, defaults)?;
    let values = portal::values(&options.answers.values, &options.answers.set)?;
    let body = json!({"templateRef": template, "values": values});
    let task = portal.post("/api/scaffolder/v2/tasks", &body).await?;
    let id = task.get("id").and_then(Value::as_str).context("the portal named no task")?.to_owned();
    print::note(format_args!("task {id}"));
    follow::to_the_end(portal, &id).await
}
