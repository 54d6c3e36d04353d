//! Pull requests of a local repository: `pulls/{number}.json` beside Git's own files, and how each ends.
//!
//! A merge moves the base first and writes how the pull request ended then. A process killed in between leaves one open
//! whose base has its changes already: merging it again finds nothing to add, and only writes the end. What an ended
//! one proposed stays reachable under `refs/pull/{number}/head`, as GitHub names it.

use std::{fs, io, path::PathBuf};

use chrono::{DateTime, Utc};
use gix::{ObjectId, refs::FullName};

use super::{durable, name, object::NewObjects, read::Reader, write};
use crate::forge::{
    Ending, ForgeError, MergeMethod, Missing, NameError, NewMerge, NewPullRequest, PullRequest, error::Doing,
};

const FOLDER: &str = "pulls";
/// Longest title and description.
const MAX_TITLE_BYTES: usize = 256;
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Largest file of one pull request that is read: JSON makes the texts longer.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

impl Reader<'_> {
    /// All pull requests, newest first.
    pub(super) fn pull_requests(&self) -> Result<Vec<PullRequest>, ForgeError> {
        let mut numbers = self.pull_numbers()?;
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        numbers.into_iter().map(|number| self.pull_request(number)).collect()
    }

    /// One pull request.
    pub(super) fn pull_request(&self, number: u64) -> Result<PullRequest, ForgeError> {
        use io::Read as _;
        let doing = || format!("read pull request #{number} of {}", self.id);
        let file = match fs::File::open(self.pulls().join(format!("{number}.json"))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let missing = Missing::PullRequest { repository: self.id.clone(), number };
                return Err(ForgeError::NotFound(missing));
            }
            file => file.doing(doing())?,
        };
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).doing(doing())?;
        serde_json::from_slice(&bytes).map_err(io::Error::from).doing(doing())
    }

    fn pulls(&self) -> PathBuf {
        self.git.git_dir().join(FOLDER)
    }

    fn pull_numbers(&self) -> Result<Vec<u64>, ForgeError> {
        let doing = || format!("list the pull requests of {}", self.id);
        let entries = match fs::read_dir(self.pulls()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.doing(doing())?,
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry.doing(doing())?.file_name();
            let number: Option<u64> =
                name.to_str().and_then(|name| name.strip_suffix(".json")).and_then(|name| name.parse().ok());
            numbers.extend(number);
        }
        Ok(numbers)
    }

    fn store_pull(&self, pull: &PullRequest) -> Result<(), ForgeError> {
        let doing = || format!("write pull request #{} of {}", pull.number, self.id);
        let (folder, name) = (self.pulls(), format!("{}.json", pull.number));
        if !folder.is_dir() {
            fs::create_dir_all(&folder).and_then(|()| durable::sync_folder(self.git.git_dir())).doing(doing())?;
        }
        let written = durable::write_named(&folder, |out| {
            serde_json::to_writer_pretty(out, pull)?;
            Ok((name, ()))
        });
        written.and_then(|()| durable::sync_folder(&folder)).doing(doing())
    }

    fn branch(&self, branch: &str) -> Result<(FullName, ObjectId), ForgeError> {
        let reference = name::branch_reference(branch)?;
        let tip = self.commit_id(&reference.to_string())?;
        Ok((reference, tip))
    }
}

/// Opens a pull request. The caller holds the repository's writer lock, here and below.
pub(super) fn propose(
    reader: &Reader<'_>,
    new: &NewPullRequest,
    now: DateTime<Utc>,
) -> Result<PullRequest, ForgeError> {
    check(new)?;
    let ((_, base), (_, head)) = (reader.branch(&new.base)?, reader.branch(&new.head)?);
    if reader.ahead(base, head, 1)?.is_empty() {
        let told = format!("`{}` has no commit that `{}` has not; commit to it first", new.head, new.base);
        return Err(ForgeError::Refused(told));
    }
    let known = reader.pull_requests()?;
    if let Some(open) = known.iter().find(|pull| pull.is_open() && pull.head == new.head && pull.base == new.base) {
        let told = format!("pull request #{} from `{}` into `{}` is open already", open.number, new.head, new.base);
        return Err(ForgeError::Refused(told));
    }
    let pull = PullRequest {
        number: known.first().map_or(1, |newest| newest.number + 1),
        title: new.title.trim().to_owned(),
        body: new.body.trim().to_owned(),
        head: new.head.clone(),
        base: new.base.clone(),
        draft: new.draft,
        created_by: new.created_by.clone(),
        created_at: now,
        end: None,
    };
    reader.store_pull(&pull)?;
    Ok(pull)
}

fn check(new: &NewPullRequest) -> Result<(), ForgeError> {
    let title = new.title.trim();
    let rule = if title.is_empty() {
        "is empty; say what changes"
    } else if title.len() > MAX_TITLE_BYTES || title.chars().any(char::is_control) {
        "is longer than 256 bytes, or has several lines; shorten it"
    } else if new.body.len() > MAX_BODY_BYTES {
        return Err(NameError::new("description", &new.body, "is longer than 64 KiB; shorten it").into());
    } else {
        return Ok(());
    };
    Err(NameError::new("pull request title", title, rule).into())
}

/// Takes the draft's mark off.
pub(super) fn ready(reader: &Reader<'_>, number: u64) -> Result<PullRequest, ForgeError> {
    let pull = PullRequest { draft: false, ..reader.pull_request(number)? };
    reader.store_pull(&pull)?;
    Ok(pull)
}

/// Brings the changes into the base.
pub(super) fn merge(
    reader: &Reader<'_>,
    number: u64,
    merge: &NewMerge,
    now: DateTime<Utc>,
) -> Result<PullRequest, ForgeError> {
    let pull = reader.pull_request(number)?;
    let refuse = |why: String| Err(ForgeError::Refused(format!("pull request #{number} cannot be merged: {why}")));
    if pull.is_merged() {
        return Ok(pull);
    }
    if !pull.is_open() {
        return refuse("it was closed; open a new one".to_owned());
    }
    if pull.draft {
        return refuse("it is a draft; mark it as ready first".to_owned());
    }
    let ((reference, base), (head_reference, head)) = (reader.branch(&pull.base)?, reader.branch(&pull.head)?);
    let tip = head.to_string();
    if let Some(seen) = merge.seen.as_ref().filter(|seen| **seen != tip) {
        let (branch, expected, found) = (pull.head, Some(seen.clone()), Some(tip));
        return Err(ForgeError::Conflict { branch, expected, found });
    }
    let common = reader.common(base, head)?;
    let merged = reader.merged(common, base, head)?;
    if !merged.conflicts.is_empty() {
        let paths = merged.conflicts.join(", ");
        return refuse(format!(
            "`{}` and `{}` changed {paths} in ways that do not go together; commit to `{}` what both should become",
            pull.head, pull.base, pull.head
        ));
    }
    let landed = if merged.tree == reader.tree(base)? {
        base.to_string()
    } else {
        let mut objects = NewObjects::new(reader.git);
        for (kind, data) in merged.objects {
            objects.add(kind, data.into())?;
        }
        let (parents, message) = match merge.method {
            MergeMethod::Merge => {
                (vec![base, head], format!("Merge pull request #{number} from {}\n\n{}", pull.head, pull.title))
            }
            MergeMethod::Squash => (vec![base], format!("{} (#{number})\n\n{}", pull.title, pull.body)),
        };
        let message = message.trim_end();
        let finished =
            write::Finished { tree: merged.tree, parents, message, author: &merge.who, committer: &merge.who };
        write::land(reader, objects, &reference, Some(base), finished)?.id
    };
    let common = common.unwrap_or(base).to_string();
    let end = Ending { merged: Some(landed), by: merge.by.clone(), at: now, between: Some((common, head.to_string())) };
    let pull = finish(reader, pull, end, Some(head))?;
    if merge.delete_branch {
        write::remove(reader, &head_reference, head)?;
    }
    Ok(pull)
}

/// Ends a pull request without its changes.
pub(super) fn close(
    reader: &Reader<'_>,
    number: u64,
    by: Option<String>,
    now: DateTime<Utc>,
) -> Result<PullRequest, ForgeError> {
    let pull = reader.pull_request(number)?;
    if !pull.is_open() {
        return Ok(pull);
    }
    // Either branch may be gone.
    let tips = match (reader.branch(&pull.base), reader.branch(&pull.head)) {
        (Ok((_, base)), Ok((_, head))) => Some((base, head)),
        _ => None,
    };
    let between = match tips {
        Some((base, head)) => Some((reader.common(base, head)?.unwrap_or(base).to_string(), head.to_string())),
        None => None,
    };
    finish(reader, pull, Ending { merged: None, by, at: now, between }, tips.map(|(_, head)| head))
}

fn finish(
    reader: &Reader<'_>,
    pull: PullRequest,
    end: Ending,
    head: Option<ObjectId>,
) -> Result<PullRequest, ForgeError> {
    if let Some(head) = head {
        let name = format!("refs/pull/{}/head", pull.number);
        if reader.reference(&name)?.is_none() {
            let name = FullName::try_from(name).map_err(io::Error::other).doing("name a pull request's branch")?;
            write::point(reader, &name, None, head)?;
        }
    }
    let pull = PullRequest { end: Some(end), ..pull };
    reader.store_pull(&pull)?;
    Ok(pull)
}

/// Removes a branch that is at `tip`.
pub(super) fn delete_branch(reader: &Reader<'_>, branch: &str, tip: &str) -> Result<(), ForgeError> {
    let (reference, found) = reader.branch(branch)?;
    let at = found.to_string();
    if at != tip {
        let (expected, found) = (Some(tip.to_owned()), Some(at));
        return Err(ForgeError::Conflict { branch: branch.to_owned(), expected, found });
    }
    write::remove(reader, &reference, found)
}
