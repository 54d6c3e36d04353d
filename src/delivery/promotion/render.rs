//! What the cluster would be told: a chart rendered by Helm, before and after, compared.
//!
//! Helm is a program of its own, run with a time limit on a copy of the chart in a folder that is thrown away. Without
//! it, or where the chart cannot be rendered, the difference of the values is what there is to see.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::forge::Snapshot;

/// How long one rendering may take.
const LIMIT: Duration = Duration::from_secs(20);
/// Bytes of one rendering.
const MOST: usize = 4 * 1024 * 1024;
/// Lines around a change.
const CONTEXT: usize = 3;

/// What is rendered.
pub(super) struct Rendering<'a> {
    /// The program.
    pub(super) helm: &'a Path,
    /// The chart's files.
    pub(super) chart: &'a Snapshot,
    /// `payments-api`
    pub(super) release: &'a str,
    /// Where it goes.
    pub(super) namespace: &'a str,
    /// Values files of the chart's folder.
    pub(super) values: &'a [String],
}

impl Rendering<'_> {
    /// The difference that another text of a values file makes; the reason in words where there is none to see.
    pub(super) async fn difference(&self, file: &str, after: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let chart = folder.path().join("chart");
        for entry in &self.chart.files {
            let path = inside(&chart, &entry.path)?;
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
            }
            std::fs::write(&path, &entry.bytes).map_err(|error| error.to_string())?;
        }
        let old = self.render(folder.path(), &chart).await?;
        std::fs::write(inside(&chart, file)?, after).map_err(|error| error.to_string())?;
        let new = self.render(folder.path(), &chart).await?;
        Ok(similar::TextDiff::from_lines(&old, &new).unified_diff().context_radius(CONTEXT).to_string())
    }

    async fn render(&self, home: &Path, chart: &Path) -> Result<String, String> {
        let mut command = Command::new(self.helm);
        command.arg("template").arg(self.release).arg(chart).args(["--namespace", self.namespace]);
        for file in self.values {
            command.arg("--values").arg(inside(chart, file)?);
        }
        // Nothing of the person's or the portal's own: neither plug-ins nor secrets.
        command.env_clear().env("HOME", home).env("PATH", "/nonexistent").current_dir(home);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let output = match tokio::time::timeout(LIMIT, command.output()).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err("Helm is not installed here, so only the values can be compared; set `delivery.helm` to the program".to_owned());
            }
            Ok(Err(error)) => return Err(format!("Helm cannot be run: {error}")),
            Err(_) => return Err(format!("Helm did not end within {} s", LIMIT.as_secs())),
        };
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            return Err(format!("Helm cannot render the chart: {}", told.trim().chars().take(600).collect::<String>()));
        }
        if output.stdout.len() > MOST {
            return Err(format!("the chart renders to more than {} MB", MOST / 1024 / 1024));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// A path within a folder; one that leads out is refused.
fn inside(folder: &Path, path: &str) -> Result<PathBuf, String> {
    let is_plain = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    if Path::new(path).components().all(is_plain) {
        return Ok(folder.join(path));
    }
    Err(format!("`{path}` is not a file of the chart's folder"))
}
