//! Code, diagrams and formulas.

use std::fmt::Write as _;

use comrak::nodes::AstNode;

use super::super::attributes::{escape_into, escaped};
use super::super::fence::Code;
use super::super::highlight;
use super::Writer;

impl Writer<'_> {
    pub(super) fn inline_code<'a>(&mut self, node: &'a AstNode<'a>, literal: &str) {
        let coloured = literal.strip_prefix("#!").filter(|_| self.dialect.docs).and_then(|rest| {
            let (language, code) = rest.split_once(' ')?;
            let html = highlight::lines(code, language).map(|lines| lines.concat());
            let known = language.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+'));
            known.then(|| (html.unwrap_or_else(|| escaped(code)), code.to_owned()))
        });
        self.html.push_str("<code");
        self.claim(node, if coloured.is_some() { "highlight" } else { "" });
        self.html.push('>');
        if let Some((html, code)) = coloured {
            self.html.push_str(&html);
            self.gathered.add(&code);
        } else {
            escape_into(&mut self.html, literal);
            self.gathered.add(literal);
        }
        self.html.push_str("</code>");
    }

    pub(super) fn code_block(&mut self, info: &str, literal: &str, fenced: bool) {
        // Without, a README's info string is one word.
        let code = if fenced { Code::parse(info) } else { Code::default() };
        self.gathered.add(literal);
        match code.language {
            "mermaid" => return self.diagram(literal),
            "math" => return self.formula(literal, true),
            _ => {}
        }
        self.html.push_str("<div class=\"highlight");
        for class in &code.classes {
            self.html.push(' ');
            escape_into(&mut self.html, class);
        }
        self.html.push('"');
        if let Some(id) = &code.id {
            _ = write!(self.html, " id=\"{}\"", escaped(id));
        }
        self.html.push('>');
        if let Some(title) = code.title.as_deref().filter(|title| !title.is_empty()) {
            self.html.push_str("<span class=\"filename\">");
            escape_into(&mut self.html, title);
            self.html.push_str("</span>");
        }
        self.html.push_str("<pre><code");
        if !code.language.is_empty() {
            _ = write!(self.html, " class=\"language-{}\"", escaped(code.language));
        }
        self.html.push('>');
        let lines = highlight::lines(literal, code.language);
        if code.numbers.is_none() && code.marked.is_empty() {
            match lines {
                Some(lines) => lines.iter().for_each(|line| {
                    self.html.push_str(line);
                    self.html.push('\n');
                }),
                None => escape_into(&mut self.html, literal),
            }
        } else {
            let lines = lines.unwrap_or_else(|| literal.lines().map(escaped).collect());
            for (at, line) in lines.iter().enumerate() {
                let marked = code.marked.iter().any(|(first, last)| (*first..=*last).contains(&(at + 1)));
                if let Some(first) = code.numbers {
                    _ = write!(self.html, "<span class=\"linenos\">{}</span>", first.saturating_add(at));
                }
                if marked {
                    _ = write!(self.html, "<span class=\"hll\">{line}\n</span>");
                } else {
                    self.html.push_str(line);
                    self.html.push('\n');
                }
            }
        }
        self.html.push_str("</code></pre></div>\n");
    }

    /// The source of a diagram that nothing here draws.
    fn diagram(&mut self, literal: &str) {
        self.html.push_str("<figure class=\"mermaid-source\"><pre class=\"mermaid\"><code>");
        escape_into(&mut self.html, literal);
        self.html.push_str("</code></pre><figcaption>A diagram, in the words of Mermaid</figcaption></figure>\n");
    }

    /// A formula as it is written.
    pub(super) fn formula(&mut self, literal: &str, display: bool) {
        let literal = literal.trim();
        if display {
            self.html.push_str("<pre class=\"math\"><code>");
            escape_into(&mut self.html, literal);
            self.html.push_str("</code></pre>\n");
        } else {
            self.html.push_str("<code class=\"math\">");
            escape_into(&mut self.html, literal);
            self.html.push_str("</code>");
            self.gathered.add(literal);
        }
    }
}
