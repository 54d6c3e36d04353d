//! The words of the index that a typed word may mean.

use fst::{IntoStreamer as _, Map, Streamer as _};

use super::super::near::Near;

/// A word as it was typed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Typed<'a> {
    pub(super) word: &'a str,
    /// Whether it may go on.
    pub(super) is_start: bool,
    /// Misspellings that are let pass.
    pub(super) most: u8,
}

/// One word that may be meant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    /// Its postings.
    pub(super) at: u64,
    /// 1 for the word itself, less for what it may mean.
    pub(super) quality: f32,
    /// Misspellings.
    pub(super) distance: u8,
    /// Whether it does not go on behind what was typed.
    pub(super) is_whole: bool,
}

/// Calls with every word that may be meant.
pub(super) fn expand(words: &Map<Vec<u8>>, typed: &Typed<'_>, mut call: impl FnMut(Way, &str)) {
    let Typed { word, is_start, most } = *typed;
    if word.is_empty() {
        return;
    }
    let plain = |at, quality, is_whole| Way { at, quality, distance: 0, is_whole };
    if is_start {
        let mut stream = words.range().ge(word).into_stream();
        while let Some((key, at)) = stream.next() {
            if !key.starts_with(word.as_bytes()) {
                break;
            }
            let is_whole = key.len() == word.len();
            let quality = if is_whole { 1.0 } else { 0.5 + 0.4 * part_of(word.len(), key.len()) };
            call(plain(at, quality, is_whole), word);
        }
    } else if let Some(at) = words.get(word) {
        call(plain(at, 1.0, true), word);
    }
    // The other number.
    if word.len() >= 4 {
        let other = match word.strip_suffix('s') {
            Some(singular) => words.get(singular),
            None if !is_start => words.get(format!("{word}s")),
            None => None,
        };
        if let Some(at) = other {
            call(plain(at, 0.9, true), word);
        }
    }
    if most > 0 {
        near(words, typed, call);
    }
}

/// Calls with the words that are nearly the one that was typed.
fn near(words: &Map<Vec<u8>>, typed: &Typed<'_>, mut call: impl FnMut(Way, &str)) {
    let Typed { word, is_start, most } = *typed;
    let near = Near::new(word, most, is_start);
    let mut stream = words.search_with_state(&near).into_stream();
    while let Some((key, at, row)) = stream.next() {
        let (Some(distance), Ok(key)) = (near.distance(&row), std::str::from_utf8(key)) else { continue };
        // Numbers are not misspelled: they are others.
        if distance == 0 || key.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let whole = near.whole_distance(&row);
        let closeness = if distance == 1 { 0.45 } else { 0.25 };
        let length = if whole.is_some() { 1.0 } else { 0.5 + 0.4 * part_of(word.len(), key.len()) };
        // The start of a word is a little farther off than a word.
        let distance = whole.unwrap_or(distance + 1);
        call(Way { at, quality: closeness * length, distance, is_whole: whole.is_some() }, key);
    }
}

/// How much of a word was typed.
#[expect(clippy::cast_precision_loss, reason = "words are short")]
fn part_of(typed: usize, whole: usize) -> f32 {
    typed.min(whole) as f32 / whole.max(1) as f32
}
