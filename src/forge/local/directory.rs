//! The folder of bare repositories: `{root}/{owner}/{name}.git`, names in lower case, so that the file system itself
//! refuses two that differ in case only. The case they were created with, and what else is known, stands in the
//! repository's `config` (section `portal`) and `description`.
//!
//! A repository is built in `{root}/.tmp` and renamed into its place: the rename is the moment it exists, and fails if
//! there is one. Deletion renames it back out first. What a killed process left in `.tmp`, and its stale lock files,
//! are removed by the next start, which is sound because one process at a time owns the data directory.
//!
//! Everything here blocks; callers are on a blocking thread.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, SecondsFormat, Utc};
use gix::{bstr::ByteSlice, config::File as ConfigFile};

use super::{durable, name};
use crate::forge::{ForgeError, Missing, NewRepository, Repository, RepositoryId, error::Doing};

/// The section of a repository's `config` with what Git has no place for.
const SECTION: &str = "portal";
/// Most bytes of a repository's `config` and `description` that are read.
const MAX_METADATA_BYTES: u64 = 64 * 1024;

/// The folder of bare repositories.
#[derive(Debug)]
pub(super) struct Directory {
    root: PathBuf,
    /// One lock for each repository that was written to, by its path.
    writers: Mutex<HashMap<PathBuf, Arc<Mutex<()>>>>,
}

impl Directory {
    /// Opens the folder, creating it if needed, and removes what a killed process left half-done.
    pub(super) fn open(root: PathBuf) -> Result<Self, ForgeError> {
        let temporary = root.join(".tmp");
        match fs::remove_dir_all(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::create_dir_all(&temporary),
        }
        .doing(format_args!("prepare the repositories folder {}", root.display()))?;
        Ok(Self { root, writers: Mutex::default() })
    }

    /// Where a repository is or would be.
    fn path(&self, id: &RepositoryId) -> Result<PathBuf, ForgeError> {
        name::check_repository(id)?;
        Ok(self.root.join(id.owner().to_ascii_lowercase()).join(format!("{}.git", id.name().to_ascii_lowercase())))
    }

    fn temporary(&self) -> Result<tempfile::TempDir, ForgeError> {
        tempfile::tempdir_in(self.root.join(".tmp")).doing("create a temporary folder for a repository")
    }

    /// Creates an empty repository.
    pub(super) fn create(&self, new: &NewRepository, now: DateTime<Utc>) -> Result<Repository, ForgeError> {
        let path = self.path(&new.id)?;
        let head = name::branch_reference(&new.default_branch)?;
        if path.exists() {
            return self.marked(new);
        }
        let doing = format!("create repository {}", new.id);
        let temporary = self.temporary()?;
        let building = temporary.path().join("repository");
        write_skeleton(&building, new, head.as_bstr().to_str_lossy().as_ref(), now).doing(&doing)?;
        let owner = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(owner).doing(&doing)?;
        match fs::rename(&building, &path) {
            Err(error) if path.exists() => {
                tracing::debug!(%error, repository = %new.id, "lost the race to create a repository");
                return self.marked(new);
            }
            renamed => renamed.doing(&doing)?,
        }
        durable::sync_folder(owner).and_then(|()| durable::sync_folder(&self.root)).doing(&doing)?;
        self.find(&new.id)
    }

    /// The repository that is there, if it has the same mark.
    fn marked(&self, new: &NewRepository) -> Result<Repository, ForgeError> {
        let there = self.find(&new.id)?;
        let same = new.mark.is_some() && there.mark == new.mark.as_deref().map(one_line);
        if same { Ok(there) } else { Err(ForgeError::AlreadyExists(new.id.clone())) }
    }

    /// What is known of a repository.
    pub(super) fn find(&self, id: &RepositoryId) -> Result<Repository, ForgeError> {
        let path = self.path(id)?;
        if !path.join("HEAD").is_file() {
            return Err(ForgeError::NotFound(Missing::Repository(id.clone())));
        }
        read_metadata(&path, id)
    }

    /// All repositories, or those of one owner, sorted by name. One that cannot be read is left out and logged.
    pub(super) fn list(&self, owner: Option<&str>) -> Result<Vec<Repository>, ForgeError> {
        let owners = match owner {
            Some(owner) => vec![owner.to_ascii_lowercase()],
            None => folder_names(&self.root).doing("list the repositories folder")?,
        };
        let mut found = Vec::new();
        for owner in owners {
            let names = match folder_names(&self.root.join(&owner)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                names => names.doing(format_args!("list the repositories of {owner}"))?,
            };
            for name in names.iter().filter_map(|name| name.strip_suffix(".git")) {
                match RepositoryId::new(&*owner, name).map_err(ForgeError::from).and_then(|id| self.find(&id)) {
                    Ok(repository) => found.push(repository),
                    Err(error) => tracing::warn!(%error, owner, name, "repository left out of the list"),
                }
            }
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }

    /// Removes a repository.
    pub(super) fn delete(&self, id: &RepositoryId) -> Result<(), ForgeError> {
        let path = self.path(id)?;
        let writer = self.writer(&path);
        let _writing = writer.lock().unwrap_or_else(PoisonError::into_inner);
        let doing = format!("delete repository {id}");
        let grave = self.temporary()?;
        match fs::rename(&path, grave.path().join("repository")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ForgeError::NotFound(Missing::Repository(id.clone())));
            }
            renamed => renamed.doing(&doing)?,
        }
        durable::sync_folder(path.parent().unwrap_or(&self.root)).doing(&doing)?;
        grave.close().doing(&doing)
    }

    /// Opens a repository's Git side for reading.
    pub(super) fn git(&self, id: &RepositoryId) -> Result<gix::Repository, ForgeError> {
        open_git(&self.path(id)?, id)
    }

    /// Opens a repository for `work` that writes; one writer at a time.
    pub(super) fn write<T>(
        &self,
        id: &RepositoryId,
        work: impl FnOnce(&gix::Repository) -> Result<T, ForgeError>,
    ) -> Result<T, ForgeError> {
        let path = self.path(id)?;
        let writer = self.writer(&path);
        // The lock guards no data, so a panic while it was held leaves nothing to distrust.
        let _writing = writer.lock().unwrap_or_else(PoisonError::into_inner);
        work(&open_git(&path, id)?)
    }

    fn writer(&self, path: &Path) -> Arc<Mutex<()>> {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(writers.entry(path.to_owned()).or_insert_with(|| {
            // The first writer of this process: a lock file found now is a dead process's.
            remove_locks(&path.join("refs"));
            Arc::default()
        }))
    }
}

/// Opens the bare repository at `path`, with its own configuration only.
fn open_git(path: &Path, id: &RepositoryId) -> Result<gix::Repository, ForgeError> {
    if !path.join("HEAD").is_file() {
        return Err(ForgeError::NotFound(Missing::Repository(id.clone())));
    }
    let options = gix::open::Options::isolated().open_path_as_is(true).with(gix::sec::Trust::Full);
    gix::open_opts(path, options).doing(format_args!("open repository {id}"))
}

/// Writes the files of an empty bare repository (gitrepository-layout(5)); hooks are left out.
fn write_skeleton(path: &Path, new: &NewRepository, head: &str, now: DateTime<Utc>) -> io::Result<()> {
    for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info"] {
        fs::create_dir_all(path.join(folder))?;
    }
    let config = config_text(new, now).map_err(io::Error::other)?;
    durable::write_file(&path.join("config"), &config)?;
    durable::write_file(&path.join("description"), one_line(&new.description).as_bytes())?;
    durable::write_file(&path.join("HEAD"), format!("ref: {head}\n").as_bytes())?;
    durable::sync_folder(path)
}

fn config_text(new: &NewRepository, now: DateTime<Utc>) -> gix::Result<Vec<u8>> {
    let created_at = now.to_rfc3339_opts(SecondsFormat::Millis, true);
    let mut values = vec![
        ("core", "repositoryformatversion", "0"),
        ("core", "filemode", "true"),
        ("core", "bare", "true"),
        (SECTION, "owner", new.id.owner()),
        (SECTION, "name", new.id.name()),
        (SECTION, "visibility", new.visibility.as_str()),
        (SECTION, "createdAt", &created_at),
    ];
    let created_by = new.created_by.as_deref().map(one_line);
    values.extend(created_by.as_deref().map(|who| (SECTION, "createdBy", who)));
    let mark = new.mark.as_deref().map(one_line);
    values.extend(mark.as_deref().map(|mark| (SECTION, "mark", mark)));
    let mut config = ConfigFile::default();
    for (section, key, value) in values {
        config.set_raw_value_by(section, None, key, value)?;
    }
    Ok(config.to_bstring().into())
}

fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Reads what [`write_skeleton`] wrote; of a repository that came from elsewhere, what there is.
fn read_metadata(path: &Path, asked: &RepositoryId) -> Result<Repository, ForgeError> {
    let doing = format!("read the metadata of repository {asked}");
    let config = read_bounded(&path.join("config")).doing(&doing)?;
    let config = ConfigFile::try_from(config.as_str()).doing(&doing)?;
    let value = |key: &str| -> Option<String> {
        config.string_by(SECTION, None, key).map(|value| value.to_str_lossy().into_owned())
    };
    let head = read_bounded(&path.join("HEAD")).doing(&doing)?;
    let default_branch = head.trim_end().strip_prefix("ref: refs/heads/").unwrap_or("main");
    let description = read_bounded(&path.join("description")).unwrap_or_default();
    let created_at = value("createdAt").and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
    let named = value("owner").zip(value("name")).and_then(|(owner, name)| RepositoryId::new(owner, name).ok());
    Ok(Repository {
        // A folder renamed by hand has another name than its configuration says: the folder is what is served.
        id: named.filter(|id| id.to_string().eq_ignore_ascii_case(&asked.to_string())).unwrap_or_else(|| asked.clone()),
        description: description
            .trim()
            .strip_prefix("Unnamed repository;")
            .map_or(description.trim(), |_| "")
            .to_owned(),
        default_branch: default_branch.to_owned(),
        visibility: value("visibility").and_then(|text| text.parse().ok()).unwrap_or_default(),
        created_at: created_at.map(|time| time.to_utc()),
        created_by: value("createdBy"),
        mark: value("mark"),
    })
}

fn read_bounded(path: &Path) -> io::Result<String> {
    use io::Read as _;
    let mut text = String::new();
    fs::File::open(path)?.take(MAX_METADATA_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// The names of the folders in `path` that are not hidden, sorted.
fn folder_names(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str().filter(|name| !name.starts_with('.'))
            && entry.file_type()?.is_dir()
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Removes `*.lock` below `folder`, as far as it can be read.
fn remove_locks(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_locks(&path);
        } else if path.extension().is_some_and(|extension| extension == "lock") {
            let removed = fs::remove_file(&path);
            tracing::warn!(path = %path.display(), ?removed, "removed a lock file that a killed process left");
        }
    }
}
