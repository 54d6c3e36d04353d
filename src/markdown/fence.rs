//! Fences of code: where they end, and what their first line says.

use super::attributes::Attributes;

/// The first line of a fence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fence {
    letter: char,
    length: usize,
}

impl Fence {
    /// A fence that opens with this line.
    pub(super) fn open(body: &str) -> Option<Self> {
        let letter = body.chars().next().filter(|letter| matches!(letter, '`' | '~'))?;
        let length = body.len() - body.trim_start_matches(letter).len();
        let is_fence = length >= 3 && (letter == '~' || !body[length..].contains('`'));
        is_fence.then_some(Self { letter, length })
    }

    fn is_closed_by(self, line: &str) -> bool {
        let line = line.trim();
        line.len() >= self.length && line.chars().all(|letter| letter == self.letter)
    }

    /// The line after the fence that begins at `at`.
    pub(super) fn end(self, lines: &[&str], at: usize) -> usize {
        let closing = lines[at + 1..].iter().position(|line| self.is_closed_by(line));
        closing.map_or(lines.len(), |offset| at + offset + 2)
    }
}

/// What a fence asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Code<'i> {
    pub(super) language: &'i str,
    pub(super) title: Option<String>,
    /// The number of the first line, if lines are numbered.
    pub(super) numbers: Option<usize>,
    /// Lines to point out, from 1.
    pub(super) marked: Vec<(usize, usize)>,
    pub(super) id: Option<String>,
    pub(super) classes: Vec<String>,
}

impl<'i> Code<'i> {
    /// Reads an info string: `python title="x.py" hl_lines="2 4-6" linenums="1"`, `{ .python #id title="x.py" }`.
    pub(super) fn parse(info: &'i str) -> Self {
        let info = info.trim();
        let (word, rest) = if let Some(braced) = info.strip_prefix('{') {
            ("", braced.trim_end().trim_end_matches('}'))
        } else {
            let end = info.find([' ', '{', ',']).unwrap_or(info.len());
            let (word, rest) = info.split_at(end);
            let rest = rest.trim_start_matches(',').trim();
            let braced = rest.strip_prefix('{').map(|rest| rest.trim_end_matches('}'));
            (word, braced.unwrap_or(rest))
        };
        let mut code = Self { language: word, ..Self::default() };
        let Some(list) = Attributes::parse(rest) else { return code };
        code.title = list.get("title").map(str::to_owned);
        code.numbers = list.get("linenums").and_then(|number| number.split(' ').next()?.parse().ok());
        code.marked = list.get("hl_lines").map(ranges).unwrap_or_default();
        code.id = list.id;
        code.classes = list.classes;
        if code.language.is_empty() && !code.classes.is_empty() {
            let first = code.classes.remove(0);
            let at = rest.find(&first).unwrap_or_default();
            code.language = &rest[at..at + first.len()];
        }
        code
    }
}

fn ranges(text: &str) -> Vec<(usize, usize)> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    text.split([' ', ',']).filter_map(range).take(1000).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn info_strings_are_read() {
        let code = Code::parse("python title=\"a b.py\" hl_lines=\"2 4-6\" linenums=\"10\"");
        assert_eq!((code.language, code.title.as_deref()), ("python", Some("a b.py")));
        assert_eq!((code.numbers, &*code.marked), (Some(10), &[(2, 2), (4, 6)][..]));
        let code = Code::parse("{ .yaml .annotate #x title=\"y\" }");
        assert_eq!(
            (code.language, &*code.classes, code.id.as_deref()),
            ("yaml", &["annotate".to_owned()][..], Some("x"))
        );
        for (info, language) in [("", ""), ("rust", "rust"), ("rust,ignore", "rust"), ("js {1,3}", "js"), ("{", "")] {
            assert_eq!(Code::parse(info).language, language, "{info}");
        }
    }
}
