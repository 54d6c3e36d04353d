//! Reads the pattern of a regular expression: ECMA-262 without the flag `u`, with Annex B's leniency.

use std::fmt;

/// A pattern ready to be matched.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) root: Node,
    /// Number of groups, the whole match included.
    pub(super) groups: usize,
    pub(super) ignores_case: bool,
    pub(super) is_multiline: bool,
    names: Vec<(String, usize)>,
}

#[derive(Debug)]
pub(super) enum Node {
    Empty,
    Unit(u16),
    Any,
    Set(Set),
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Group(Box<Node>, usize),
    BackReference(usize),
    Start,
    End,
    WordBoundary(bool),
    Look { body: Box<Node>, is_behind: bool, is_negated: bool },
    Repeat(Box<Repeat>),
}

#[derive(Debug)]
pub(super) struct Repeat {
    pub(super) body: Node,
    pub(super) least: u32,
    pub(super) most: u32,
    pub(super) is_lazy: bool,
    /// The groups inside, which start anew with each round.
    pub(super) groups: std::ops::Range<usize>,
}

/// A class such as `[a-z]`.
#[derive(Debug, Clone, Default)]
pub(super) struct Set {
    pub(super) ranges: Vec<(u16, u16)>,
    pub(super) is_negated: bool,
}

impl Pattern {
    pub(super) fn parse(source: &str, ignores_case: bool, is_multiline: bool) -> Result<Pattern, Invalid> {
        let units: Vec<u16> = source.encode_utf16().collect();
        let names = group_names(&units)?;
        let total = count_groups(&units);
        let mut parser = Parser { units, index: 0, groups: 1, total, names, depth: 0 };
        let root = parser.alternatives()?;
        if parser.index < parser.units.len() {
            return Err(Invalid("')' without '('"));
        }
        Ok(Pattern { root, groups: parser.groups, ignores_case, is_multiline, names: parser.names })
    }

    /// Named groups and their numbers.
    pub(super) fn names(&self) -> &[(String, usize)] {
        &self.names
    }
}

/// What is wrong with a pattern.
#[derive(Debug)]
pub(super) struct Invalid(pub(super) &'static str);

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

/// Groups inside each other.
const MAX_DEPTH: usize = 200;

pub(super) struct Parser {
    pub(super) units: Vec<u16>,
    pub(super) index: usize,
    /// Groups begun so far, the whole match included.
    groups: usize,
    pub(super) total: usize,
    pub(super) names: Vec<(String, usize)>,
    depth: usize,
}

fn is(unit: Option<u16>, expected: char) -> bool {
    unit.is_some_and(|unit| u32::from(unit) == u32::from(expected))
}

/// Calls `visit` with the index of each opening bracket of a group.
fn visit_groups(units: &[u16], mut visit: impl FnMut(usize)) {
    let mut in_class = false;
    let mut index = 0;
    while index < units.len() {
        match char::from_u32(u32::from(units[index])) {
            Some('\\') => index += 1,
            Some('[') => in_class = true,
            Some(']') => in_class = false,
            Some('(') if !in_class => visit(index),
            _ => {}
        }
        index += 1;
    }
}

fn is_named(units: &[u16], open: usize) -> bool {
    let at = |offset: usize| units.get(open + offset).copied();
    is(at(1), '?') && is(at(2), '<') && !is(at(3), '=') && !is(at(3), '!')
}

fn count_groups(units: &[u16]) -> usize {
    let mut count = 0;
    visit_groups(units, |open| {
        count += usize::from(!is(units.get(open + 1).copied(), '?') || is_named(units, open));
    });
    count
}

fn group_names(units: &[u16]) -> Result<Vec<(String, usize)>, Invalid> {
    let mut names: Vec<(String, usize)> = Vec::new();
    let mut count = 0;
    let mut result = Ok(());
    visit_groups(units, |open| {
        let named = is_named(units, open);
        count += usize::from(!is(units.get(open + 1).copied(), '?') || named);
        if !named {
            return;
        }
        let start = open + 3;
        let length = units[start..].iter().position(|unit| *unit == 0x3E).unwrap_or(0);
        let name = String::from_utf16_lossy(&units[start..start + length]);
        if !is_name(&name) || names.iter().any(|(own, _)| *own == name) {
            result = Err(Invalid("the name of a group is missing or stands twice"));
        }
        names.push((name, count));
    });
    result.map(|()| names)
}

fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    let is_start = |c: char| c.is_alphabetic() || c == '_' || c == '$';
    characters.next().is_some_and(is_start) && characters.all(|c| is_start(c) || c.is_alphanumeric())
}

impl Parser {
    pub(super) fn peek(&self) -> Option<char> {
        self.at(0)
    }

    pub(super) fn at(&self, offset: usize) -> Option<char> {
        // Halves of surrogate pairs have no meaning of their own: any other character stands for them.
        self.units.get(self.index + offset).map(|unit| char::from_u32(u32::from(*unit)).unwrap_or('\u{FFFD}'))
    }

    pub(super) fn take(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        self.index += usize::from(found);
        found
    }

    fn take_text(&mut self, expected: &str) -> bool {
        let found = expected.chars().enumerate().all(|(offset, character)| self.at(offset) == Some(character));
        self.index += if found { expected.len() } else { 0 };
        found
    }

    fn alternatives(&mut self) -> Result<Node, Invalid> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Invalid("groups are nested too deep"));
        }
        let mut alternatives = vec![self.sequence()?];
        while self.take('|') {
            alternatives.push(self.sequence()?);
        }
        self.depth -= 1;
        Ok(if alternatives.len() == 1 { alternatives.remove(0) } else { Node::Either(alternatives) })
    }

    fn sequence(&mut self) -> Result<Node, Invalid> {
        let mut nodes = Vec::new();
        while let Some(character) = self.peek() {
            if matches!(character, '|' | ')') {
                break;
            }
            nodes.push(self.term(character)?);
        }
        Ok(match nodes.len() {
            0 => Node::Empty,
            1 => nodes.remove(0),
            _ => Node::Sequence(nodes),
        })
    }

    fn term(&mut self, character: char) -> Result<Node, Invalid> {
        let first_group = self.groups;
        let node = match character {
            '^' => self.simple(Node::Start),
            '$' => self.simple(Node::End),
            '(' => self.group()?,
            '.' => self.simple(Node::Any),
            '[' => Node::Set(self.class()?),
            '\\' => self.escape()?,
            '*' | '+' | '?' => return Err(Invalid("nothing to repeat")),
            '{' if self.counts().is_some() => return Err(Invalid("nothing to repeat")),
            _ => {
                let unit = self.units[self.index];
                self.simple(Node::Unit(unit))
            }
        };
        let cannot_repeat = matches!(node, Node::Start | Node::End | Node::WordBoundary(_))
            || matches!(node, Node::Look { is_behind: true, .. });
        self.quantified(node, first_group, cannot_repeat)
    }

    pub(super) fn simple(&mut self, node: Node) -> Node {
        self.index += 1;
        node
    }

    fn quantified(&mut self, body: Node, first_group: usize, cannot_repeat: bool) -> Result<Node, Invalid> {
        let (least, most) = match self.peek() {
            Some('*') => (0, u32::MAX),
            Some('+') => (1, u32::MAX),
            Some('?') => (0, 1),
            Some('{') => match self.counts() {
                Some((least, most, length)) => {
                    self.index += length - 1;
                    (least, most)
                }
                None => return Ok(body),
            },
            _ => return Ok(body),
        };
        if cannot_repeat {
            return Err(Invalid("nothing to repeat"));
        }
        if least > most {
            return Err(Invalid("the numbers of a repetition are out of order"));
        }
        self.index += 1;
        let is_lazy = self.take('?');
        Ok(Node::Repeat(Box::new(Repeat { body, least, most, is_lazy, groups: first_group..self.groups })))
    }

    /// `{2}`, `{2,}` or `{2,5}` at the present place, and its length.
    fn counts(&self) -> Option<(u32, u32, usize)> {
        let number = |from: usize| {
            let digits: String = (from..).map_while(|offset| self.at(offset).filter(char::is_ascii_digit)).collect();
            let value = if digits.is_empty() { None } else { Some(digits.parse().unwrap_or(u32::MAX)) };
            (value, from + digits.len())
        };
        let (least, end) = number(1);
        let least = least?;
        match self.at(end) {
            Some('}') => Some((least, least, end + 1)),
            Some(',') => {
                let (most, end) = number(end + 1);
                (self.at(end) == Some('}')).then(|| (least, most.unwrap_or(u32::MAX), end + 1))
            }
            _ => None,
        }
    }

    fn group(&mut self) -> Result<Node, Invalid> {
        for (open, is_behind, is_negated) in
            [("(?=", false, false), ("(?!", false, true), ("(?<=", true, false), ("(?<!", true, true)]
        {
            if self.take_text(open) {
                let body = Box::new(self.closed()?);
                return Ok(Node::Look { body, is_behind, is_negated });
            }
        }
        if self.take_text("(?:") {
            return self.closed();
        }
        let named = is_named(&self.units, self.index);
        self.index += 1;
        if named {
            while !self.take('>') {
                self.index += 1;
            }
        } else if self.peek() == Some('?') {
            return Err(Invalid("unknown kind of group"));
        }
        let number = self.groups;
        self.groups += 1;
        Ok(Node::Group(Box::new(self.closed()?), number))
    }

    fn closed(&mut self) -> Result<Node, Invalid> {
        let body = self.alternatives()?;
        if self.take(')') { Ok(body) } else { Err(Invalid("a group is not closed")) }
    }
}
