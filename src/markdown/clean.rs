//! The allow-list: what of a document's HTML may be shown.
//!
//! Classes are those the stylesheet of documents knows, so that a document cannot dress up as a part of the portal; ids in a
//! README have a prefix, and those the portal's pages use are renamed before (see `render`).

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use super::Dialect;
use super::attributes::escaped;

/// Put before every id of a README, so that none is taken for one of the page's own.
pub(super) const PREFIX: &str = "md-";

/// What a document may be made of besides ammonia's own list.
const TAGS: [&str; 7] = ["section", "input", "label", "figure", "figcaption", "summary", "details"];

/// Classes that documents may have, besides those of code (`k`, `nf`, `language-…`) and keys (`key-…`).
const CLASSES: [&str; 79] = [
    "align-left",
    "align-center",
    "align-right",
    "abstract",
    "admonition",
    "admonition-title",
    "annotate",
    "arithmatex",
    "attention",
    "bug",
    "cards",
    "caution",
    "center",
    "comment",
    "critic",
    "danger",
    "definition",
    "done",
    "end",
    "error",
    "example",
    "external-image",
    "failure",
    "fail",
    "faq",
    "filename",
    "footnote",
    "footnote-backref",
    "footnote-ref",
    "grid",
    "headerlink",
    "help",
    "highlight",
    "hint",
    "hll",
    "important",
    "info",
    "inline",
    "keys",
    "linenodiv",
    "linenos",
    "markdown-alert",
    "math",
    "md-button",
    "md-button--primary",
    "mermaid",
    "mermaid-source",
    "missing",
    "new",
    "note",
    "off-glb",
    "question",
    "quote",
    "cite",
    "scroll",
    "seealso",
    "settings",
    "snippet",
    "subtitle",
    "success",
    "check",
    "summary",
    "tabbed-alternate",
    "tabbed-block",
    "tabbed-content",
    "tabbed-labels",
    "tabbed-set",
    "task-list",
    "task-list-item",
    "tip",
    "tldr",
    "toc",
    "todo",
    "twemoji",
    "warning",
    "left",
    "right",
    "lead",
    "card",
];
static KNOWN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| HashSet::from(CLASSES));

static README: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = base(false);
    cleaner.id_prefix(Some(PREFIX)).link_rel(Some("noopener noreferrer nofollow"));
    cleaner
});

static DOCUMENT: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = base(false);
    cleaner.link_rel(None);
    cleaner
});

static WITH_IMAGES: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = base(true);
    cleaner.link_rel(None);
    cleaner
});

/// Takes out everything that is not on the list.
pub(super) fn clean(html: &str, dialect: Dialect) -> String {
    let cleaner = match (dialect.docs, dialect.other_images) {
        (false, _) => &README,
        (true, false) => &DOCUMENT,
        (true, true) => &WITH_IMAGES,
    };
    if depth(html) > DEEPEST {
        // Reading it would take time with the square of its depth; nobody wrote this to be read.
        return format!("<pre>{}</pre>", escaped(html));
    }
    cleaner.clean(html).to_string()
}

/// Elements within each other, at most.
const DEEPEST: usize = 400;
/// Elements that end by themselves, and those without an end.
const FLAT: [&str; 22] = [
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p",
    "source", "td", "th", "tr", "track", "tbody", "wbr",
];

/// How deep elements are in each other, roughly.
fn depth(html: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for (at, _) in html.match_indices('<') {
        let rest = &html[at + 1..];
        let (closes, rest) = rest.strip_prefix('/').map_or((false, rest), |rest| (true, rest));
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len()).min(12);
        let name = rest[..end].to_ascii_lowercase();
        if !name.starts_with(|letter: char| letter.is_ascii_alphabetic()) || FLAT.contains(&&*name) {
            continue;
        }
        depth = if closes { depth.saturating_sub(1) } else { depth + 1 };
        deepest = deepest.max(depth);
    }
    deepest
}

fn base(other_images: bool) -> ammonia::Builder<'static> {
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .add_tags(TAGS)
        .add_generic_attributes(["id", "class", "title"])
        .add_tag_attributes("input", ["type", "name", "checked", "disabled", "aria-label"])
        .add_tag_attributes("label", ["for"])
        .add_tag_attributes("details", ["open"])
        .add_tag_attributes("a", ["aria-label", "name"])
        .add_tag_attributes("img", ["loading", "align"])
        .add_tag_attributes("td", ["rowspan", "colspan"])
        .add_tag_attributes("ol", ["type"])
        // What scrolls can be reached with the keyboard.
        .set_tag_attribute_value("pre", "tabindex", "0")
        .set_tag_attribute_value("table", "tabindex", "0")
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .attribute_filter(move |element, attribute, value| allowed(element, attribute, value, other_images));
    cleaner
}

fn allowed<'v>(element: &str, attribute: &str, value: &'v str, other_images: bool) -> Option<Cow<'v, str>> {
    match (element, attribute) {
        ("img", "src")
            if !other_images && (value.contains(':') || value.starts_with("//") || value.starts_with('\\')) =>
        {
            None
        }
        ("input", "type") => matches!(value, "checkbox" | "radio").then_some(value.into()),
        (_, "class") => classes(value),
        _ => Some(value.into()),
    }
}

/// The classes of a list that may stay; `None` if none may.
fn classes(value: &str) -> Option<Cow<'_, str>> {
    let is_known = |class: &str| {
        KNOWN.contains(class)
            || (class.len() <= 3 && class.bytes().all(|byte| byte.is_ascii_lowercase()))
            || class.strip_prefix("language-").is_some_and(is_plain)
            || class.strip_prefix("key-").is_some_and(is_plain)
    };
    if value.split(' ').all(is_known) {
        return (!value.is_empty()).then_some(value.into());
    }
    let kept: Vec<&str> = value.split_whitespace().filter(|class| is_known(class)).collect();
    (!kept.is_empty()).then(|| kept.join(" ").into())
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'#' | b'.'))
}
