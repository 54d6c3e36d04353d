//! The inside of a tag: where it ends, and its tokens.

use std::rc::Rc;

use crate::scaffolder::expression::limits::{Fault, Result};
use crate::scaffolder::expression::regex::Regex;

/// A token with its byte offset in the source.
#[derive(Debug, Clone)]
pub(in super::super) struct Token {
    pub(in super::super) at: usize,
    pub(in super::super) kind: TokenKind,
}

#[derive(Debug, Clone)]
pub(in super::super) enum TokenKind {
    End,
    Name(Rc<str>),
    Number(f64),
    Text(String),
    Regex(Rc<Regex>),
    Operator(&'static str),
}

/// Longest first, so that `===` is not read as `==`.
const OPERATORS: [&str; 27] = [
    "===", "!==", "**", "//", "==", "!=", "<=", ">=", "(", ")", "[", "]", "{", "}", ".", ",", ":", "|", "~", "+", "-",
    "*", "/", "%", "<", ">", "=",
];

/// Longest pattern of a regular expression literal.
const MAX_PATTERN: usize = 16 * 1024;

pub(in super::super) fn is_code_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{a0}')
}

/// The range without the space around it.
pub(in super::super) fn trim(source: &str, start: usize, end: usize) -> (usize, usize) {
    let content = source[start..end].trim_end_matches(is_code_space);
    let end = start + content.len();
    (end - content.trim_start_matches(is_code_space).len(), end)
}

/// The name a block starts with: `for` in `for x in y`.
pub(in super::super) fn tag_name(content: &str) -> &str {
    &content[..name_end(content, 0, false).unwrap_or(0)]
}

/// Where the name that starts at `start` ends. After a dot a name may begin with digits.
fn name_end(source: &str, start: usize, digits_first: bool) -> Option<usize> {
    let bytes = source.as_bytes();
    let mut end = start;
    while digits_first && bytes.get(end).is_some_and(u8::is_ascii_digit) {
        end += 1;
    }
    if !bytes.get(end).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_') {
        return None;
    }
    while bytes.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
        end += 1;
    }
    Some(end)
}

/// Finds `close` outside strings, names and regular expressions.
pub(in super::super) fn find_end(source: &str, start: usize, close: &str) -> Result<Option<usize>> {
    let mut index = start;
    while index + close.len() <= source.len() {
        index = match skip_token(source, index)? {
            Some(end) => end,
            None if source.as_bytes()[index..].starts_with(close.as_bytes()) => return Ok(Some(index)),
            None => index + 1,
        };
    }
    Ok(None)
}

/// The end of the string, name, number or regular expression that starts at `index`.
fn skip_token(source: &str, index: usize) -> Result<Option<usize>> {
    let bytes = source.as_bytes();
    match bytes[index] {
        quote @ (b'"' | b'\'') => {
            let mut at = index + 1;
            while at < bytes.len() {
                match bytes[at] {
                    b'\\' => at += 2,
                    byte if byte == quote => return Ok(Some(at + 1)),
                    _ => at += 1,
                }
            }
            Ok(Some(bytes.len()))
        }
        byte if byte.is_ascii_alphanumeric() || byte == b'_' => match name_end(source, index, true) {
            Some(end) if &source[index..end] == "r" && bytes.get(end) == Some(&b'/') => {
                regex_end(source, index).map(|(_, end)| Some(end))
            }
            Some(end) => Ok(Some(end)),
            None => Ok(Some(index + bytes[index..].iter().take_while(|byte| byte.is_ascii_digit()).count())),
        },
        _ => Ok(None),
    }
}

/// The end of the pattern and of the flags of the literal `r/…/flags` at `start`.
fn regex_end(source: &str, start: usize) -> Result<(usize, usize)> {
    let bytes = source.as_bytes();
    let mut backslashes = 0;
    for (index, byte) in bytes.iter().enumerate().skip(start + 2) {
        match byte {
            b'\\' => backslashes += 1,
            b'/' if backslashes == 0 => return Ok((index, flags_end(source, start, index + 1)?)),
            b'/' if backslashes % 2 == 0 => {
                let message = "it is unclear where the regular expression ends: write \\/ for a slash";
                return Err(Fault::at(message, start));
            }
            _ => backslashes = 0,
        }
    }
    Err(Fault::at("the regular expression is not closed: '/' is missing", start))
}

fn flags_end(source: &str, start: usize, flags: usize) -> Result<usize> {
    let count = source[flags..].bytes().take_while(|byte| matches!(byte, b'g' | b'i' | b'm' | b'y')).count();
    let end = flags + count;
    let text = &source[flags..end];
    if text.char_indices().any(|(at, flag)| text[..at].contains(flag)) {
        return Err(Fault::at("a flag of the regular expression stands twice", start));
    }
    if source[end..].starts_with(|character: char| character.is_ascii_alphabetic()) {
        return Err(Fault::at("the flags of a regular expression are g, i, m and y", start));
    }
    Ok(end)
}

/// The position of the bracket that closes the one at `start`.
pub(in super::super) fn matching_bracket(source: &str, start: usize) -> Result<Option<usize>> {
    let mut open: Vec<u8> = Vec::new();
    let mut index = start;
    while index < source.len() {
        if let Some(end) = skip_token(source, index)? {
            index = end;
            continue;
        }
        let byte = source.as_bytes()[index];
        match byte {
            b'(' => open.push(b')'),
            b'[' => open.push(b']'),
            b'{' => open.push(b'}'),
            _ if open.last() == Some(&byte) => {
                open.pop();
                if open.is_empty() {
                    return Ok(Some(index));
                }
            }
            _ => {}
        }
        index += 1;
    }
    Ok(None)
}

/// Walks over the characters outside brackets and tokens until `found` answers.
fn scan_top_level<T>(source: &str, mut found: impl FnMut(usize, Option<usize>) -> Option<T>) -> Result<Option<T>> {
    let mut depth = 0;
    let mut index = 0;
    while index < source.len() {
        let end = skip_token(source, index)?;
        match source.as_bytes()[index] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ if depth == 0 => {
                if let Some(result) = found(index, end) {
                    return Ok(Some(result));
                }
            }
            _ => {}
        }
        index = end.unwrap_or(index + 1);
    }
    Ok(None)
}

/// The first `=` outside brackets: what separates the targets of `set` from the value.
pub(in super::super) fn find_assignment(source: &str) -> Result<Option<usize>> {
    scan_top_level(source, |index, _| (source.as_bytes()[index] == b'=').then_some(index))
}

/// Start and end of the word `in` of a `for` header.
pub(in super::super) fn find_in(source: &str) -> Result<Option<(usize, usize)>> {
    let is_gap = |text: &str, first: bool| {
        let next = if first { text.chars().next_back() } else { text.chars().next() };
        next.is_none_or(is_code_space)
    };
    scan_top_level(source, |index, end| {
        let end = end?;
        (&source[index..end] == "in" && is_gap(&source[..index], true) && is_gap(&source[end..], false))
            .then_some((index, end))
    })
}

/// Cuts `source[start..end]` into tokens; the last is [`TokenKind::End`].
pub(in super::super) fn tokens(source: &str, start: usize, end: usize) -> Result<Vec<Token>> {
    let mut tokens: Vec<Token> = Vec::new();
    let code = &source[..end];
    let mut index = start;
    while let Some(character) = code[index..].chars().next() {
        if is_code_space(character) {
            index += character.len_utf8();
            continue;
        }
        let after_dot = matches!(tokens.last(), Some(Token { kind: TokenKind::Operator("."), .. }));
        let (kind, next) = token(code, index, after_dot)?;
        tokens.push(Token { at: index, kind });
        index = next;
    }
    tokens.push(Token { at: end, kind: TokenKind::End });
    Ok(tokens)
}

fn token(code: &str, at: usize, after_dot: bool) -> Result<(TokenKind, usize)> {
    if let Some(end) = name_end(code, at, after_dot) {
        if &code[at..end] == "r" && code.as_bytes().get(end) == Some(&b'/') {
            return regex(code, at);
        }
        return Ok((TokenKind::Name(code[at..end].into()), end));
    }
    let rest = &code[at..];
    if rest.starts_with(|character: char| character.is_ascii_digit()) {
        return number(code, at);
    }
    if rest.starts_with(['"', '\'']) {
        return string(code, at);
    }
    if let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator)) {
        return Ok((TokenKind::Operator(operator), at + operator.len()));
    }
    let character = rest.chars().next().unwrap_or(' ');
    Err(Fault::at(format!("unexpected character '{character}'"), at))
}

fn regex(code: &str, at: usize) -> Result<(TokenKind, usize)> {
    let (pattern_end, end) = regex_end(code, at)?;
    let pattern = &code[at + 2..pattern_end];
    if pattern.len() > MAX_PATTERN {
        return Err(Fault::at(format!("the regular expression is longer than {MAX_PATTERN} characters"), at));
    }
    let regex = Regex::new(pattern, &code[pattern_end + 1..end]).map_err(|fault| fault.or_at(at))?;
    Ok((TokenKind::Regex(Rc::new(regex)), end))
}

fn number(code: &str, at: usize) -> Result<(TokenKind, usize)> {
    let digits = |from: usize| code[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut end = at + digits(at);
    if code[end..].starts_with('.') {
        end += 1 + digits(end + 1);
    }
    if code[end..].starts_with(|next: char| next.is_ascii_alphabetic() || next == '_') {
        return Err(Fault::at("a number has only digits and one point: quote it if it is text", at));
    }
    let value = code[at..end].trim_end_matches('.').parse().map_err(|_| Fault::at("this is not a number", at))?;
    Ok((TokenKind::Number(value), end))
}

fn string(code: &str, at: usize) -> Result<(TokenKind, usize)> {
    let mut value = String::new();
    let mut characters = code[at..].char_indices();
    let quote = characters.next().map(|(_, quote)| quote);
    while let Some((offset, character)) = characters.next() {
        if Some(character) == quote {
            return Ok((TokenKind::Text(value), at + offset + 1));
        }
        if character != '\\' {
            value.push(character);
            continue;
        }
        match characters.next() {
            Some((_, 'n')) => value.push('\n'),
            Some((_, 'r')) => value.push('\r'),
            Some((_, 't')) => value.push('\t'),
            Some((_, other)) => value.push(other),
            None => break,
        }
    }
    Err(Fault::at("the text is not closed: its quote is missing", at))
}
