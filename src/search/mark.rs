//! Why something was found: texts with the words that were looked for marked, and the part of a long one that has most
//! of them.
//!
//! Texts stay as they are, in pieces; whoever shows them escapes each.

use super::find::Fit;
use super::near::Near;
use super::query::Query;
use super::segment::cut;
use super::words;

/// A part of a text, marked or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) is_marked: bool,
}

/// Marks the words of a query.
#[derive(Debug)]
pub(crate) struct Marker {
    wanted: Vec<Wanted>,
    /// All words in one, as names may be written.
    joined: String,
}

#[derive(Debug)]
struct Wanted {
    word: String,
    /// Whether a word may go on behind it.
    is_start: bool,
    near: Option<Near>,
}

/// Bytes of a text that are looked through for its best part.
const LOOKED_THROUGH: usize = 60_000;

impl Marker {
    /// For a query and how it was met. With `are_starts` every word may be the start of one.
    pub(crate) fn new(query: &Query, fit: Fit, are_starts: bool) -> Self {
        let last = query.words.len();
        let words = query.words.iter().zip(1..).map(|(word, at)| (word, are_starts || at == last));
        let phrases = query.phrases.iter().flatten().map(|word| (word, false));
        let wanted = words.chain(phrases).map(|(word, is_start)| {
            let most = match word.chars().count() {
                _ if fit == Fit::Exact => 0,
                0..4 => 0,
                4..8 => 1,
                _ => 2,
            };
            let near = (most > 0).then(|| Near::new(word, most, is_start));
            Wanted { word: word.clone(), is_start, near }
        });
        Self { wanted: wanted.collect(), joined: query.joined.clone() }
    }

    /// A text in pieces.
    pub(crate) fn pieces(&self, text: &str) -> Vec<Piece> {
        let spans = self.spans(text);
        pieces_of(text, 0..text.len(), &spans)
    }

    /// How many of the words are in a text.
    pub(crate) fn count(&self, text: &str) -> usize {
        let mut words: Vec<usize> = self.spans(text).into_iter().map(|(word, _, _)| word).collect();
        words.sort_unstable();
        words.dedup();
        words.len()
    }

    /// The part of a text that has most of the words, about as long as asked, in pieces; from its start if it has none.
    pub(crate) fn excerpt(&self, text: &str, length: usize) -> Vec<Piece> {
        let text = cut(text, LOOKED_THROUGH);
        let spans = self.spans(text);
        if text.len() <= length {
            return pieces_of(text, 0..text.len(), &spans);
        }
        // The window that begins a little before a match and has the most matches of different words.
        let mut start = 0;
        let mut most = 0;
        for (at, (_, span, _)) in spans.iter().enumerate() {
            let within = spans[at..].iter().take_while(|(_, other, _)| other.end <= span.start + length * 3 / 4);
            let (mut seen, mut count) = (0_u64, 0);
            for (word, _, _) in within {
                seen |= 1 << (word % 64);
                count += 1;
            }
            let worth = seen.count_ones() * 100 + count.min(10);
            if worth > most {
                (start, most) = (span.start.saturating_sub(length / 6), worth);
            }
        }
        let start = word_start(text, start);
        let end = word_start(text, (start + length).min(text.len()));
        let end = if end <= start { text.len() } else { end };
        let mut pieces = pieces_of(text, start..end, &spans);
        if start > 0
            && let Some(first) = pieces.first_mut()
        {
            first.text.insert_str(0, "… ");
        }
        if end < text.len() {
            match pieces.last_mut() {
                Some(last) if !last.is_marked => last.text = format!("{} …", last.text.trim_end()),
                _ => pieces.push(Piece { text: " …".to_owned(), is_marked: false }),
            }
        }
        pieces
    }

    /// Where the words are: number of the word, its place, whether it is all of it.
    fn spans(&self, text: &str) -> Vec<(usize, std::ops::Range<usize>, bool)> {
        let mut spans: Vec<(usize, std::ops::Range<usize>, bool)> = Vec::new();
        words::each(text, |found| {
            let fits = |wanted: &Wanted| wanted.fits(&found.text, found.is_part);
            let Some(at) = self.wanted.iter().position(fits) else { return };
            let is_inside = spans.last().is_some_and(|(_, last, _)| last.end > found.span.start);
            if is_inside {
                return;
            }
            let wanted = &self.wanted[at];
            let own = &text[found.span.clone()];
            // Of a word that goes on only what was typed is marked, where letters stand for themselves.
            let length = wanted.word.len();
            let is_plain = own.is_ascii() && found.text.starts_with(&wanted.word) && own.len() == found.text.len();
            let end = if wanted.is_start && is_plain { found.span.start + length } else { found.span.end };
            spans.push((at, found.span.start..end, end == found.span.end));
        });
        if spans.is_empty() && !self.joined.is_empty() && words::joined(text).starts_with(&self.joined) {
            spans.push((0, 0..text.len(), true));
        }
        spans
    }
}

impl Wanted {
    fn fits(&self, word: &str, is_part: bool) -> bool {
        let is_exact = if self.is_start { word.starts_with(&self.word) } else { word == self.word };
        let singular = |one: &str, other: &str| one.len() > 3 && other.strip_suffix('s') == Some(one);
        is_exact
            || (!is_part && (singular(word, &self.word) || singular(&self.word, word)))
            || self.near.as_ref().is_some_and(|near| near.distance_to(word).is_some())
    }
}

/// The start of the word at a place, or of a letter if the word is long.
fn word_start(text: &str, at: usize) -> usize {
    let at = cut(text, at).len();
    match text[..at].rfind(char::is_whitespace) {
        _ if at == 0 || at == text.len() => at,
        Some(space) if at - space < 40 => space + text[space..].chars().next().map_or(1, char::len_utf8),
        _ => at,
    }
}

fn pieces_of(text: &str, part: std::ops::Range<usize>, spans: &[(usize, std::ops::Range<usize>, bool)]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = part.start;
    let mut push = |text: &str, is_marked| {
        if !text.is_empty() {
            pieces.push(Piece { text: text.to_owned(), is_marked });
        }
    };
    for (_, span, _) in spans.iter().filter(|(_, span, _)| span.start >= part.start && span.end <= part.end) {
        if span.start >= at {
            push(&text[at..span.start], false);
            push(&text[span.clone()], true);
            at = span.end;
        }
    }
    push(&text[at..part.end], false);
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(pieces: &[Piece]) -> String {
        pieces
            .iter()
            .map(|piece| if piece.is_marked { format!("[{}]", piece.text) } else { piece.text.clone() })
            .collect()
    }

    fn marker(query: &str, fit: Fit) -> Marker {
        Marker::new(&Query::read(query), fit, false)
    }

    #[test]
    fn words_are_marked_as_far_as_they_were_typed() {
        let cases = [
            ("pay", Fit::Exact, "Payment gateway", "[Pay]ment gateway"),
            ("payment gate", Fit::Exact, "payment-gateway pays", "[payment]-[gate]way pays"),
            ("paymnet", Fit::Near, "The Payment", "The [Payment]"),
            ("hub", Fit::Exact, "on GitHub", "on Git[Hub]"),
            ("github", Fit::Exact, "on GitHub", "on [GitHub]"),
            ("services in", Fit::Exact, "a service in", "a [service] [in]"),
            ("grosse", Fit::Exact, "Größe", "[Größe]"),
            ("checkoutapi", Fit::Exact, "Checkout API", "[Checkout API]"),
            ("<b>", Fit::Exact, "<b>", "<[b]>"),
            ("zzz", Fit::Exact, "nothing", "nothing"),
        ];
        for (query, fit, text, expected) in cases {
            assert_eq!(shown(&marker(query, fit).pieces(text)), expected, "{query}");
        }
    }

    #[test]
    fn an_excerpt_is_where_the_words_are() {
        let text = format!("{} the payment gateway of acme {}", "before and ".repeat(40), "and after ".repeat(40));
        let found = shown(&marker("gateway payment", Fit::Exact).excerpt(&text, 120));
        assert!(found.starts_with("… ") && found.ends_with(" …"), "{found}");
        assert!(found.contains("the [payment] [gateway] of acme"), "{found}");
        assert!(found.len() < 150, "{found}");
        assert_eq!(shown(&marker("x", Fit::Exact).excerpt("short", 100)), "short");
    }

    proptest! {
        #[test]
        fn pieces_are_the_text(text in "\\PC{0,200}", query in "\\PC{0,12}", length in 1_usize..80) {
            let marker = marker(&query, Fit::Near);
            let whole: String = marker.pieces(&text).into_iter().map(|piece| piece.text).collect();
            prop_assert_eq!(&whole, &text);
            marker.excerpt(&text, length);
        }
    }
}
