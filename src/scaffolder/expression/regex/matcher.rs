//! Matches a pattern by backtracking, with every step counted: a hostile pattern ends with the work limit.
//!
//! The continuation of a node is a linked list on the stack ([`Next`]), as in ECMA-262's description.

use super::super::limits::{Fault, Meter, Result};
use super::Groups;
use super::classes::is_word;
use super::pattern::{Node, Pattern, Repeat, Set};

/// Steps that cost one unit of work.
const STEPS_PER_WORK: usize = 16;
/// Continuations inside each other. Templates with regular expressions get a stack that bears them.
const MAX_DEPTH: usize = 15_000;

/// The first match at or after `from`, or exactly there.
pub(super) fn find(
    pattern: &Pattern,
    text: &[u16],
    from: usize,
    is_sticky: bool,
    meter: &mut Meter,
) -> Result<Option<Groups>> {
    let last = if is_sticky { from } else { text.len() };
    let mut matcher = Matcher { pattern, text, groups: vec![None; pattern.groups], steps: 0, depth: 0, meter };
    for start in from..=last {
        matcher.groups.fill(None);
        if let Some(end) = matcher.node(&pattern.root, start, true, &Next::Done)? {
            matcher.groups[0] = Some((start, end));
            return Ok(Some(matcher.groups));
        }
    }
    Ok(None)
}

/// What has to match after a node.
enum Next<'n> {
    Done,
    /// The rest of a sequence, in the direction of matching.
    Nodes(&'n [Node], &'n Next<'n>),
    /// Ends a group that began at the position.
    Close(usize, usize, &'n Next<'n>),
    /// Another round of a repetition that has had so many and began the last at the position.
    Again(&'n Repeat, u32, usize, &'n Next<'n>),
}

struct Matcher<'m> {
    pattern: &'m Pattern,
    text: &'m [u16],
    groups: Groups,
    steps: usize,
    depth: usize,
    meter: &'m mut Meter,
}

impl Matcher<'_> {
    /// Matches `node` at `at` and then `next`; gives the end of the whole.
    fn node(&mut self, node: &Node, at: usize, forward: bool, next: &Next) -> Result<Option<usize>> {
        self.steps += 1;
        if self.steps.is_multiple_of(STEPS_PER_WORK) {
            self.meter.work(1)?;
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::new("the regular expression needs too many steps inside each other for this text"));
        }
        let result = self.step(node, at, forward, next);
        self.depth -= 1;
        result
    }

    fn step(&mut self, node: &Node, at: usize, forward: bool, next: &Next) -> Result<Option<usize>> {
        match node {
            Node::Empty => self.go_on(at, forward, next),
            Node::Unit(_) | Node::Any | Node::Set(_) => match self.unit(node, at, forward) {
                Some(at) => self.go_on(at, forward, next),
                None => Ok(None),
            },
            Node::Sequence(nodes) => self.go_on(at, forward, &Next::Nodes(nodes, next)),
            Node::Either(nodes) => {
                for node in nodes {
                    let before = self.groups.clone();
                    if let Some(end) = self.node(node, at, forward, next)? {
                        return Ok(Some(end));
                    }
                    self.groups = before;
                }
                Ok(None)
            }
            Node::Group(body, number) => self.node(body, at, forward, &Next::Close(*number, at, next)),
            Node::BackReference(number) => match self.back_reference(*number, at, forward) {
                Some(at) => self.go_on(at, forward, next),
                None => Ok(None),
            },
            Node::Start | Node::End | Node::WordBoundary(_) => {
                if self.asserts(node, at) {
                    self.go_on(at, forward, next)
                } else {
                    Ok(None)
                }
            }
            Node::Look { body, is_behind, is_negated } => {
                let before = self.groups.clone();
                let found = self.node(body, at, !is_behind, &Next::Done)?.is_some();
                if found == *is_negated {
                    self.groups = before;
                    return Ok(None);
                }
                if *is_negated {
                    self.groups.clone_from(&before);
                }
                let end = self.go_on(at, forward, next)?;
                if end.is_none() {
                    self.groups = before;
                }
                Ok(end)
            }
            Node::Repeat(repeat) => self.repeat(repeat, 0, at, forward, next),
        }
    }

    fn go_on(&mut self, at: usize, forward: bool, next: &Next) -> Result<Option<usize>> {
        match next {
            Next::Done => Ok(Some(at)),
            Next::Nodes(nodes, after) => {
                let split = if forward { nodes.split_first() } else { nodes.split_last() };
                match split {
                    None => self.go_on(at, forward, after),
                    Some((node, rest)) => self.node(node, at, forward, &Next::Nodes(rest, after)),
                }
            }
            Next::Close(number, start, after) => {
                let before = self.groups[*number];
                self.groups[*number] = Some(((*start).min(at), (*start).max(at)));
                let end = self.go_on(at, forward, after)?;
                if end.is_none() {
                    self.groups[*number] = before;
                }
                Ok(end)
            }
            // A round that matched nothing would go on for ever.
            Next::Again(repeat, count, start, _) if *start == at && *count > repeat.least => Ok(None),
            Next::Again(repeat, count, _, after) => self.repeat(repeat, *count, at, forward, after),
        }
    }

    /// Matches further rounds of a repetition that has had `count`.
    fn repeat(&mut self, repeat: &Repeat, count: u32, at: usize, forward: bool, next: &Next) -> Result<Option<usize>> {
        if matches!(repeat.body, Node::Unit(_) | Node::Any | Node::Set(_)) {
            return self.repeat_unit(repeat, at, forward, next);
        }
        let may_stop = count >= repeat.least;
        if may_stop
            && repeat.is_lazy
            && let Some(end) = self.go_on(at, forward, next)?
        {
            return Ok(Some(end));
        }
        if count < repeat.most {
            let before = self.groups.clone();
            self.groups[repeat.groups.clone()].fill(None);
            let again = Next::Again(repeat, count.saturating_add(1), at, next);
            if let Some(end) = self.node(&repeat.body, at, forward, &again)? {
                return Ok(Some(end));
            }
            self.groups = before;
        }
        if may_stop && !repeat.is_lazy { self.go_on(at, forward, next) } else { Ok(None) }
    }

    /// Rounds of a single unit need no recursion.
    fn repeat_unit(&mut self, repeat: &Repeat, at: usize, forward: bool, next: &Next) -> Result<Option<usize>> {
        let mut ends = vec![at];
        let mut count = 0;
        while count < repeat.most && (!repeat.is_lazy || count < repeat.least) {
            let Some(end) = self.unit(&repeat.body, ends[ends.len() - 1], forward) else {
                break;
            };
            ends.push(end);
            count += 1;
        }
        self.meter.work(ends.len() / 64)?;
        if count < repeat.least {
            return Ok(None);
        }
        loop {
            let Some(at) = ends.pop() else { return Ok(None) };
            self.steps += 1;
            if self.steps.is_multiple_of(STEPS_PER_WORK) {
                self.meter.work(1)?;
            }
            if let Some(end) = self.go_on(at, forward, next)? {
                return Ok(Some(end));
            }
            if repeat.is_lazy {
                if count == repeat.most {
                    return Ok(None);
                }
                let Some(end) = self.unit(&repeat.body, at, forward) else {
                    return Ok(None);
                };
                ends.push(end);
                count += 1;
            } else if count == repeat.least {
                return Ok(None);
            } else {
                count -= 1;
            }
        }
    }

    /// The position after one unit that matches.
    fn unit(&self, node: &Node, at: usize, forward: bool) -> Option<usize> {
        let (index, end) = if forward { (at, at + 1) } else { (at.checked_sub(1)?, at - 1) };
        let unit = *self.text.get(index)?;
        let matches = match node {
            Node::Unit(expected) => *expected == unit || self.fold(*expected) == self.fold(unit),
            Node::Any => !is_line_end(unit),
            Node::Set(set) => self.in_set(set, unit),
            _ => false,
        };
        matches.then_some(end)
    }

    fn in_set(&self, set: &Set, unit: u16) -> bool {
        let has = |unit: u16| set.ranges.iter().any(|(first, last)| (*first..=*last).contains(&unit));
        let mut found = has(unit);
        if !found && self.pattern.ignores_case {
            let folded = self.fold(unit);
            found = same_when_folded(folded).any(has);
        }
        found != set.is_negated
    }

    fn fold(&self, unit: u16) -> u16 {
        if self.pattern.ignores_case { canonical(unit) } else { unit }
    }

    fn back_reference(&self, number: usize, at: usize, forward: bool) -> Option<usize> {
        let Some((start, end)) = self.groups.get(number).copied().flatten() else {
            return Some(at);
        };
        let length = end - start;
        let from = if forward { at } else { at.checked_sub(length)? };
        let other = self.text.get(from..from + length)?;
        let own = &self.text[start..end];
        let is_same = own.iter().zip(other).all(|(own, other)| self.fold(*own) == self.fold(*other));
        is_same.then_some(if forward { at + length } else { from })
    }

    fn asserts(&self, node: &Node, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|index| self.text.get(index)).copied();
        let after = self.text.get(at).copied();
        match node {
            Node::Start => before.is_none() || self.pattern.is_multiline && before.is_some_and(is_line_end),
            Node::End => after.is_none() || self.pattern.is_multiline && after.is_some_and(is_line_end),
            Node::WordBoundary(expected) => (before.is_some_and(is_word) != after.is_some_and(is_word)) == *expected,
            _ => false,
        }
    }
}

fn is_line_end(unit: u16) -> bool {
    matches!(unit, 0x0A | 0x0D | 0x2028 | 0x2029)
}

/// `Canonicalize` without the flag `u`: upper case, when that is one unit and does not turn into ASCII.
fn canonical(unit: u16) -> u16 {
    let Some(character) = char::from_u32(u32::from(unit)) else {
        return unit;
    };
    let mut upper = character.to_uppercase();
    match (upper.next().map(u32::from).and_then(|upper| u16::try_from(upper).ok()), upper.next()) {
        (Some(upper), None) if unit < 128 || upper >= 128 => upper,
        _ => unit,
    }
}

/// Units whose canonical form may be `folded`.
fn same_when_folded(folded: u16) -> impl Iterator<Item = u16> {
    let lower = char::from_u32(u32::from(folded)).map(char::to_lowercase).into_iter().flatten();
    let lower = lower.filter_map(|lower| u16::try_from(u32::from(lower)).ok());
    std::iter::once(folded).chain(lower.filter(move |lower| canonical(*lower) == folded))
}
