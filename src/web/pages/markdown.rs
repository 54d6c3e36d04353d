//! Markdown to HTML that is safe to show: CommonMark with GitHub's extensions, then a sanitiser's allow-list.
//!
//! Nothing in the source runs or loads from another host: raw HTML is cleaned, links lead out with `noreferrer`, and
//! images only from this portal. Headings are moved down, so that the page keeps its single `h1`.

use std::collections::HashSet;
use std::sync::LazyLock;

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Anchorizer, Arena, Options};

/// Longer sources are cut; a README of this size is no reading matter.
const LONGEST: usize = 512 * 1024;

/// Put before every id of a document, so that none is taken for one of the page's own.
const PREFIX: &str = "md-";

/// Where a relative link or image leads; `None` leaves it as it is.
pub(crate) type Rewrite<'a> = &'a dyn Fn(&str, Target) -> Option<String>;

/// What a reference in the source is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// Something to open.
    Link,
    /// Something to show.
    Image,
}

static CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .add_tags(["section"])
        .add_generic_attributes(["id"])
        .id_prefix(Some(PREFIX))
        .attribute_filter(|element, attribute, value| {
            let elsewhere = element == "img" && attribute == "src" && (value.contains(':') || value.starts_with("//"));
            (!elsewhere).then_some(value.into())
        })
        // What scrolls can be reached with the keyboard.
        .set_tag_attribute_value("pre", "tabindex", "0")
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .link_rel(Some("noopener noreferrer nofollow"));
    cleaner
});

/// A document on a page of its own, its links rewritten.
pub(crate) fn document(source: &str, rewrite: Rewrite<'_>) -> String {
    render(source, rewrite)
}

/// A short text among other things, such as a field's description.
pub(crate) fn note(source: &str) -> String {
    render(source, &|_, _| None)
}

fn render(source: &str, rewrite: Rewrite<'_>) -> String {
    let end = source.char_indices().map(|(index, _)| index).find(|index| *index >= LONGEST).unwrap_or(source.len());
    let arena = Arena::new();
    let options = options();
    let root = comrak::parse_document(&arena, &source[..end], &options);
    let mut anchors = Anchorizer::new();
    let headings = root.descendants().filter(|node| matches!(node.data.borrow().value, NodeValue::Heading(_)));
    for heading in headings.collect::<Vec<_>>() {
        let anchor = format!("<a id=\"{}\"></a>", anchors.anchorize(&text_of(heading)));
        heading.prepend(arena.alloc(NodeValue::HtmlInline(anchor).into()));
    }
    for node in root.descendants() {
        let mut data = node.data.borrow_mut();
        match &mut data.value {
            NodeValue::Heading(heading) => heading.level = (heading.level + 1).min(6),
            NodeValue::Link(target) => {
                if let Some(anchor) = target.url.strip_prefix('#') {
                    target.url = format!("#{PREFIX}{anchor}");
                } else if let Some(url) = rewrite(&target.url, Target::Link) {
                    target.url = url;
                }
            }
            NodeValue::Image(target) => {
                if let Some(url) = rewrite(&target.url, Target::Image) {
                    target.url = url;
                }
            }
            _ => {}
        }
    }
    let mut html = String::new();
    if comrak::format_html(root, &options, &mut html).is_err() {
        return String::new();
    }
    // A box that cannot be ticked says no more than its picture, and needs no label.
    let html = html
        .replace("<input type=\"checkbox\" checked=\"\" disabled=\"\" />", "\u{2611}")
        .replace("<input type=\"checkbox\" disabled=\"\" />", "\u{2610}");
    CLEANER.clean(&html).to_string()
}

/// The words of a heading.
fn text_of<'a>(node: &'a AstNode<'a>) -> String {
    let words = node.descendants().filter_map(|inner| match &inner.data.borrow().value {
        NodeValue::Text(text) => Some(text.to_string()),
        NodeValue::Code(code) => Some(code.literal.clone()),
        _ => None,
    });
    words.collect()
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.autolink = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.extension.alerts = true;
    // The sanitiser sees raw HTML, and keeps what is harmless of it.
    options.render.r#unsafe = true;
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_is_taken_out() {
        let check = |source: &str, forbidden: &str| {
            let html = note(source).to_lowercase();
            assert!(!html.contains(forbidden), "{source} → {html}");
        };
        check("<script>alert(1)</script>", "<script");
        check("[x](javascript:alert(1))", "javascript:");
        check("<img src=x onerror=alert(1)>", "onerror");
        check("<p style='position:fixed'>x</p>", "style");
        check("<form action=/sign-out><button>x</button></form>", "<form");
        check("<svg><script>1</script></svg>", "svg");
        check("<iframe src=//evil.example></iframe>", "iframe");
    }

    #[test]
    fn headings_leave_the_page_its_own() {
        assert!(note("# One").contains("<h2"));
        assert!(!note("# One").contains("<h1"));
    }

    #[test]
    fn links_and_images_are_rewritten() {
        assert!(note("# One two\n[x](#one-two)").contains("href=\"#md-one-two\""));
        assert!(!note("![x](https://evil.example/x.png)").contains("evil"));
        let html = document("[a](docs/x.md) ![b](y.png)", &|url, target| match target {
            Target::Link => Some(format!("/blob/{url}")),
            Target::Image => Some(format!("/raw/{url}")),
        });
        assert!(html.contains("href=\"/blob/docs/x.md\""), "{html}");
        assert!(html.contains("src=\"/raw/y.png\""), "{html}");
    }

    #[test]
    fn github_flavour_is_known() {
        let html = note("| a |\n|---|\n| b |\n\n- [x] done\n\n~~gone~~");
        for part in ["<table>", "\u{2611} done", "<del>gone</del>"] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }
}
