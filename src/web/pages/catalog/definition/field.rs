//! Trees of fields as a flat row of pieces, which a template can write without going down itself.

use crate::definition::{Field, More};
use crate::web::pages::markdown;

/// One piece of a tree.
pub(super) enum Piece {
    /// A field that is made of nothing more.
    Leaf(Box<Shown>),
    /// A field whose parts follow, until its [`Piece::Close`].
    Open {
        field: Box<Shown>,
        /// What the parts are called: `4 fields`, `2 alternatives`.
        inside: String,
        is_open: bool,
    },
    Close,
}

/// A field as it is shown.
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) link: Option<String>,
    pub(super) required: bool,
    pub(super) deprecated: bool,
    pub(super) is_alternative: bool,
    /// HTML.
    pub(super) about: String,
    pub(super) values: Vec<String>,
    /// More values than are shown.
    pub(super) more_values: usize,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) end: &'static str,
}

/// Values of an enumeration that are shown.
const VALUES: usize = 24;

/// The pieces of some fields; `leads` says where the link of an anchor leads.
pub(super) fn pieces(fields: &[Field], leads: &dyn Fn(&str) -> String) -> Vec<Piece> {
    let mut pieces = Vec::new();
    add(&mut pieces, fields, 0, leads);
    pieces
}

/// How many fields there are, with those inside.
pub(super) fn count(fields: &[Field]) -> usize {
    fields.iter().map(|field| 1 + count(&field.children)).sum()
}

fn add(pieces: &mut Vec<Piece>, fields: &[Field], depth: usize, leads: &dyn Fn(&str) -> String) {
    for field in fields {
        let shown = Box::new(shown(field, leads));
        if field.children.is_empty() {
            pieces.push(Piece::Leaf(shown));
            continue;
        }
        let many = field.children.len();
        let word = match &field.children[0] {
            child if child.is_alternative => {
                if many == 1 {
                    "alternative"
                } else {
                    "alternatives"
                }
            }
            child if child.direction.is_some() => {
                if many == 1 {
                    "argument"
                } else {
                    "arguments"
                }
            }
            _ => {
                if many == 1 {
                    "field"
                } else {
                    "fields"
                }
            }
        };
        let is_open = depth == 0 && many <= 4 && fields.len() <= 6 || field.children[0].direction.is_some();
        pieces.push(Piece::Open { field: shown, inside: format!("{many} {word}"), is_open });
        add(pieces, &field.children, depth + 1, leads);
        pieces.push(Piece::Close);
    }
}

fn shown(field: &Field, leads: &dyn Fn(&str) -> String) -> Shown {
    Shown {
        name: field.name.clone(),
        kind: field.kind.clone(),
        link: field.link.as_deref().map(leads),
        required: field.required,
        deprecated: field.deprecated,
        is_alternative: field.is_alternative,
        about: about(&field.about),
        values: field.values.iter().take(VALUES).cloned().collect(),
        more_values: field.values.len().saturating_sub(VALUES),
        facts: field.facts.iter().map(|fact| (fact.rule, fact.value.clone())).collect(),
        end: match field.more {
            More::Nothing => "",
            More::Itself => "the same again",
            More::Cut => "more than is shown here",
        },
    }
}

/// A description as HTML: most have nothing of Markdown but code in backticks.
pub(super) fn about(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    if text.contains(['[', '*', '<', '_', '#', '|', '&', '>']) || text.contains('\n') || text.contains("://") {
        return without_ids(&markdown::note(text));
    }
    format!("<p>{}</p>", code_marked(text))
}

/// A text with what stands in backticks as code, and nothing else of Markdown.
pub(super) fn code_marked(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    for (number, part) in text.split('`').enumerate() {
        let escaped = part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        if number % 2 == 1 {
            html.push_str("<code>");
            html.push_str(&escaped);
            html.push_str("</code>");
        } else {
            html.push_str(&escaped);
        }
    }
    html
}

/// Takes the places of headings out: a page has many descriptions, and their headings often have the same names.
fn without_ids(html: &str) -> String {
    const ID: &str = " id=\"";
    let mut kept = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        // Texts have no such sign of their own.
        let end = rest[start..].find('>').map_or(rest.len(), |end| start + end);
        let (tag, after) = rest[start..].split_at(end - start);
        kept.push_str(&rest[..start]);
        match tag.split_once(ID).and_then(|(before, rest)| Some((before, rest.split_once('"')?.1))) {
            Some((before, after)) => kept.extend([before, after]),
            None => kept.push_str(tag),
        }
        rest = after;
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_safe_and_keep_their_code() {
        assert_eq!(about("`a` is \"b\""), "<p><code>a</code> is &quot;b&quot;</p>");
        assert!(!about("<script>alert(1)</script>").contains("<script"));
        assert!(about("# Example\n\ntext").contains("Example"));
        let shown = about("# Example\n\nsay ` id=\"x\"` and *more*");
        assert!(!shown.contains("id=\"md-") && shown.contains(" id=\"x\""), "{shown}");
        assert!(about("see [docs](https://example.com)").contains("href=\"https://example.com\""));
    }

    #[test]
    fn a_tree_becomes_balanced_pieces() {
        let leaf = |name: &str| Field { name: name.to_owned(), ..Field::default() };
        let tree = Field { children: vec![leaf("b"), Field { children: vec![leaf("d")], ..leaf("c") }], ..leaf("a") };
        assert_eq!(count(std::slice::from_ref(&tree)), 4);
        let pieces = pieces(&[tree], &|anchor| format!("#{anchor}"));
        let shape: String = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Leaf(_) => '.',
                Piece::Open { .. } => '(',
                Piece::Close => ')',
            })
            .collect();
        assert_eq!(shape, "(.(.))");
    }
}
