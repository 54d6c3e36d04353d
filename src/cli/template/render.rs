//! `greenroom template render`: a dry run of a template in a folder, its files written to another.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use serde_json::{Value, json};

use super::super::portal::{self, Portal, Target};
use super::super::{Common, print};
use super::Answers;

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
    let file = super::lint::template_file(&options.path);
    let template = super::lint::read_template(&file)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut contents = Vec::new();
    collect(folder, folder, &mut contents)?;
    let values = portal::values(&options.answers.values, &options.answers.set)?;
    let body = json!({"template": template, "values": values, "secrets": {}, "directoryContents": contents});

    let portal = Portal::open(common, &options.target).await?;
    let outcome = portal.post("/api/scaffolder/v2/dry-run", &body).await;
    portal.close().await;
    write(&outcome?, &options.out)
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
        write_file(out, path, &BASE64.decode(content)?, executable)?;
    }
    print::note(format_args!("{} files in {}", files.len(), out.display()));
    Ok(ExitCode::SUCCESS)
}

fn write_file(out: &Path, path: &str, content: &[u8], executable: bool) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    // The answer may come from another machine: its paths are not trusted.
    let inside = Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if !inside {
        bail!("the dry run gave `{path}`, which is not a path inside the folder");
    }
    let target = out.join(path);
    std::fs::create_dir_all(target.parent().unwrap_or(out))?;
    std::fs::write(&target, content).with_context(|| format!("cannot write {}", target.display()))?;
    let mode = if executable { 0o755 } else { 0o644 };
    Ok(std::fs::set_permissions(&target, std::fs::Permissions::from_mode(mode))?)
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Value>) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(root, &entry.path(), found)?;
        } else if kind.is_file() {
            let path = entry.path();
            let relative = path.strip_prefix(root)?.to_str().context("a file name is not Unicode")?.to_owned();
            let executable = entry.metadata()?.permissions().mode() & 0o111 != 0;
            let content = BASE64.encode(std::fs::read(&path)?);
            found.push(json!({"path": relative, "executable": executable, "base64Content": content}));
        }
    }
    Ok(())
}
