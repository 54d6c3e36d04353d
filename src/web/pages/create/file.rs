//! One file of a plan.

use askama::Template;

use crate::forge::FileMode;
use crate::scaffolder::PlannedFile;
use crate::web::pages::shown;

/// More lines of one file than this are not shown: the page stays small.
const LINES_SHOWN: usize = 1500;
/// And no more bytes than this.
const BYTES_SHOWN: usize = 60_000;

/// One file's content.
#[derive(Template)]
#[template(path = "create/file.html")]
pub(crate) struct FileView {
    pub(crate) path: String,
    pub(crate) size: String,
    pub(crate) executable: bool,
    pub(crate) body: FileBody,
    /// Only the beginning is shown.
    pub(crate) cut: bool,
}

impl askama::filters::HtmlSafe for FileView {}

/// What a file holds.
pub(crate) enum FileBody {
    Text(Vec<String>),
    Empty,
    Link(String),
    Binary,
}

impl FileView {
    /// A file of a plan.
    pub(crate) fn of(file: &PlannedFile) -> Self {
        let (is_executable, is_link) = (file.mode == FileMode::Executable, file.mode == FileMode::Symlink);
        Self::new(&file.path, &file.content, is_executable, is_link)
    }

    /// A file by its bytes.
    pub(crate) fn new(path: &str, bytes: &[u8], executable: bool, symlink: bool) -> Self {
        let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
        let mut cut = false;
        let body = match text {
            Some("") => FileBody::Empty,
            Some(target) if symlink => FileBody::Link(target.to_owned()),
            Some(text) => {
                let mut lines = Vec::new();
                let mut bytes = 0;
                for line in text.lines() {
                    bytes += line.len();
                    if lines.len() == LINES_SHOWN || bytes > BYTES_SHOWN {
                        cut = true;
                        break;
                    }
                    lines.push(line.to_owned());
                }
                FileBody::Text(lines)
            }
            None => FileBody::Binary,
        };
        Self { path: path.to_owned(), size: shown::size(bytes.len() as u64), executable, body, cut }
    }
}
