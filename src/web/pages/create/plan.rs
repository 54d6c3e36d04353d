//! The plan: what a run would do, with every file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use askama::Template;

use super::form::Step;
use crate::web::page::Chrome;
use crate::web::pages::shown;

/// More lines of one file than this are not shown: the page stays small.
const LINES_SHOWN: usize = 1500;
/// And no more bytes than this.
const BYTES_SHOWN: usize = 60_000;

/// The plan.
#[derive(Template)]
#[template(path = "create/plan.html")]
pub(crate) struct PlanPage {
    pub(crate) chrome: Chrome,
    pub(crate) crumbs: Vec<(String, String)>,
    pub(crate) template_title: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) problems: Vec<String>,
    pub(crate) conflicts: usize,
    pub(crate) warnings: Vec<String>,
    pub(crate) groups: Vec<EffectGroup>,
    pub(crate) effects_total: usize,
    pub(crate) answers: Vec<(String, String)>,
    pub(crate) log: Vec<String>,
    /// `31 files, 42.1 kB`
    pub(crate) files_text: String,
    /// The tree as nested lists; built by [`tree`].
    pub(crate) tree: String,
    pub(crate) file: Option<FileView>,
    pub(crate) back: String,
    pub(crate) back_label: String,
    pub(crate) create_label: String,
    /// Conflicts or problems forbid to go on.
    pub(crate) blocked: bool,
    pub(crate) action: String,
}

/// Effects of one kind.
pub(crate) struct EffectGroup {
    pub(crate) title: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) effects: Vec<EffectLine>,
}

/// One effect.
pub(crate) struct EffectLine {
    pub(crate) sentence: String,
    pub(crate) step: String,
    pub(crate) conflict: Option<String>,
}

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

/// One file of the tree.
pub(crate) struct TreeFile {
    pub(crate) path: String,
    pub(crate) link: String,
    pub(crate) size: u64,
    pub(crate) executable: bool,
    pub(crate) current: bool,
}

#[derive(Default)]
struct Folder<'a> {
    folders: BTreeMap<&'a str, Folder<'a>>,
    files: Vec<(&'a str, &'a TreeFile)>,
}

/// The files as nested lists, folders first and open.
pub(crate) fn tree(files: &[TreeFile]) -> String {
    let mut root = Folder::default();
    for file in files {
        let mut folder = &mut root;
        let mut parts = file.path.split('/').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                folder.files.push((part, file));
            } else {
                folder = folder.folders.entry(part).or_default();
            }
        }
    }
    root.files.sort_by_key(|(name, _)| *name);
    let mut html = String::new();
    write_folder(&mut html, &root, true);
    html
}

fn write_folder(html: &mut String, folder: &Folder<'_>, root: bool) {
    if root && folder.folders.is_empty() && folder.files.is_empty() {
        return;
    }
    html.push_str(if root { "<ul class=\"tree\">" } else { "<ul>" });
    for (name, inner) in &folder.folders {
        let (mut name, mut inner) = ((*name).to_owned(), inner);
        // A folder with nothing but one folder shares its line.
        while inner.files.is_empty() && inner.folders.len() == 1 {
            let Some((next, deeper)) = inner.folders.iter().next() else { break };
            name = format!("{name}/{next}");
            inner = deeper;
        }
        let line = format!("<li><details open><summary class=\"tree__folder\">{}<span>{}</span></summary>", icon("folder"), escaped(&name));
        html.push_str(&line);
        write_folder(html, inner, false);
        html.push_str("</details></li>");
    }
    for (name, file) in &folder.files {
        let current = if file.current { " aria-current=\"true\"" } else { "" };
        let mark = if file.executable { "<span class=\"tree__size\">exec</span>" } else { "" };
        let line = format!(
            "<li><a class=\"tree__file\" href=\"{}\"{current}>{}<span class=\"break\">{}</span>{mark}<span class=\"tree__size\">{}</span></a></li>",
            escaped(&file.link),
            icon("file"),
            escaped(name),
            shown::size(file.size),
        );
        html.push_str(&line);
    }
    html.push_str("</ul>");
}

fn escaped(text: &str) -> String {
    askama::filters::escape(text, askama::filters::Html).map(|safe| safe.to_string()).unwrap_or_default()
}

fn icon(name: &str) -> String {
    let sprite = crate::web::assets::asset("img/icons.svg");
    let mut html = String::new();
    let written = write!(
        html,
        "<svg class=\"icon\" width=\"14\" height=\"14\" aria-hidden=\"true\"><use href=\"{sprite}#{name}\"></use></svg>"
    );
    debug_assert!(written.is_ok(), "writing to a String never fails");
    html
}
