//! What a promotion would be: which version, what changes, which gates.

use std::path::PathBuf;

use super::render::Rendering;
use super::{Gate, PromotionError, cell, gate, located, refused, values};
use crate::delivery::board::{Cell, Row, Version};
use crate::delivery::{Delivery, Environment};
use crate::forge::{Forge, Forges, NewFile, RepositoryId, SnapshotLimits};
use crate::pipeline::Pipelines;

/// How much a chart may hold.
const CHART: SnapshotLimits = SnapshotLimits { files: 500, bytes: 4 * 1024 * 1024 };
/// Lines around a change of the values.
const CONTEXT: usize = 3;

/// Which version is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NewPromotion {
    /// What another environment runs.
    From(String),
    /// What the values named at an earlier commit.
    Back(String),
}

/// What a promotion would be.
#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    /// Where it goes.
    pub(crate) environment: String,
    /// Where the version is taken from.
    pub(crate) from: Option<String>,
    /// What the values name.
    pub(crate) before: Version,
    /// What they are to name.
    pub(crate) after: Version,
    /// `host/owner/repository`
    pub(crate) repository: String,
    /// The values file.
    pub(crate) path: String,
    /// The difference of the values file.
    pub(crate) values: String,
    /// The difference of what the chart renders to, or why there is none to see.
    pub(crate) manifests: Result<String, String>,
    /// What must hold before it may be merged.
    pub(crate) gates: Vec<Gate>,
    pub(super) application: String,
    pub(super) text: String,
    pub(super) tip: String,
    pub(super) base: String,
}

/// Where the values of a cell are written, and the chart that they are for.
struct Place<'a> {
    chart: Side<'a>,
    values: Side<'a>,
    folder: String,
    files: Vec<String>,
    application: String,
    namespace: String,
}

/// A repository.
struct Side<'a> {
    forge: &'a std::sync::Arc<dyn Forge>,
    repository: RepositoryId,
    full: String,
}

impl<'a> Side<'a> {
    fn of(forges: &'a Forges, full: String) -> Result<Self, PromotionError> {
        let (forge, repository) = located(forges, &full)?;
        Ok(Self { forge, repository, full })
    }

    /// Its branch that is deployed.
    async fn base(&self) -> Result<String, PromotionError> {
        Ok(self.forge.find(&self.repository).await?.default_branch)
    }

    async fn read(&self, revision: &str, path: &str) -> Result<String, PromotionError> {
        let file = self.forge.read(&self.repository, revision, path).await?;
        Ok(String::from_utf8_lossy(&file.bytes).into_owned())
    }
}

impl Place<'_> {
    /// The values file of this environment: the last one wins in Helm, too.
    fn path(&self) -> String {
        let file = self.files.last().map_or("values.yaml", String::as_str);
        match elsewhere(file) {
            Some(path) => path.to_owned(),
            None if self.folder.is_empty() => file.to_owned(),
            None => format!("{}/{file}", self.folder),
        }
    }
}

/// The path of a values file that is not below the chart: `$values/apps/api/values.yaml`.
fn elsewhere(file: &str) -> Option<&str> {
    file.strip_prefix('$').and_then(|rest| rest.split_once('/')).map(|(_, path)| path)
}

/// `host/owner/repository` of a clone URL that Argo CD was told.
fn repository_of(url: &str) -> String {
    let url = url.trim_end_matches('/').trim_end_matches(".git");
    url.split_once("://").map_or(url, |(_, rest)| rest).to_owned()
}

fn place<'a>(forges: &'a Forges, row: &Row, cell: &Cell) -> Result<Place<'a>, PromotionError> {
    let (full, values, folder, files, application, namespace) = match (&cell.declared, &cell.seen) {
        (Some(declared), _) => (
            declared.repository.clone(),
            declared.values_repository.clone(),
            declared.path.clone(),
            declared.value_files.clone(),
            declared.name.clone(),
            declared.namespace.clone(),
        ),
        (None, Some(seen)) => {
            let source = &seen.report.source;
            (
                repository_of(&source.repo_url),
                source.values_url.as_deref().map(repository_of),
                source.path.clone(),
                source.value_files.clone(),
                seen.name.clone(),
                seen.report.destination.1.clone(),
            )
        }
        (None, None) => {
            return refused(format!("nothing of {} is deployed to {}", row.service.reference, cell.environment));
        }
    };
    if files.is_empty() {
        return refused(format!(
            "application {application} names no values file, so there is nothing to change by pull request"
        ));
    }
    let is_elsewhere = files.last().is_some_and(|file| elsewhere(file).is_some());
    let values = match values.filter(|_| is_elsewhere) {
        Some(values) => values,
        None if is_elsewhere => {
            return refused(format!("nobody knows in which repository the values of application {application} are"));
        }
        None => full.clone(),
    };
    let folder = folder.trim_start_matches("./").trim_matches('/').trim_start_matches('.').to_owned();
    let (chart, values) = (Side::of(forges, full)?, Side::of(forges, values)?);
    Ok(Place { chart, values, folder, files, application, namespace })
}

impl Delivery {
    /// What a promotion would be. Nothing changes.
    pub(crate) async fn proposal(
        &self,
        forges: &Forges,
        pipelines: &Pipelines,
        row: &Row,
        environment: &Environment,
        wanted: &NewPromotion,
    ) -> Result<Proposal, PromotionError> {
        let cell = cell(row, &environment.name)?;
        let place = place(forges, row, cell)?;
        let base = place.values.base().await?;
        let tip = place.values.forge.resolve(&place.values.repository, &base).await?;
        let path = place.path();
        let text = place.values.read(&tip, &path).await?;
        let before = named(&text, &path)?;
        let (after, from) = match wanted {
            NewPromotion::From(from) => {
                let source = self::cell(row, from)?;
                (self.runs_in(forges, row, source).await?, Some(from.clone()))
            }
            NewPromotion::Back(revision) => {
                let then = place.values.read(revision, &path).await?;
                (named(&then, &path)?, None)
            }
        };
        if after.tag.is_empty() && after.digest.is_empty() {
            let place = from.as_deref().unwrap_or("that commit");
            return refused(format!(
                "{place} names no image yet, so there is nothing to bring to {}",
                environment.name
            ));
        }
        if after.is_same(&before) {
            return refused(format!("{} has {} already", environment.name, after.label()));
        }
        let new =
            values::with_image(&text, &after).map_err(|error| PromotionError::Refused(format!("{path}: {error}")))?;
        let values = similar::TextDiff::from_lines(&text, &new).unified_diff().context_radius(CONTEXT).to_string();
        let manifests = self.rendered(&place, row.service.reference.name(), &tip, &new).await;
        let source = from.as_deref().and_then(|from| self::cell(row, from).ok());
        let built_in = row.service.repository.as_deref().unwrap_or(&place.chart.full);
        let gates = gate::gates(pipelines, environment, source, built_in, &after, None).await;
        Ok(Proposal {
            environment: environment.name.clone(),
            from,
            before,
            after,
            repository: place.values.full.clone(),
            path,
            values,
            manifests,
            gates,
            application: place.application,
            text: new,
            tip,
            base,
        })
    }

    /// What another text of the values file changes in what the chart renders to.
    async fn rendered(&self, place: &Place<'_>, release: &str, tip: &str, new: &str) -> Result<String, String> {
        let words = |error: PromotionError| error.to_string();
        let chart_tip = if place.chart.full == place.values.full {
            tip.to_owned()
        } else {
            place.chart.base().await.map_err(words)?
        };
        let chart = place.chart.forge.snapshot(&place.chart.repository, &chart_tip, &place.folder, CHART).await;
        let mut chart = chart.map_err(|error| error.to_string())?;
        // Helm is given all values as files of the chart's folder.
        let mut files = place.files.clone();
        for (number, file) in files.iter_mut().enumerate() {
            let Some(path) = elsewhere(file) else { continue };
            let text = place.values.read(tip, path).await.map_err(words)?;
            let name = format!("values-from-elsewhere-{number}.yaml");
            chart.files.push(NewFile::regular(name.clone(), text));
            *file = name;
        }
        let helm = self.helm();
        let rendering = Rendering { helm: &helm, chart: &chart, release, namespace: &place.namespace, values: &files };
        rendering.difference(files.last().map_or("values.yaml", String::as_str), new).await
    }

    /// The version of an environment: the digest that runs, else what its values name.
    async fn runs_in(&self, forges: &Forges, row: &Row, cell: &Cell) -> Result<Version, PromotionError> {
        let place = place(forges, row, cell)?;
        let base = place.values.base().await?;
        let path = place.path();
        let written = named(&place.values.read(&base, &path).await?, &path)?;
        match cell.version() {
            // What runs decides; the values know its tag.
            Some(running) if !running.digest.is_empty() => {
                let tag = if running.digest == written.digest { written.tag } else { running.tag.clone() };
                Ok(Version { tag, ..running.clone() })
            }
            Some(running) if !running.tag.is_empty() && written.digest.is_empty() => Ok(running.clone()),
            _ => Ok(written),
        }
    }

    fn helm(&self) -> PathBuf {
        self.config.helm.clone().unwrap_or_else(on_path)
    }
}

/// Where `helm` is; the bare name where it is nowhere, so that running it says so.
fn on_path() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("helm")).find(|file| file.is_file());
    found.unwrap_or_else(|| PathBuf::from("/nonexistent/helm"))
}

fn named(text: &str, path: &str) -> Result<Version, PromotionError> {
    values::image(text).map_err(|error| PromotionError::Refused(format!("{path}: {error}")))
}
