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
    Look {
        body: Box<Node>,
        is_behind: bool,
        is_negated: bool,
    },
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
        let mut parser = Parser {
            units,
            index: 0,
            groups: 1,
            total,
            names,
            depth: 0,
        };
        let root = parser.alternatives()?;
        if parser.index < parser.units.len() {
            return Err(Invalid("')' without '('"));
        }
        Ok(Pattern {
            root,
            groups: parser.groups,
            ignores_case,
            is_multiline,
            names: parser.names,
        })
    }

    /// Named groups and their numbers.
    pub(super) fn names(&self) -> &[(String, usize)] {
        &self.names
    }
}

/// What is wrong with a pattern.
#[derive(Debug)]
pub(super) struct Invalid(&'static str);

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

/// Groups inside each other.
const MAX_DEPTH: usize = 200;

struct Parser {
    units: Vec<u16>,
    index: usize,
    /// Groups begun so far, the whole match included.
    groups: usize,
    total: usize,
    names: Vec<(String, usize)>,
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
    fn peek(&self) -> Option<char> {
        self.at(0)
    }

    fn at(&self, offset: usize) -> Option<char> {
        // Halves of surrogate pairs have no meaning of their own: any other character stands for them.
        self.units
            .get(self.index + offset)
            .map(|unit| char::from_u32(u32::from(*unit)).unwrap_or('\u{FFFD}'))
    }

    fn take(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        self.index += usize::from(found);
        found
    }

    fn take_text(&mut self, expected: &str) -> bool {
        let found = expected
            .chars()
            .enumerate()
            .all(|(offset, character)| self.at(offset) == Some(character));
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
        Ok(if alternatives.len() == 1 {
            alternatives.remove(0)
        } else {
            Node::Either(alternatives)
        })
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

    fn simple(&mut self, node: Node) -> Node {
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
        Ok(Node::Repeat(Box::new(Repeat {
            body,
            least,
            most,
            is_lazy,
            groups: first_group..self.groups,
        })))
    }

    /// `{2}`, `{2,}` or `{2,5}` at the present place, and its length.
    fn counts(&self) -> Option<(u32, u32, usize)> {
        let number = |from: usize| {
            let digits: String = (from..)
                .map_while(|offset| self.at(offset).filter(char::is_ascii_digit))
                .collect();
            let value = if digits.is_empty() {
                None
            } else {
                Some(digits.parse().unwrap_or(u32::MAX))
            };
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
        for (open, is_behind, is_negated) in [
            ("(?=", false, false),
            ("(?!", false, true),
            ("(?<=", true, false),
            ("(?<!", true, true),
        ] {
            if self.take_text(open) {
                let body = Box::new(self.closed()?);
                return Ok(Node::Look {
                    body,
                    is_behind,
                    is_negated,
                });
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
        if self.take(')') {
            Ok(body)
        } else {
            Err(Invalid("a group is not closed"))
        }
    }

    fn escape(&mut self) -> Result<Node, Invalid> {
        self.index += 1;
        let Some(character) = self.peek() else {
            return Err(Invalid("'\\' at the end"));
        };
        match character {
            'b' | 'B' => return Ok(self.simple(Node::WordBoundary(character == 'b'))),
            'k' if !self.names.is_empty() => return self.named_reference(),
            '1'..='9' => {
                let digits: String = (0..)
                    .map_while(|offset| self.at(offset).filter(char::is_ascii_digit))
                    .collect();
                if let Some(number) = digits.parse().ok().filter(|number| *number <= self.total) {
                    self.index += digits.len();
                    return Ok(Node::BackReference(number));
                }
            }
            _ => {}
        }
        if let Some(set) = class_escape(character) {
            self.index += 1;
            return Ok(Node::Set(set));
        }
        Ok(Node::Unit(self.character_escape(false)))
    }

    fn named_reference(&mut self) -> Result<Node, Invalid> {
        const WRONG: Invalid = Invalid("'\\k' needs the name of a group");
        self.index += 1;
        if !self.take('<') {
            return Err(WRONG);
        }
        let length = self.units[self.index..]
            .iter()
            .position(|unit| *unit == 0x3E)
            .ok_or(WRONG)?;
        let name = String::from_utf16_lossy(&self.units[self.index..self.index + length]);
        self.index += length + 1;
        let known = self.names.iter().find(|(own, _)| *own == name).ok_or(WRONG)?;
        Ok(Node::BackReference(known.1))
    }

    /// The unit an escape stands for; the backslash is read already.
    fn character_escape(&mut self, in_class: bool) -> u16 {
        let unit = self.units[self.index];
        let character = self.peek().unwrap_or_default();
        self.index += 1;
        match character {
            't' => 9,
            'n' => 10,
            'v' => 11,
            'f' => 12,
            'r' => 13,
            'c' => {
                let letter = self.units.get(self.index).copied().unwrap_or(0);
                let next = self.peek().unwrap_or_default();
                if next.is_ascii_alphabetic() || (in_class && (next.is_ascii_digit() || next == '_')) {
                    self.index += 1;
                    return letter % 32;
                }
                self.index -= 1;
                0x5C
            }
            'x' => self.hexadecimal(2).unwrap_or(unit),
            'u' => self.hexadecimal(4).unwrap_or(unit),
            '0'..='7' => self.octal(character),
            _ => unit,
        }
    }

    fn hexadecimal(&mut self, count: usize) -> Option<u16> {
        let digits: String = (0..count)
            .map_while(|offset| self.at(offset).filter(char::is_ascii_hexdigit))
            .collect();
        if digits.len() < count {
            return None;
        }
        self.index += count;
        u16::from_str_radix(&digits, 16).ok()
    }

    /// Up to three octal digits, at most 0o377; the first is read already.
    fn octal(&mut self, first: char) -> u16 {
        let digit = |character: char| character.to_digit(8).and_then(|digit| u16::try_from(digit).ok());
        let mut value = digit(first).unwrap_or(0);
        for _ in 0..2 {
            match self
                .peek()
                .and_then(digit)
                .map(|next| value * 8 + next)
                .filter(|next| *next <= 0o377)
            {
                Some(next) => value = next,
                None => break,
            }
            self.index += 1;
        }
        value
    }

    fn class(&mut self) -> Result<Set, Invalid> {
        self.index += 1;
        let mut set = Set {
            is_negated: self.take('^'),
            ranges: Vec::new(),
        };
        loop {
            if self.peek().is_none() {
                return Err(Invalid("'[' is not closed"));
            }
            if self.take(']') {
                return Ok(set);
            }
            let first = self.class_atom()?;
            let is_range = self.peek() == Some('-') && self.at(1).is_some_and(|next| next != ']');
            if !is_range {
                first.add_to(&mut set);
                continue;
            }
            self.index += 1;
            let second = self.class_atom()?;
            match (&first, &second) {
                (Atom::Unit(first), Atom::Unit(second)) if first > second => {
                    return Err(Invalid("a range of a class is out of order"));
                }
                (Atom::Unit(first), Atom::Unit(second)) => set.ranges.push((*first, *second)),
                _ => {
                    first.add_to(&mut set);
                    set.ranges.push((0x2D, 0x2D));
                    second.add_to(&mut set);
                }
            }
        }
    }

    fn class_atom(&mut self) -> Result<Atom, Invalid> {
        let unit = *self.units.get(self.index).ok_or(Invalid("'[' is not closed"))?;
        if !self.take('\\') {
            self.index += 1;
            return Ok(Atom::Unit(unit));
        }
        let Some(character) = self.peek() else {
            return Err(Invalid("'\\' at the end"));
        };
        if let Some(set) = class_escape(character) {
            self.index += 1;
            return Ok(Atom::Set(set));
        }
        if self.take('b') {
            return Ok(Atom::Unit(8));
        }
        Ok(Atom::Unit(self.character_escape(true)))
    }
}

enum Atom {
    Unit(u16),
    Set(Set),
}

impl Atom {
    fn add_to(&self, set: &mut Set) {
        match self {
            Atom::Unit(unit) => set.ranges.push((*unit, *unit)),
            Atom::Set(own) if own.is_negated => set.ranges.extend(complement(&own.ranges)),
            Atom::Set(own) => set.ranges.extend(&own.ranges),
        }
    }
}

/// The ranges outside `ranges`, which are in order.
fn complement(ranges: &[(u16, u16)]) -> Vec<(u16, u16)> {
    let mut rest = Vec::new();
    let mut next = Some(0_u16);
    for (first, last) in ranges {
        if let Some(start) = next.filter(|start| start < first) {
            rest.push((start, first - 1));
        }
        next = last.checked_add(1);
    }
    rest.extend(next.map(|start| (start, u16::MAX)));
    rest
}

const DIGITS: [(u16, u16); 1] = [(0x30, 0x39)];
const WORDS: [(u16, u16); 4] = [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)];
const SPACES: [(u16, u16); 10] = [
    (9, 13),
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
];

fn class_escape(character: char) -> Option<Set> {
    let ranges: &[(u16, u16)] = match character {
        'd' | 'D' => &DIGITS,
        'w' | 'W' => &WORDS,
        's' | 'S' => &SPACES,
        _ => return None,
    };
    Some(Set {
        ranges: ranges.to_vec(),
        is_negated: character.is_ascii_uppercase(),
    })
}

/// Whether a unit is part of a word for `\b`.
pub(super) fn is_word(unit: u16) -> bool {
    WORDS.iter().any(|(first, last)| (*first..=*last).contains(&unit))
}
