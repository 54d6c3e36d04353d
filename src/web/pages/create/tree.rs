//! The files of a plan as nested lists.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::web::pages::shown;

/// One file of the tree.
pub(crate) struct TreeFile {
    pub(crate) path: String,
    pub(crate) target: Target,
    pub(crate) size: u64,
    pub(crate) executable: bool,
    pub(crate) current: bool,
}

/// What shows a file.
pub(crate) enum Target {
    /// Another page.
    Link(String),
    /// A button of the form around the tree, with this name and the path as its value.
    Button(&'static str),
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
        let line = format!(
            "<li><details open><summary class=\"tree__folder\">{}<span class=\"clip\" title=\"{name}\">{name}</span></summary>",
            icon("folder"),
            name = escaped(&name)
        );
        html.push_str(&line);
        write_folder(html, inner, false);
        html.push_str("</details></li>");
    }
    for (name, file) in &folder.files {
        let current = if file.current { " aria-current=\"true\"" } else { "" };
        let mark = if file.executable { "<span class=\"tree__size\">exec</span>" } else { "" };
        let (element, target) = match &file.target {
            Target::Link(link) => ("a", format!("href=\"{}\"", escaped(link))),
            Target::Button(button) => ("button", format!("name=\"{button}\" value=\"{}\"", escaped(&file.path))),
        };
        let line = format!(
            "<li><{element} class=\"tree__file\" {target}{current}>{}<span class=\"clip\" title=\"{name}\">{name}</span>{mark}<span class=\"tree__size\">{}</span></{element}></li>",
            icon("file"),
            shown::size(file.size),
            name = escaped(name),
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
