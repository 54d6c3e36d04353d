//! Escapes and classes of regular expressions.

use super::pattern::{Invalid, Node, Parser, Set};

impl Parser {
    pub(super) fn escape(&mut self) -> Result<Node, Invalid> {
        self.index += 1;
        let Some(character) = self.peek() else {
            return Err(Invalid("'\\' at the end"));
        };
        match character {
            'b' | 'B' => return Ok(self.simple(Node::WordBoundary(character == 'b'))),
            'k' if !self.names.is_empty() => return self.named_reference(),
            '1'..='9' => {
                let digits: String = (0..).map_while(|offset| self.at(offset).filter(char::is_ascii_digit)).collect();
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
        let length = self.units[self.index..].iter().position(|unit| *unit == 0x3E).ok_or(WRONG)?;
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
        let digits: String = (0..count).map_while(|offset| self.at(offset).filter(char::is_ascii_hexdigit)).collect();
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
            match self.peek().and_then(digit).map(|next| value * 8 + next).filter(|next| *next <= 0o377) {
                Some(next) => value = next,
                None => break,
            }
            self.index += 1;
        }
        value
    }

    pub(super) fn class(&mut self) -> Result<Set, Invalid> {
        self.index += 1;
        let mut set = Set { is_negated: self.take('^'), ranges: Vec::new() };
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
    Some(Set { ranges: ranges.to_vec(), is_negated: character.is_ascii_uppercase() })
}

/// Whether a unit is part of a word for `\b`.
pub(super) fn is_word(unit: u16) -> bool {
    WORDS.iter().any(|(first, last)| (*first..=*last).contains(&unit))
}
