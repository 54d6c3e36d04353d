//! Colours of code, written as the class names of Pygments: a lexer for the languages that documentation is full of, and for
//! all others the syntaxes of Sublime Text and bat.
//!
//! Pygments' names are what stylesheets of documentation know, Backstage's among them; the colours themselves stand in the
//! stylesheet, light and dark. Work is bounded: long blocks and long lines stay plain.

mod language;
mod lexer;

use std::sync::LazyLock;

use syntect::parsing::{BasicScopeStackOp, ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use super::attributes::escape_into;

/// Longer blocks have no colours.
const LONGEST: usize = 64 * 1024;
/// Blocks with a longer line have none.
const LONGEST_LINE: usize = 2000;

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(two_face::syntax::extra_newlines);

/// Scopes by their beginning, and the class of each; the first that fits counts.
static CLASSES: LazyLock<Vec<(Scope, &'static str)>> = LazyLock::new(|| {
    const NAMES: [(&str, &str); 40] = [
        ("comment", "c"),
        ("constant.character.escape", "se"),
        ("constant.numeric", "m"),
        ("constant.language", "kc"),
        ("constant.other.placeholder", "si"),
        ("constant", "no"),
        ("entity.name.tag", "nt"),
        ("entity.other.attribute-name", "na"),
        ("entity.name.function", "nf"),
        ("entity.name.label", "nl"),
        ("entity.name.section", "gh"),
        ("entity.name.namespace", "nn"),
        ("entity.name.constant", "no"),
        ("entity.name", "nc"),
        ("entity.other.inherited-class", "nc"),
        ("support.function", "nb"),
        ("support.macro", "nb"),
        ("support.type.property-name", "na"),
        ("support.type", "nc"),
        ("support.class", "nc"),
        ("support.constant", "no"),
        ("support.variable", "nb"),
        ("variable.language", "bp"),
        ("variable.function", "nf"),
        ("variable.parameter", "nv"),
        ("variable.annotation", "nd"),
        ("variable.other.constant", "no"),
        ("meta.mapping.key string", "nt"),
        ("string.regexp", "sr"),
        ("string", "s"),
        ("keyword.operator.word", "ow"),
        ("keyword.operator", "o"),
        ("keyword.control.import", "kn"),
        ("keyword", "k"),
        ("storage.type", "kt"),
        ("storage", "k"),
        ("markup.inserted", "gi"),
        ("markup.deleted", "gd"),
        ("markup.heading", "gh"),
        ("invalid", "err"),
    ];
    NAMES.iter().filter_map(|(scope, class)| Some((Scope::new(scope).ok()?, *class))).collect()
});

fn syntax(language: &str) -> Option<&'static SyntaxReference> {
    if language.is_empty() || matches!(language, "text" | "txt" | "plain" | "plaintext" | "none" | "output") {
        return None;
    }
    let set: &'static SyntaxSet = &SYNTAXES;
    set.find_syntax_by_token(language).filter(|syntax| syntax.name != "Plain Text")
}

/// The lines of a block as HTML, each with its own spans closed; `None` if the language has no colours.
pub(super) fn lines(code: &str, language: &str) -> Option<Vec<String>> {
    if code.len() > LONGEST || code.lines().any(|line| line.len() > LONGEST_LINE) {
        return None;
    }
    let language = language.to_ascii_lowercase();
    if let Some(known) = language::find(&language) {
        return Some(lexer::lines(code, known));
    }
    let syntax = syntax(&language)?;
    let mut state = ParseState::new(syntax);
    let mut stack = ScopeStack::new();
    let mut found = Vec::new();
    for line in code.split_inclusive('\n') {
        let operations = state.parse_line(line, &SYNTAXES).ok()?;
        let mut html = String::with_capacity(line.len() * 2);
        let mut at = 0;
        let text = line.strip_suffix('\n').unwrap_or(line);
        let mut pending: (Option<&'static str>, usize) = (class_of(&stack), 0);
        let flush = |html: &mut String, from: usize, to: usize, class: Option<&'static str>| {
            let piece = &text[from.min(text.len())..to.min(text.len())];
            if piece.is_empty() {
                return;
            }
            match class.filter(|_| !piece.trim().is_empty()) {
                Some(class) => {
                    html.extend(["<span class=\"", class, "\">"]);
                    escape_into(html, piece);
                    html.push_str("</span>");
                }
                None => escape_into(html, piece),
            }
        };
        for (offset, operation) in &operations {
            if *offset > at {
                let class = class_of(&stack);
                if class != pending.0 {
                    flush(&mut html, pending.1, at, pending.0);
                    pending = (class, at);
                }
                at = *offset;
            }
            stack.apply_with_hook(operation, |_: BasicScopeStackOp, _| {}).ok()?;
        }
        let class = class_of(&stack);
        if class != pending.0 {
            flush(&mut html, pending.1, at, pending.0);
            pending = (class, at);
        }
        flush(&mut html, pending.1, line.len(), pending.0);
        found.push(html);
    }
    Some(found)
}

fn class_of(stack: &ScopeStack) -> Option<&'static str> {
    stack.scopes.iter().rev().take(6).find_map(|scope| {
        // A string's quotes are punctuation within it, and have its colour.
        CLASSES.iter().find(|(prefix, _)| prefix.is_prefix_of(*scope)).map(|(_, class)| *class)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_has_the_classes_of_pygments() {
        for language in ["rust", "ruby"] {
            assert_eq!(lines("def x\n  1\nend\n", language).unwrap().len(), 3, "{language}");
        }
        assert!(lines("# x\ndef main\n  'b'\nend\n", "ruby").unwrap()[0].contains("<span class=\"c\"># x</span>"));
        let html = lines("fn main() {\n    // x\n    let a = \"b\";\n}\n", "rust").unwrap();
        assert_eq!(html.len(), 4);
        assert!(html[0].contains("<span class=\"nf\">main</span>"), "{html:?}");
        assert!(html[1].contains("<span class=\"c\">// x</span>"), "{html:?}");
        assert!(html[2].contains("<span class=\"s\">&quot;b&quot;</span>"), "{html:?}");
        for language in
            ["bash", "console", "yaml", "json", "toml", "dockerfile", "typescript", "go", "hcl", "proto", "diff"]
        {
            assert!(lines("a = 1\n", language).is_some(), "{language}");
        }
        assert_eq!(lines("x", "nothing-like-it"), None);
        assert_eq!(lines(&"x".repeat(LONGEST + 1), "rust"), None);
    }
}
