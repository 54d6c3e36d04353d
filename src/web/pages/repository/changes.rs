//! What differs between two states of a repository, file by file.

use askama::Template;

use super::{Head, raw};
use crate::forge::{Change, ChangeSide, EntryKind, Forge as _, ForgeError, LocalForge};
use crate::web::error::Error;
use crate::web::pages::diff::Diff;
use crate::web::pages::shown;
use crate::web::url as link;

/// Files whose lines are compared; the others are only named.
const COMPARED: usize = 60;
/// Lines of all files together.
const LINES: usize = 2500;

/// The changed files.
#[derive(Template)]
#[template(path = "repository/changes.html")]
pub(super) struct Changed {
    files: Vec<FileChange>,
    summary: String,
}

impl askama::filters::HtmlSafe for Changed {}

struct FileChange {
    path: String,
    /// The file as it is afterwards.
    link: Option<String>,
    word: &'static str,
    hue: &'static str,
    diff: Option<Diff>,
    open: bool,
}

impl Changed {
    /// Compares the lines of what changed; links lead to the files at `commit`.
    pub(super) async fn load(forge: &LocalForge, head: &Head, commit: &str, changes: &[Change]) -> Result<Self, Error> {
        let mut left = LINES;
        let mut files = Vec::new();
        for (index, change) in changes.iter().enumerate() {
            let diff = if index < COMPARED { compare(forge, head, change).await? } else { None };
            let lines = diff.as_ref().map_or(0, |diff| diff.lines.len());
            let open = lines <= left;
            left = left.saturating_sub(lines);
            let (word, hue) = match (&change.old, &change.new) {
                (None, _) => ("added", "green"),
                (_, None) => ("deleted", "red"),
                _ => ("changed", "blue"),
            };
            let file = change.new.as_ref().filter(|side| matches!(side.kind, EntryKind::File(_)));
            files.push(FileChange {
                path: change.path.clone(),
                link: file.map(|_| link::blob(head.id.owner(), head.id.name(), commit, &change.path)),
                word,
                hue,
                diff: diff.filter(|_| open),
                open: index < 30,
            });
        }
        let sum = |of: fn(&Diff) -> usize| files.iter().filter_map(|file| file.diff.as_ref()).map(of).sum::<usize>();
        let summary = format!(
            "{}, {} added, {} removed",
            shown::count(files.len(), "file", "files"),
            sum(|it| it.added),
            sum(|it| it.removed)
        );
        Ok(Self { files, summary })
    }
}

/// The line differences of a changed path; none for what is no text, or too large.
async fn compare(forge: &LocalForge, head: &Head, change: &Change) -> Result<Option<Diff>, Error> {
    let (old, new) = (text(forge, head, change.old.as_ref()).await?, text(forge, head, change.new.as_ref()).await?);
    let (Some(old), Some(new)) = (old, new) else { return Ok(None) };
    Ok(Diff::new(change.path.as_str(), &old, &new))
}

async fn text(forge: &LocalForge, head: &Head, side: Option<&ChangeSide>) -> Result<Option<String>, Error> {
    let Some(side) = side else { return Ok(Some(String::new())) };
    if !matches!(side.kind, EntryKind::File(_)) {
        return Ok(None);
    }
    match forge.blob(&head.id, &side.object_id).await {
        Ok(bytes) => Ok(raw::text_of(&bytes).map(str::to_owned)),
        Err(ForgeError::TooLarge { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
