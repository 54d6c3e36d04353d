//! `greenroom template render`: a dry run of a template in a folder, its files written to another.
//!
//! A portal that is named, or that runs on the data directory, does it; without one it is done here, with neither catalog
//! nor database, and nothing stays behind but the files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use serde_json::{Map, Value, json};

use super::super::portal::{self, Portal, Target};
use super::super::validate::rules;
use super::super::{Common, print};
use super::{Answers, beside, tree};
use crate::forge::FileMode;
use crate::permission::Credentials;
use crate::scaffolder::DryRun;

/// `greenroom template render`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Folder of the template, or its template.yaml.
    path: PathBuf,
    #[command(flatten)]
    answers: Answers,
    /// Folder to write to; must be empty or not exist.
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    target: Target,
}

/// Renders and writes; says what a run would do outside.
pub(super) async fn run(common: &Common, options: &Options) -> anyhow::Result<ExitCode> {
    if options.out.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{} is not empty; choose another folder with --out", options.out.display());
    }
    let loaded = common.load()?;
    let file = super::lint::template_file(&options.path);
    let (template, _) = super::lint::read_template(&rules(&loaded.config)?, &file).await?;
    let scratch = tempfile::tempdir().context("cannot make a folder for what a dry run needs")?;
    let scaffolder = crate::app::rehearsal(&loaded.config, scratch.path())?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let beside =
        beside::read(folder, &scaffolder.template_of(&template), &|path| path == crate::app::DEFAULT_DATA_DIR)?;
    let plain = beside.files.iter().filter(|file| file.mode != FileMode::Symlink);
    let contents = plain.map(|file| {
        let executable = file.mode == FileMode::Executable;
        json!({"path": file.path, "executable": executable, "base64Content": BASE64.encode(&file.bytes)})
    });
    let contents: Value = contents.collect();
    let values = portal::values(&options.answers.values, &options.answers.set)?;
    let answer = if let Some(portal) = Portal::running(common, &options.target).await? {
        let body = json!({
            "template": template, "values": values, "secrets": {}, "directoryContents": contents,
            "templateFolder": beside.folder,
        });
        let answer = portal.post("/api/scaffolder/v2/dry-run", &body).await;
        portal.close().await;
        answer?
    } else {
        let run = DryRun {
            template: json!(template),
            values,
            secrets: Map::new(),
            directory_contents: contents,
            folder: Some(beside.folder),
            flags: Some(Vec::new()),
        };
        let guest = loaded.config.auth.providers.as_ref().and_then(|providers| providers.guest.as_ref());
        let guest = guest.cloned().unwrap_or_default().user();
        scaffolder.dry_run(&Credentials::user(guest, Vec::new()), run).await?
    };
    write(&answer, &options.out)
}

fn write(answer: &Value, out: &Path) -> anyhow::Result<ExitCode> {
    let failed = |event: &&Value| event.pointer("/body/status").and_then(Value::as_str) == Some("failed");
    let log = answer.get("log").and_then(Value::as_array).into_iter().flatten();
    if let Some(event) = log.into_iter().find(failed) {
        bail!("{}", event.pointer("/body/message").and_then(Value::as_str).unwrap_or("a step failed"));
    }
    let files = answer.get("directoryContents").and_then(Value::as_array).context("the dry run gave no files")?;
    for file in files {
        let path = file.get("path").and_then(Value::as_str).context("a file without a path")?;
        let content = file.get("base64Content").and_then(Value::as_str).unwrap_or_default();
        let executable = file.get("executable").and_then(Value::as_bool).unwrap_or_default();
        let mode = if executable { FileMode::Executable } else { FileMode::Regular };
        tree::write(out, path, mode, &BASE64.decode(content)?)?;
    }
    let word = if files.len() == 1 { "file" } else { "files" };
    print::note(format_args!("{} {word} in {}", files.len(), out.display()));
    Ok(ExitCode::SUCCESS)
}
