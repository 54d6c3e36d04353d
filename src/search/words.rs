//! The words of a text, folded: lower case, without diacritics.
//!
//! A word is an unbroken run of letters and digits, so `-_./` and spaces separate words. One that is written in parts
//! (`PaymentGateway`, `sha256`, `GitHub`) is the word as a whole, and each part of two letters or more beside it, at the
//! same place: who writes `github` or `hub` finds it. Of a hash, parts mean nothing, and it has none. What is asked for is
//! never taken apart.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Letters of a word that count; what follows is as if it were not there.
pub(super) const LONGEST: usize = 32;

/// One word, or one part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// Folded.
    pub(super) text: Cow<'a, str>,
    /// Where it stands in the text.
    pub(super) span: Range<usize>,
    /// How many words stand before it.
    pub(super) place: u32,
    /// Whether it is only a part of the word at this place.
    pub(super) is_part: bool,
}

/// Calls with every word of a text, wholes before their parts.
pub(super) fn each<'a>(text: &'a str, mut call: impl FnMut(Word<'a>)) {
    let mut place = 0;
    let mut rest = 0;
    while let Some(start) = text[rest..].find(is_letter).map(|at| rest + at) {
        let end = end_of(text, start);
        rest = end;
        call(Word { text: folded(&text[start..end]), span: start..end, place, is_part: false });
        if !is_plain(&text.as_bytes()[start..end]) {
            parts(&text[start..end], |part| {
                let span = start + part.start..start + part.end;
                call(Word { text: folded(&text[span.clone()]), span, place, is_part: true });
            });
        }
        place += 1;
    }
}

/// Every word of a text, without parts.
pub(super) fn all(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    each(text, |word| {
        if !word.is_part {
            words.push(word.text.into_owned());
        }
    });
    words
}

/// All words as one: what is left of a name that is written without its separators.
pub(super) fn joined(text: &str) -> String {
    let mut whole = String::new();
    each(text, |word| {
        if !word.is_part {
            whole.push_str(&word.text);
        }
    });
    shortened(&whole).to_owned()
}

fn is_letter(letter: char) -> bool {
    letter.is_alphanumeric()
}

/// Signs that are written without spaces between words: each is a word.
fn is_sign(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Where the word ends that begins at a place.
fn end_of(text: &str, start: usize) -> usize {
    let mut letters = text[start..].char_indices().peekable();
    let mut end = start;
    while let Some((at, letter)) = letters.next() {
        if is_sign(letter) {
            return if at == 0 { start + letter.len_utf8() } else { start + at };
        }
        let is_within = is_letter(letter) || is_combining_mark(letter);
        // `don't` is one word.
        let is_apostrophe = matches!(letter, '\'' | '’')
            && letters.peek().is_some_and(|(_, next)| next.is_alphabetic() && !is_sign(*next));
        if !is_within && !is_apostrophe {
            break;
        }
        end = start + at + letter.len_utf8();
    }
    end
}

/// Hexadecimal digits from which on a word is a hash.
const HASH: usize = 16;

/// Whether a word has no parts: one case, no digits beside letters, or a hash.
fn is_plain(word: &[u8]) -> bool {
    word.iter().skip(1).all(|byte| byte.is_ascii_lowercase() || !byte.is_ascii())
        || word.iter().all(u8::is_ascii_digit)
        || word.iter().all(u8::is_ascii_uppercase)
        || (word.len() >= HASH && word.iter().all(u8::is_ascii_hexdigit))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Lower,
    Upper,
    Digit,
}

fn case_of(letter: char) -> Case {
    if letter.is_numeric() {
        Case::Digit
    } else if letter.is_uppercase() {
        Case::Upper
    } else {
        Case::Lower
    }
}

/// Calls with the parts of a word that has several: they begin where lower case becomes upper, before the last letter
/// of an abbreviation (`HTTPServer`), and between letters and digits.
fn parts(word: &str, mut call: impl FnMut(Range<usize>)) {
    let letters: Vec<(usize, Case)> =
        word.char_indices().take(4 * LONGEST).map(|(at, letter)| (at, case_of(letter))).collect();
    let mut starts = vec![0];
    for (index, &(at, case)) in letters.iter().enumerate().skip(1) {
        let before = letters[index - 1].1;
        let after = letters.get(index + 1).map(|(_, case)| *case);
        let is_start = match (before, case) {
            (Case::Lower, Case::Upper) => true,
            (Case::Upper, Case::Upper) => after == Some(Case::Lower),
            (before, case) => (before == Case::Digit) != (case == Case::Digit),
        };
        if is_start {
            starts.push(at);
        }
    }
    if starts.len() < 2 {
        return;
    }
    starts.push(word.len());
    for pair in starts.windows(2) {
        if word[pair[0]..pair[1]].chars().nth(1).is_some() {
            call(pair[0]..pair[1]);
        }
    }
}

/// A word in lower case without diacritics, not longer than [`LONGEST`].
pub(super) fn folded(word: &str) -> Cow<'_, str> {
    if !word.is_ascii() {
        let mut text = String::with_capacity(word.len());
        for letter in word.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase) {
            match plain(letter) {
                Some(plain) => text.push_str(plain),
                // What a compatible form brings in besides letters is left out.
                None if letter.is_alphanumeric() => text.push(letter),
                None => {}
            }
        }
        let length = shortened(&text).len();
        text.truncate(length);
        return Cow::Owned(text);
    }
    let has_apostrophe = word.contains('\'');
    if !has_apostrophe && !word.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Borrowed(shortened(word));
    }
    let mut text = shortened(word).to_ascii_lowercase();
    if has_apostrophe {
        text.retain(|letter| letter != '\'');
    }
    Cow::Owned(text)
}

fn shortened(word: &str) -> &str {
    if word.len() <= LONGEST {
        return word;
    }
    let end = word.char_indices().nth(LONGEST).map_or(word.len(), |(at, _)| at);
    &word[..end]
}

/// Letters that stand for others without being decomposed.
fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'þ' => "th",
        'ı' => "i",
        'ħ' => "h",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        each(text, |word| {
            let mark = if word.is_part { "·" } else { "" };
            words.push(format!("{}{mark}{}", word.place, word.text));
        });
        words
    }

    #[test]
    fn texts_are_split_where_words_end() {
        let cases: [(&str, &[&str]); 13] = [
            ("checkout-service_v2", &["0checkout", "1service", "2v2"]),
            ("PaymentGateway", &["0paymentgateway", "0·payment", "0·gateway"]),
            ("HTTPServer", &["0httpserver", "0·http", "0·server"]),
            ("sha256 sum", &["0sha256", "0·sha", "0·256", "1sum"]),
            ("GET /v1/customers/{id}", &["0get", "1v1", "2customers", "3id"]),
            ("Größe, Łódź, Crème brûlée", &["0grosse", "1lodz", "2creme", "3brulee"]),
            ("don't; 'quoted'", &["0dont", "1quoted"]),
            ("支払 api", &["0支", "1払", "2api"]),
            ("api支払", &["0api", "1支", "2払"]),
            ("generated-0ab1f9c2de34567890ab", &["0generated", "10ab1f9c2de34567890ab"]),
            ("gRPC mTLS", &["0grpc", "0·rpc", "1mtls", "1·tls"]),
            ("", &[]),
            (" -.- ", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
        assert_eq!(joined("Checkout API (v2)"), "checkoutapiv2");
        assert_eq!(all("GitHub Actions"), ["github", "actions"]);
        assert_eq!(folded(&"ä".repeat(100)).len(), LONGEST);
    }

    proptest! {
        #[test]
        fn whatever_is_written_has_words_at_their_places(text in "\\PC{0,60}") {
            let mut last = 0;
            each(&text, |word| {
                assert!(text.get(word.span.clone()).is_some());
                assert!(word.text.chars().count() <= LONGEST);
                assert!(!word.text.bytes().any(|byte| byte.is_ascii_uppercase()));
                if !word.is_part {
                    assert!(word.span.start >= last);
                    last = word.span.end;
                }
            });
        }
    }
}
