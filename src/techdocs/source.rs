//! Reading a site from where it is: `mkdocs.yml`, the folder of pages, and the files that pages include.
//!
//! Only the folder that `docs_dir` names is read, so documentation in the root of a large repository costs no more than its
//! pages. Limits: time, number of files, bytes of one file and of all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use url::Url;

use super::config::{NAMES, SiteConfig};
use super::path;
use super::site::{LARGEST_PAGE, Place, Site, SiteFiles, is_page};
use crate::catalog::{LocationRef, ReadError, Reader, TreeFile};
use crate::forge::{FileLocation, FileMode, Forge, LocationKind, LogQuery};
use crate::markdown;

/// How long reading a site may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Most that a site may have.
const MOST_BYTES: usize = 64 * 1024 * 1024;
const MOST_FILES: usize = 5000;
/// Files outside of the folder of pages that are read because pages include them, and how large one may be.
const MOST_BESIDE: usize = 50;
const LARGEST_BESIDE: usize = 1024 * 1024;

/// What a reading gave.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) files: SiteFiles,
    /// The commit, or a hash of the folder.
    pub(super) version: String,
    /// A hash of what counts.
    pub(super) digest: String,
    pub(super) place: Place,
    pub(super) changed_at: Option<DateTime<Utc>>,
    pub(super) problems: Vec<String>,
}

/// Reads a site; `None` if it is still at this version.
pub(super) async fn read(
    reader: &Reader,
    folder: &LocationRef,
    known: Option<&str>,
) -> Result<Option<Reading>, String> {
    match tokio::time::timeout(PATIENCE, read_within(reader, folder, known)).await {
        Ok(read) => read,
        Err(_) => Err(format!("{folder} could not be read within {} s", PATIENCE.as_secs())),
    }
}

async fn read_within(reader: &Reader, folder: &LocationRef, known: Option<&str>) -> Result<Option<Reading>, String> {
    let wrong = |error: ReadError| error.to_string();
    let home = Home::find(reader, folder).await?;
    if let Some(home) = &home
        && known == Some(&*home.commit)
    {
        return Ok(None);
    }
    let base = reader.resolve(&within(folder), "./mkdocs.yml", LocationKind::Blob).map_err(wrong)?;
    let mut problems = Vec::new();
    let config = config(reader, &base).await?;
    let parsed = config.as_deref().map(SiteConfig::parse).unwrap_or_default();
    let tree = reader.read_tree(&base.to_string(), &format!("./{}/", parsed.docs_dir)).await;
    let (files, tree_version) = match tree {
        Ok(tree) => (tree.files, tree.version),
        Err(error) if error.is_not_found() => {
            let readme = if config.is_none() { optional(reader, &base, "./README.md").await? } else { None };
            let Some(readme) = readme else {
                let wanted = if config.is_some() { "" } else { " and no mkdocs.yml" };
                return Err(format!("{folder} has no folder `{}`{wanted}", parsed.docs_dir));
            };
            // What a repository has at least.
            problems.push("there are no docs; the README stands for them".to_owned());
            let file = TreeFile { path: "index.md".to_owned(), mode: FileMode::Regular, bytes: readme };
            let digest = hex::encode(Sha256::digest(&file.bytes));
            (vec![file], digest)
        }
        Err(error) => return Err(error.to_string()),
    };
    let mut files = SiteFiles { config, docs: kept(files, &mut problems), beside: BTreeMap::new() };
    if files.docs.is_empty() {
        return Err(format!("the folder `{}` in {folder} is empty", parsed.docs_dir));
    }
    include(reader, &base, &mut files).await;
    let (version, place, changed_at) = match home {
        Some(home) => (home.commit.clone(), home.place(), home.changed_at(&parsed.docs_dir).await),
        None => (tree_version, Place::default(), None),
    };
    let digest = digest(&files, &place);
    Ok(Some(Reading { files, version, digest, place, changed_at, problems }))
}

/// A folder as something to look from: a file in it, whether that is there or not.
fn within(folder: &LocationRef) -> LocationRef {
    if folder.is_file() {
        LocationRef::new("file", format!("{}/mkdocs.yml", folder.target.trim_end_matches('/')))
    } else {
        folder.clone()
    }
}

async fn config(reader: &Reader, base: &LocationRef) -> Result<Option<String>, String> {
    for name in NAMES {
        if let Some(bytes) = optional(reader, base, &format!("./{name}")).await? {
            return Ok(Some(String::from_utf8_lossy(&bytes).replace('\0', "")));
        }
    }
    Ok(None)
}

async fn optional(reader: &Reader, base: &LocationRef, name: &str) -> Result<Option<Bytes>, String> {
    let location = reader.resolve(base, name, LocationKind::Blob).map_err(|error| error.to_string())?;
    match reader.read(&location).await {
        Ok(read) => Ok(Some(read.bytes)),
        Err(error) if error.is_not_found() || is_no_file(&error) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

fn is_no_file(error: &ReadError) -> bool {
    matches!(error, ReadError::Disk { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
}

/// The files that are taken; of links those to other files of the folder, as if they stood there twice.
fn kept(files: Vec<TreeFile>, problems: &mut Vec<String>) -> BTreeMap<String, Bytes> {
    let mut kept = BTreeMap::new();
    let mut links = Vec::new();
    let (mut total, mut left_out) = (0, 0_usize);
    for file in files {
        if file.mode == FileMode::Symlink {
            links.push(file);
            continue;
        }
        if file.path.contains('\0') || file.path.len() > 1000 {
            continue;
        }
        total += file.bytes.len();
        if file.bytes.len() > LARGEST_PAGE || total > MOST_BYTES || kept.len() >= MOST_FILES {
            total -= file.bytes.len();
            left_out += 1;
            continue;
        }
        kept.insert(file.path, file.bytes);
    }
    for link in links {
        let target = String::from_utf8_lossy(&link.bytes).into_owned();
        let found = path::joined(path::folder(&link.path), &target).filter(|_| !target.starts_with('/'));
        match found.and_then(|path| kept.get(&path).cloned()) {
            Some(bytes) => _ = kept.insert(link.path, bytes),
            None => problems.push(format!("{} is a link to `{target}`, which is not followed", link.path)),
        }
    }
    if left_out > 0 {
        problems.push(format!(
            "{left_out} files are left out: a site has at most {MOST_FILES} files and {} MiB, a file at most {} MiB",
            MOST_BYTES >> 20,
            LARGEST_PAGE >> 20
        ));
    }
    kept
}

/// Reads what pages include from outside of their folder, and what that includes.
async fn include(reader: &Reader, base: &LocationRef, files: &mut SiteFiles) {
    for _ in 0..3 {
        let wanted = missing(files);
        let mut found = false;
        for places in wanted.into_iter().take(MOST_BESIDE.saturating_sub(files.beside.len())) {
            for place in places {
                if let Ok(Some(bytes)) = optional(reader, base, &format!("./{place}")).await
                    && bytes.len() <= LARGEST_BESIDE
                {
                    files.beside.insert(place, bytes);
                    found = true;
                    break;
                }
            }
        }
        if !found {
            return;
        }
    }
}

/// What pages include and is not there yet: each with the places where it may be.
fn missing(files: &SiteFiles) -> Vec<Vec<String>> {
    let texts =
        files.docs.iter().filter(|(path, _)| is_page(path)).map(|(_, bytes)| bytes).chain(files.beside.values());
    let mut names: Vec<String> = texts.flat_map(|bytes| markdown::included(&String::from_utf8_lossy(bytes))).collect();
    names.sort();
    names.dedup();
    names.retain(|name| !path::is_absolute(name));
    if names.is_empty() {
        return Vec::new();
    }
    let site =
        Site::new(SiteFiles { config: files.config.clone(), ..SiteFiles::default() }, String::new(), Place::default());
    let docs = site.config.docs_dir.as_str();
    let is_there = |place: &String| {
        let below = place.strip_prefix(docs).map(|rest| rest.trim_start_matches('/'));
        files.beside.contains_key(place) || below.is_some_and(|below| files.docs.contains_key(below))
    };
    let places = names.iter().map(|name| site.places_of(name).collect::<Vec<_>>());
    places.filter(|places| !places.iter().any(is_there)).collect()
}

fn digest(files: &SiteFiles, place: &Place) -> String {
    let mut hasher = Sha256::new();
    let mut add = |bytes: &[u8]| {
        // Lengths first, so that no two lists of files look alike.
        hasher.update(bytes.len().to_le_bytes());
        hasher.update(bytes);
    };
    add(files.config.as_deref().unwrap_or_default().as_bytes());
    add(format!("{place:?}").as_bytes());
    for (path, bytes) in files.docs.iter().chain(&files.beside) {
        add(path.as_bytes());
        add(bytes);
    }
    hex::encode(&hasher.finalize()[..16])
}

/// The repository that a site is in.
struct Home {
    forge: Arc<dyn Forge>,
    folder: FileLocation,
    commit: String,
}

impl Home {
    async fn find(reader: &Reader, folder: &LocationRef) -> Result<Option<Self>, String> {
        let url = Url::parse(&folder.target).ok().filter(|_| folder.is_url());
        let Some((forge, location)) = url.and_then(|url| reader.locate(&url)) else { return Ok(None) };
        let wrong = |error: crate::forge::ForgeError| error.to_string();
        let location = forge.settle(location).await.map_err(wrong)?;
        let commit = forge.resolve(&location.repository, &location.revision).await.map_err(wrong)?;
        Ok(Some(Self { forge: Arc::clone(forge), folder: location, commit }))
    }

    /// Where files are seen, and edited where the forge has a page for that.
    fn place(&self) -> Place {
        /// Stands for the path.
        const MARK: &str = "MARK";
        let file = FileLocation::blob(self.folder.repository.clone(), self.folder.revision.clone(), MARK);
        let view = self.forge.browse_url(&file).to_string().strip_suffix(MARK).map(str::to_owned);
        let edit = view.as_ref().map(|view| match self.forge.github() {
            Some(_) => view.replacen("/blob/", "/edit/", 1),
            None => view.clone(),
        });
        Place { view, edit, folder: self.folder.path.clone() }
    }

    /// When the pages were last changed.
    async fn changed_at(&self, docs: &str) -> Option<DateTime<Utc>> {
        let path = path::joined(&self.folder.path, docs).filter(|path| !path.is_empty());
        let query = LogQuery { revision: self.commit.clone(), path, skip: 0, limit: 1 };
        let commits = self.forge.log(&self.folder.repository, query).await.ok()?;
        commits.first().map(|commit| commit.committer.time.to_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::ReadingRules;
    use crate::forge::Forges;

    #[tokio::test]
    async fn a_folder_on_disk_is_read_and_not_what_lies_beside_it() {
        let disk = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = disk.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("mkdocs.yml", "site_name: The wrong one\n");
        write("docs/wrong.md", "# Wrong\n");
        write("site/mkdocs.yml", "site_name: Site\ndocs_dir: pages\n");
        write("site/pages/index.md", "# Right\n\n--8<-- \"shared.md\"\n");
        write("site/shared.md", "Shared.\n");
        let reader = Reader::new(Forges::default(), ReadingRules::default());
        for slash in ["", "/"] {
            let folder = LocationRef::new("file", format!("{}/site{slash}", disk.path().display()));
            let read = read(&reader, &folder, None).await.unwrap().expect("nothing was known of it");
            assert_eq!(read.files.config.as_deref(), Some("site_name: Site\ndocs_dir: pages\n"));
            assert_eq!(read.files.docs.keys().collect::<Vec<_>>(), ["index.md"]);
            assert_eq!(read.files.beside.keys().collect::<Vec<_>>(), ["shared.md"]);
        }
        let empty = LocationRef::new("file", disk.path().join("site/pages").display().to_string());
        let error = read(&reader, &empty, None).await.unwrap_err();
        assert!(error.ends_with("has no folder `docs` and no mkdocs.yml"), "{error}");
    }
}
