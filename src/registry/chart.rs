//! Helm charts as OCI artifacts, packed as `helm package` does it and pushed as `helm push` does.
//!
//! The archive of the same files is the same bytes every time, so that a chart which is there already is told by its
//! digest. Formats: <https://helm.sh/docs/topics/registries/>, <https://helm.sh/docs/topics/charts/>.

use std::path::Path;

use std::collections::BTreeMap;
use std::io::Write as _;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use flate2::{Compression, GzBuilder};
use globset::{GlobBuilder, GlobMatcher};
use oci_client::annotations::{
    ORG_OPENCONTAINERS_IMAGE_CREATED, ORG_OPENCONTAINERS_IMAGE_DESCRIPTION, ORG_OPENCONTAINERS_IMAGE_TITLE,
    ORG_OPENCONTAINERS_IMAGE_VERSION,
};
use serde_json::Value;

use super::artifact::Artifact;
use super::image::digest_of;
use super::{ImageName, Pushed, Registry, RegistryError};
use crate::yaml;

/// The configuration of a chart: its `Chart.yaml` as JSON.
pub(super) const CONFIG_TYPE: &str = "application/vnd.cncf.helm.config.v1+json";
/// Its archive.
pub(super) const LAYER_TYPE: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// Largest chart, before it is packed.
const LARGEST: usize = 20 << 20;
/// What Helm leaves out without being told.
const ALWAYS_LEFT_OUT: &str = "templates/.?*";

/// Why a folder is no chart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ChartError(String);

/// A chart that can be pushed.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    name: String,
    version: String,
    description: Option<String>,
    config: Bytes,
    archive: Bytes,
}

/// A line of `.helmignore`.
struct Pattern {
    glob: GlobMatcher,
    negated: bool,
    folders: bool,
    /// Whether it is about the whole path, and not the last part of it.
    whole: bool,
}

impl Chart {
    /// Packs the files of a chart's folder: path in it, content, and whether it can be executed.
    pub(crate) fn pack<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8], bool)>) -> Result<Self, ChartError> {
        let mut files: BTreeMap<&str, (&[u8], bool)> =
            files.into_iter().map(|(path, bytes, executable)| (path, (bytes, executable))).collect();
        let Some((written, _)) = files.get("Chart.yaml") else {
            return Err(ChartError("there is no Chart.yaml in the folder; is it the chart's own?".to_owned()));
        };
        let chart = read(written)?;
        let text = |key: &str| chart.get(key).and_then(Value::as_str);
        let name = text("name").filter(|name| is_name(name)).ok_or_else(|| {
            ChartError("Chart.yaml: `name` is missing, or has other than letters, digits, . _ -".to_owned())
        })?;
        let version = text("version").filter(|version| is_version(version)).ok_or_else(|| {
            ChartError(
                "Chart.yaml: `version` is missing, or not as in 1.2.3 (in quotes, if YAML takes it for a number)"
                    .to_owned(),
            )
        })?;
        if !matches!(text("apiVersion"), Some("v1" | "v2")) {
            return Err(ChartError("Chart.yaml: `apiVersion` is neither v1 nor v2".to_owned()));
        }
        let ignored = patterns(files.get(".helmignore").map(|(bytes, _)| *bytes).unwrap_or_default())?;
        files.retain(|path, _| *path == "Chart.yaml" || !is_left_out(&ignored, path));
        for dependency in chart.get("dependencies").and_then(Value::as_array).into_iter().flatten() {
            let wanted = dependency.get("name").and_then(Value::as_str).unwrap_or_default();
            let is_it = |path: &str| {
                let inside = path.strip_prefix("charts/").and_then(|rest| rest.strip_prefix(wanted));
                inside.is_some_and(|rest| {
                    rest.starts_with('/')
                        || (rest.starts_with('-') && Path::new(rest).extension().is_some_and(|it| it == "tgz"))
                })
            };
            if !files.keys().any(|path| is_it(path)) {
                return Err(ChartError(format!(
                    "Chart.yaml: the dependency `{wanted}` is not in charts/; put it there, as `helm dependency update` does"
                )));
            }
        }
        let total: usize = files.values().map(|(bytes, _)| bytes.len()).sum();
        if total > LARGEST {
            return Err(ChartError(format!("the chart has {total} bytes; at most {LARGEST} are packed")));
        }
        let archive =
            archive(name, &files).map_err(|error| ChartError(format!("the chart cannot be packed: {error}")))?;
        Ok(Self {
            name: name.to_owned(),
            version: version.to_owned(),
            description: text("description").map(str::to_owned),
            config: chart.to_string().into(),
            archive: archive.into(),
        })
    }

    /// What `Chart.yaml` calls it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its version.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// The tag of its version: `+` is none of a tag's letters, and Helm writes `_` for it.
    pub(crate) fn tag(&self) -> String {
        self.version.replace('+', "_")
    }

    /// `sha256:…` of the archive.
    pub(crate) fn content_digest(&self) -> String {
        digest_of(&self.archive)
    }
}

impl Registry {
    /// Pushes a chart below a path; `at` is when it was packed.
    pub(crate) async fn push_chart(
        &self,
        image: &ImageName,
        chart: &Chart,
        at: DateTime<Utc>,
    ) -> Result<Pushed, RegistryError> {
        let mut annotations = BTreeMap::from([
            (ORG_OPENCONTAINERS_IMAGE_CREATED.to_owned(), at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            (ORG_OPENCONTAINERS_IMAGE_TITLE.to_owned(), chart.name.clone()),
            (ORG_OPENCONTAINERS_IMAGE_VERSION.to_owned(), chart.version.clone()),
        ]);
        if let Some(description) = &chart.description {
            annotations.insert(ORG_OPENCONTAINERS_IMAGE_DESCRIPTION.to_owned(), description.clone());
        }
        let artifact = Artifact {
            config: (CONFIG_TYPE, chart.config.clone()),
            layer: (LAYER_TYPE, chart.archive.clone()),
            annotations,
        };
        self.push(image, &chart.tag(), &artifact).await
    }
}

fn read(bytes: &[u8]) -> Result<Value, ChartError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ChartError("Chart.yaml is not UTF-8".to_owned()))?;
    match yaml::documents(text).into_iter().next() {
        Some(Ok(document)) if document.value.is_object() => Ok(document.value),
        Some(Err(error)) => Err(ChartError(format!("Chart.yaml: {error}"))),
        _ => Err(ChartError("Chart.yaml has no keys".to_owned())),
    }
}

fn is_name(name: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    !name.is_empty()
        && name.len() <= 250
        && name.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && name.chars().all(fits)
}

/// Whether a text is a version of Semantic Versioning 2.0.
fn is_version(text: &str) -> bool {
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    let (numbers, pre) = rest.split_once('-').map_or((rest, None), |(numbers, pre)| (numbers, Some(pre)));
    let is_number = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    let is_word =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    numbers.split('.').count() == 3
        && numbers.split('.').all(is_number)
        && pre.is_none_or(|pre| pre.split('.').all(is_word))
        && build.is_none_or(|build| build.split('.').all(is_word))
}

/// The lines of `.helmignore`, after what Helm always leaves out.
fn patterns(text: &[u8]) -> Result<Vec<Pattern>, ChartError> {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.chain([ALWAYS_LEFT_OUT]).map(pattern).collect()
}

fn pattern(line: &str) -> Result<Pattern, ChartError> {
    if line.contains("**") {
        return Err(ChartError(format!(".helmignore: `{line}` has **, which Helm does not know")));
    }
    let (line, negated) = line.strip_prefix('!').map_or((line, false), |rest| (rest, true));
    let (line, folders) = line.strip_suffix('/').map_or((line, false), |rest| (rest, true));
    let (glob, whole) = line.strip_prefix('/').map_or((line, line.contains('/')), |rest| (rest, true));
    let glob = GlobBuilder::new(glob).literal_separator(true).build();
    let glob = glob.map_err(|error| ChartError(format!(".helmignore: `{line}` cannot be read: {error}")))?;
    Ok(Pattern { glob: glob.compile_matcher(), negated, folders, whole })
}

/// Whether the file or a folder that it is in is left out: Helm does not look into those.
fn is_left_out(patterns: &[Pattern], path: &str) -> bool {
    let folders = path.match_indices('/').map(|(at, _)| (&path[..at], true));
    folders.chain([(path, false)]).any(|(path, is_folder)| {
        let matches = |pattern: &Pattern| {
            let subject = if pattern.whole { path } else { path.rsplit('/').next().unwrap_or(path) };
            pattern.glob.is_match(subject)
        };
        patterns.iter().any(|pattern| match (pattern.negated, pattern.folders && !is_folder) {
            // A negated line leaves out whatever is not as it says: that is Helm's way.
            (true, is_wrong_kind) => is_wrong_kind || !matches(pattern),
            (false, is_wrong_kind) => !is_wrong_kind && matches(pattern),
        })
    })
}

/// The files in a folder of the chart's name, `Chart.yaml` first.
fn archive(name: &str, files: &BTreeMap<&str, (&[u8], bool)>) -> std::io::Result<Vec<u8>> {
    let gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let mut tar = tar::Builder::new(gzip);
    let first = files.get_key_value("Chart.yaml");
    for (path, (bytes, executable)) in first.into_iter().chain(files.iter().filter(|(path, _)| **path != "Chart.yaml"))
    {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(if *executable { 0o755 } else { 0o644 });
        header.set_mtime(0);
        tar.append_data(&mut header, format!("{name}/{path}"), *bytes)?;
    }
    let mut gzip = tar.into_inner()?;
    gzip.flush()?;
    gzip.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHART: &str = "apiVersion: v2\nname: web\nversion: 1.2.3\n";

    fn pack(files: &[(&str, &str)]) -> Result<Chart, String> {
        Chart::pack(files.iter().map(|(path, text)| (*path, text.as_bytes(), false))).map_err(|error| error.to_string())
    }

    fn packed(chart: &Chart) -> Vec<String> {
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&chart.archive[..]));
        tar.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect()
    }

    #[test]
    fn a_chart_is_packed_as_helm_does_and_always_to_the_same_bytes() {
        let files = [
            ("values.yaml", "a: 1"),
            ("Chart.yaml", CHART),
            ("templates/.hidden.yaml", ""),
            ("templates/web.yaml", "x"),
            (".helmignore", "# editors\n*.swp\n/ci/\n.git\n"),
            ("a.swp", ""),
            ("ci/values.yaml", ""),
            ("docs/ci/kept.md", ""),
            (".git/HEAD", ""),
        ];
        let chart = pack(&files).unwrap();
        assert_eq!((chart.name(), chart.version()), ("web", "1.2.3"));
        assert_eq!(
            packed(&chart),
            ["web/Chart.yaml", "web/.helmignore", "web/docs/ci/kept.md", "web/templates/web.yaml", "web/values.yaml"]
        );
        let mut turned = files;
        turned.reverse();
        assert_eq!(pack(&turned).unwrap().content_digest(), chart.content_digest());
        assert_eq!(serde_json::from_slice::<Value>(&chart.config).unwrap()["name"], "web");
    }

    #[test]
    fn what_is_no_chart_is_told() {
        let with = |text: &str| pack(&[("Chart.yaml", text)]).unwrap_err();
        let cases = [
            (pack(&[("values.yaml", "")]).unwrap_err(), "there is no Chart.yaml"),
            (with("apiVersion: v2\nname: web\nversion: 1.2\n"), "`version`"),
            (with("apiVersion: v2\nname: a b\nversion: 1.2.3\n"), "`name`"),
            (with("name: web\nversion: 1.2.3\n"), "`apiVersion`"),
            (with("a: [\n"), "Chart.yaml: "),
            (with("- a"), "has no keys"),
            (with(&format!("{CHART}dependencies:\n  - name: redis\n")), "dependency `redis`"),
            (pack(&[("Chart.yaml", CHART), (".helmignore", "a/**/b")]).unwrap_err(), "`a/**/b`"),
        ];
        for (told, expected) in cases {
            assert!(told.contains(expected), "{told}: {expected}");
        }
        let with_dependency = format!("{CHART}dependencies:\n  - name: redis\n");
        assert!(pack(&[("Chart.yaml", &with_dependency), ("charts/redis-1.0.0.tgz", "")]).is_ok());
    }

    #[test]
    fn versions_are_those_of_semantic_versioning() {
        let cases = [
            ("1.2.3", true),
            ("0.1.0-rc.1+build.5", true),
            ("1.0.0-alpha-1", true),
            ("1.2", false),
            ("v1.2.3", false),
            ("01.2.3", false),
            ("1.2.3-", false),
            ("1.2.3+", false),
            ("1.2.x", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_version(text), expected, "{text}");
        }
    }
}
