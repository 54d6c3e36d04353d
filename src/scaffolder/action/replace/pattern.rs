//! `String.prototype.replace` and `replaceAll`, with limits.

use std::ops::Range;

use regress::{Flags, Match, Regex};

use super::super::ActionError;
use super::super::text_file::LONGEST;

/// Pauses in which a match asks whether to go on; each is about a thousand steps.
const MAX_PAUSES: usize = 20_000;

/// What is looked for.
#[derive(Debug)]
pub(super) enum Find {
    /// This text, everywhere.
    Text(String),
    /// What an expression matches.
    Pattern {
        /// The expression.
        regex: Regex,
        /// Everywhere, not only once (`g`).
        is_global: bool,
        /// Only where the last match ended, at first at the beginning (`y`).
        is_sticky: bool,
    },
}

/// Why nothing was replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The expression tries too many ways.
    Steps,
    /// The text grows too long.
    Length,
}

impl Refused {
    /// The error, for the text of this name.
    pub(super) fn about(&self, name: &str) -> ActionError {
        match self {
            Self::Steps => ActionError::failed(format!(
                "{name}: the regular expression tries too many ways to match; avoid repetitions inside repetitions"
            )),
            Self::Length => ActionError::failed(format!("{name}: the text would be longer than {LONGEST} bytes")),
        }
    }
}

impl Find {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// What an expression matches everywhere.
    pub(super) fn all(source: &str) -> Result<Self, ActionError> {
        Self::pattern(source, "g")
    }

    /// An expression with JavaScript's flags.
    pub(super) fn pattern(source: &str, flags: &str) -> Result<Self, ActionError> {
        let regex = Regex::with_flags(source, Flags::from(flags)).map_err(|error| {
            ActionError::input(format!("the regular expression {source} is not valid: {}", error.text))
        })?;
        Ok(Self::Pattern { regex, is_global: flags.contains('g'), is_sticky: flags.contains('y') })
    }
}

/// A match: where it is and where its groups are, the first being the whole.
struct Found {
    groups: Vec<Option<Range<usize>>>,
    names: Vec<(String, Option<Range<usize>>)>,
}

impl Found {
    fn of(found: &Match) -> Self {
        let names = found.named_groups().map(|(name, range)| (name.to_owned(), range));
        Self { groups: found.groups().collect(), names: names.collect() }
    }

    fn whole(&self) -> Range<usize> {
        self.groups.first().cloned().flatten().unwrap_or_default()
    }
}

/// The text with everything that is found replaced.
pub(super) fn replace(text: &str, find: &Find, with: &str) -> Result<String, Refused> {
    replace_within(text, find, with, MAX_PAUSES)
}

fn replace_within(text: &str, find: &Find, with: &str, most: usize) -> Result<String, Refused> {
    let found = match find {
        Find::Text(wanted) => {
            let range =
                |(at, part): (usize, &str)| Found { groups: vec![Some(at..at + part.len())], names: Vec::new() };
            text.match_indices(wanted.as_str()).map(range).collect()
        }
        Find::Pattern { regex, is_global, is_sticky } => matches(text, regex, (*is_global, *is_sticky), most)?,
    };
    let mut out = String::with_capacity(text.len());
    let mut position = 0;
    for found in found {
        let Range { start, end } = found.whole();
        out.push_str(&text[position..start]);
        expand(&mut out, with, text, &found);
        if out.len() > LONGEST {
            return Err(Refused::Length);
        }
        position = end;
    }
    out.push_str(&text[position..]);
    Ok(out)
}

fn matches(
    text: &str,
    regex: &Regex,
    (is_global, is_sticky): (bool, bool),
    most: usize,
) -> Result<Vec<Found>, Refused> {
    let mut all = Vec::new();
    let mut pauses = 0;
    let mut from = 0;
    while from <= text.len() {
        let is_over = || {
            pauses += 1;
            pauses > most
        };
        let found = regex.find_from_interruptible(text, from, is_over).map_err(|_| Refused::Steps)?;
        let Some(found) = found.filter(|found| !is_sticky || found.start() == from) else {
            break;
        };
        let Range { start, end } = found.range();
        all.push(Found::of(&found));
        if !is_global {
            break;
        }
        // After an empty match the search goes on behind the next letter.
        from = if start == end { end + text[end..].chars().next().map_or(1, char::len_utf8) } else { end };
    }
    Ok(all)
}

/// Writes the replacement with `$$`, `$&`, `` $` ``, `$'`, `$1` and `$<name>` filled in (ECMA-262: `GetSubstitution`).
fn expand(out: &mut String, with: &str, text: &str, found: &Found) {
    let Range { start, end } = found.whole();
    let group = |range: &Option<Range<usize>>| range.clone().map_or("", |range| &text[range]);
    let mut rest = with;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (part, used) = match after.chars().next() {
            Some('$') => ("$", 1),
            Some('&') => (&text[start..end], 1),
            Some('`') => (&text[..start], 1),
            Some('\'') => (&text[end..], 1),
            Some('<') if !found.names.is_empty() => match after.find('>') {
                Some(close) => {
                    let named = found.names.iter().find(|(name, range)| *name == after[1..close] && range.is_some());
                    (named.map_or("", |(_, range)| group(range)), close + 1)
                }
                None => ("$", 0),
            },
            Some('0'..='9') => numbered(after, found.groups.len())
                .and_then(|(number, used)| Some((group(found.groups.get(number)?), used)))
                .unwrap_or(("$", 0)),
            _ => ("$", 0),
        };
        out.push_str(part);
        rest = &after[used..];
    }
    out.push_str(rest);
}

/// The group that one or two digits name, two if there are so many groups.
fn numbered(digits: &str, groups: usize) -> Option<(usize, usize)> {
    let known = |length: usize| {
        let number: usize = digits.get(..length)?.parse().ok()?;
        (1..groups).contains(&number).then_some((number, length))
    };
    known(2).or_else(|| known(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_is_javascripts() {
        // Each as `text.replace(new RegExp(pattern, flags), with)` of Node.js.
        let cases = [
            ("a-b-c", "-", "", "+", "a+b-c"),
            ("a-b-c", "-", "g", "+", "a+b+c"),
            ("aXbx", "x", "gi", "[$&]", "a[X]b[x]"),
            ("abc", "", "g", "-", "-a-b-c-"),
            ("aé", "", "g", "-", "-a-é-"),
            ("a\nb", "^b", "", "x", "a\nb"),
            ("a\nb", "^b", "m", "x", "a\nx"),
            ("a\nb", "a.b", "", "x", "a\nb"),
            ("a\nb", "a.b", "s", "x", "x"),
            ("aab", "a", "y", "x", "xab"),
            ("aaba", "a", "gy", "x", "xxba"),
            ("baa", "a", "y", "x", "baa"),
            ("john smith", "(\\w+) (\\w+)", "", "$2, $1", "smith, john"),
            ("ab", "(?<first>a)(b)?", "", "$<first>$2$<none>", "ab"),
            ("abc", "b", "", "[$`|$'|$$|$1|$]", "a[a|c|$|$1|$]c"),
            ("a", "(a)", "", "$10$01$00$2", "a0a$00$2"),
            ("x😀", "^.(.)$", "u", "$1", "😀"),
            ("\u{3b1}", "\\p{Script=Greek}", "u", "g", "g"),
            ("a1", "(?<=a)\\d", "d", "2", "a2"),
            ("abab", "(ab)\\1", "", "x", "x"),
        ];
        for (text, pattern, flags, with, expected) in cases {
            let find = Find::pattern(pattern, flags).unwrap();
            assert_eq!(replace(text, &find, with).unwrap(), expected, "/{pattern}/{flags} on {text}");
        }
        assert_eq!(replace("a.b.c", &Find::text("."), "$&$&").unwrap(), "a..b..c");
    }

    #[test]
    fn a_hostile_pattern_ends() {
        let find = Find::pattern("^(a+)+$", "").unwrap();
        assert_eq!(replace_within(&format!("{}!", "a".repeat(60)), &find, "x", 50), Err(Refused::Steps));
        let growing = Find::all("a").unwrap();
        let with = "$`".repeat(8);
        assert_eq!(replace(&"a".repeat(4096), &growing, &with), Err(Refused::Length));
        assert!(Find::pattern("(", "").is_err());
    }
}
