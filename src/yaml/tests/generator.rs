//! Random YAML from a seed: every kind of scalar in every style, collections in both, streams of documents; some damaged.

#![expect(clippy::format_push_string, reason = "texts are put together from top to bottom")]

use std::sync::OnceLock;

/// Plain scalars that need quotes in a flow collection.
const UNSAFE_IN_FLOW: &[char] = &[',', '[', ']', '{', '}'];

/// What texts are made of: `tests/yaml/words.json`.
#[derive(serde::Deserialize)]
struct Words {
    /// Plain scalars whose meaning differs between YAML's versions and parsers.
    plain: Vec<String>,
    keys: Vec<String>,
    /// Collections as keys; npm `yaml` names others by their source, quotes, comments and all.
    complex: Vec<String>,
    quoted: Vec<String>,
    tags: Vec<String>,
    comments: Vec<String>,
    /// What damage is made of.
    sharp: Vec<String>,
}

fn words() -> &'static Words {
    static WORDS: OnceLock<Words> = OnceLock::new();
    WORDS
        .get_or_init(|| serde_json::from_str(include_str!("../../../tests/yaml/words.json")).expect("a table of words"))
}

/// Makes YAML.
pub(super) struct Generator {
    random: fastrand::Rng,
    /// Names given, and those of nodes that have ended: an alias inside its own node is another matter.
    names: usize,
    anchors: Vec<String>,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), names: 0, anchors: Vec::new() }
    }

    /// A stream of one to four documents.
    pub(super) fn stream(&mut self) -> String {
        let mut text = String::new();
        let count = if self.one_in(3) { 1 + self.below(4) } else { 1 };
        for at in 0..count {
            if at > 0 || self.one_in(4) {
                text.push_str(self.pick(&["---\n", "---\n", "--- # note\n", "---   \n"]));
            }
            self.anchors.clear();
            if !self.one_in(12) {
                text.push_str(&self.root());
            }
            self.comment_line(&mut text, 0);
            if self.one_in(10) {
                text.push_str("...\n");
            }
        }
        // npm `yaml` counts the mark as a column, so that a list after it ends with its first item.
        if self.one_in(20) && !text.starts_with('-') {
            text.insert(0, '\u{feff}');
        }
        if self.one_in(12) { text.replace('\n', "\r\n") } else { text }
    }

    /// A stream with one to three edits that may break it.
    pub(super) fn damaged(&mut self) -> String {
        let mut text: Vec<char> = self.stream().chars().collect();
        for _ in 0..=self.below(3) {
            let at = self.below(text.len() + 1);
            match self.below(4) {
                0 => text.truncate(at),
                1 if at < text.len() => drop(text.remove(at)),
                2 => {
                    let end = (at + self.below(8)).min(text.len());
                    let copy = text[at..end].to_vec();
                    let to = self.below(text.len() + 1);
                    text.splice(to..to, copy);
                }
                _ => drop(text.splice(at..at, self.word(&words().sharp).chars())),
            }
        }
        text.into_iter().collect()
    }

    fn root(&mut self) -> String {
        match self.below(12) {
            0 => self.flow(3, 0) + "\n",
            1 => self.scalar(0),
            2 => self.sequence(0, 3),
            _ => self.mapping(0, 4),
        }
    }

    fn mapping(&mut self, indent: usize, depth: usize) -> String {
        let mut text = String::new();
        let mut used: Vec<&str> = Vec::new();
        for _ in 0..=self.below(4) {
            self.comment_line(&mut text, indent);
            let key = self.word(&words().keys);
            // A key that is there twice is an error: seldom, so that most documents are read.
            if used.contains(&key) && !self.one_in(10) {
                continue;
            }
            used.push(key);
            text.push_str(&" ".repeat(indent));
            if self.one_in(25) {
                let complex = if self.one_in(2) { self.word(&words().complex) } else { key };
                text.push_str(&format!("? {complex}\n{}", " ".repeat(indent)));
            } else {
                text.push_str(key);
                if self.one_in(15) {
                    text.push(' ');
                }
            }
            text.push(':');
            text.push_str(&self.value(indent, depth));
        }
        text
    }

    fn sequence(&mut self, indent: usize, depth: usize) -> String {
        let mut text = String::new();
        for _ in 0..=self.below(4) {
            self.comment_line(&mut text, indent);
            text.push_str(&" ".repeat(indent));
            text.push('-');
            if depth > 0 && self.one_in(4) {
                // In one line with the dash.
                let inner = if self.one_in(2) {
                    self.mapping(indent + 2, depth - 1)
                } else {
                    self.sequence(indent + 2, depth - 1)
                };
                if inner.trim_start().starts_with('#') {
                    text.push_str(" x\n");
                } else {
                    text.push(' ');
                    text.push_str(inner.trim_start_matches(' '));
                }
            } else {
                text.push_str(&self.value(indent, depth));
            }
        }
        text
    }

    /// What stands after `key:` or `-`, to the end of the line and below.
    fn value(&mut self, indent: usize, depth: usize) -> String {
        let mut head = String::new();
        if self.one_in(12) {
            head.push_str(&format!(" {}", self.word(&words().tags)));
        }
        if !self.one_in(12) {
            return self.content(&head, indent, depth);
        }
        self.names += 1;
        let name = format!("a{}", self.names);
        head.push_str(&format!(" &{name}"));
        let content = self.content(&head, indent, depth);
        self.anchors.push(name);
        content
    }

    fn content(&mut self, head: &str, indent: usize, depth: usize) -> String {
        if depth == 0 || !self.one_in(3) {
            if self.one_in(12) && head.is_empty() {
                return format!(" {}\n", self.alias());
            }
            if self.one_in(10) && depth > 0 {
                return format!("{head} {}{}\n", self.flow(depth - 1, indent + 1), self.trailing());
            }
            if self.one_in(15) {
                return format!("{head}{}\n", self.trailing());
            }
            return format!("{head} {}", self.scalar(indent + 1));
        }
        let deeper = indent + 1 + self.below(4);
        let trailing = self.trailing();
        let below = if self.one_in(2) {
            self.mapping(deeper, depth - 1)
        } else {
            let flat = self.one_in(3) && indent > 0;
            self.sequence(if flat { indent } else { deeper }, depth - 1)
        };
        format!("{head}{trailing}\n{below}")
    }

    /// A scalar with its line end; lines below it are indented by at least `indent`.
    fn scalar(&mut self, indent: usize) -> String {
        match self.below(8) {
            0 => self.block(indent),
            1 => self.word(&words().quoted).to_owned() + self.trailing() + "\n",
            2 => self.folded(indent),
            _ => self.word(&words().plain).to_owned() + self.trailing() + "\n",
        }
    }

    /// A plain or quoted scalar over several lines.
    fn folded(&mut self, indent: usize) -> String {
        let quote = self.pick(&["", "'", "\"", "\""]);
        let mut text = quote.to_owned() + "first";
        for _ in 0..=self.below(3) {
            let is_escaped = text.ends_with('\\');
            let breaks: &[&str] =
                if is_escaped { &["\n"] } else { &["\n", "\n", "\n\n", " \n", "\n  \n", "\n\n\n", "\t\n"] };
            text.push_str(self.pick(breaks));
            text.push_str(&" ".repeat(indent + self.below(3)));
            let words: &[&str] = &["word", "two words", "x#y", "1", "é", "a\tb", "end ", "\t"];
            text.push_str(self.pick(&words[..words.len() - usize::from(is_escaped)]));
            if quote == "\"" && self.one_in(4) {
                text.push_str(self.pick(&["\\", "\\n", "\\ ", " \\"]));
            }
        }
        if quote == "\"" && text.ends_with('\\') {
            text.push('\\');
        }
        text + quote + "\n"
    }

    fn block(&mut self, indent: usize) -> String {
        let own = 1 + self.below(3);
        let is_told = self.one_in(4);
        let mut text = self.pick(&["|", ">"]).to_owned();
        let chomping = self.pick(&["", "", "-", "+"]);
        let told = if is_told { own.to_string() } else { String::new() };
        if self.one_in(2) {
            text.push_str(chomping);
            text.push_str(&told);
        } else {
            text.push_str(&told);
            text.push_str(chomping);
        }
        text.push_str(self.trailing());
        text.push('\n');
        let margin = " ".repeat(indent.saturating_sub(1) + own);
        if self.one_in(6) {
            text.push('\n');
        }
        for at in 0..self.below(5) {
            if at > 0 && self.one_in(4) {
                text.push_str(self.pick(&["\n", "\n\n", "  \n"]));
            }
            let more = if at > 0 || is_told { self.pick(&["", "", " ", "  ", "\t"]) } else { "" };
            text.push_str(&margin);
            text.push_str(more);
            text.push_str(self.pick(&[
                "text",
                "two words",
                "# no comment",
                "a: b",
                "- x",
                "é",
                "trailing ",
                "\ttab",
                "'q",
                "{{ x }}",
                "---x",
                "x\u{1}",
            ]));
            text.push('\n');
        }
        if self.one_in(4) {
            text.push_str(self.pick(if indent == 0 { &["\n", "\n\n"] } else { &["\n", "\n\n", " \n"] }));
        }
        text
    }

    /// A flow collection; what goes on in a new line is indented by `indent`.
    fn flow(&mut self, depth: usize, indent: usize) -> String {
        let is_list = self.one_in(2);
        let mut parts = Vec::new();
        let mut used: Vec<&str> = Vec::new();
        for _ in 0..self.below(5) {
            let item = match self.below(6) {
                0 if depth > 0 => self.flow(depth - 1, indent),
                1 => self.word(&words().quoted).to_owned(),
                2 if self.one_in(4) => self.alias() + " ",
                _ => self.word(&words().plain).replace(UNSAFE_IN_FLOW, "_").replace('?', "_"),
            };
            if is_list && !self.one_in(8) {
                parts.push(item);
                continue;
            }
            let key = self.word(&words().keys);
            if used.contains(&key) && !self.one_in(10) {
                continue;
            }
            used.push(key);
            parts.push(match self.below(8) {
                0 => key.to_owned(),
                1 => format!("{key}:"),
                2 => format!("? {key} : {item}"),
                3 if key.starts_with('"') => format!("{key}:{item}"),
                _ => format!("{key}: {item}"),
            });
        }
        let margin = " ".repeat(indent + self.below(4));
        let separator = match self.below(6) {
            0 => format!(",\n{margin}"),
            1 => format!(", # note\n{margin}"),
            2 => format!("\n{margin},"),
            _ => self.pick(&[", ", ",", " , "]).to_owned(),
        };
        let mut inside = parts.join(&separator);
        if self.one_in(6) && !inside.is_empty() {
            inside.push(',');
        }
        let space = if self.one_in(5) { format!("\n{margin}") } else { self.pick(&["", "", " "]).to_owned() };
        if is_list { format!("[{space}{inside}{space}]") } else { format!("{{{space}{inside}{space}}}") }
    }

    /// Seldom of a name that is not known.
    fn alias(&mut self) -> String {
        if self.anchors.is_empty() || self.one_in(30) {
            return if self.one_in(10) { "*unknown".to_owned() } else { "plain".to_owned() };
        }
        let known = self.below(self.anchors.len());
        format!("*{}", self.anchors[known])
    }

    fn trailing(&mut self) -> &'static str {
        if self.one_in(8) { self.pick(&[" # note", " ", "  ", "\t", " #", "\t# note"]) } else { "" }
    }

    fn comment_line(&mut self, text: &mut String, indent: usize) {
        if self.one_in(12) {
            text.push_str(&" ".repeat(indent));
            text.push_str(self.word(&words().comments));
            text.push('\n');
        }
    }

    fn below(&mut self, count: usize) -> usize {
        self.random.usize(..count)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn word(&mut self, choices: &'static [String]) -> &'static str {
        &choices[self.below(choices.len())]
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}
