//! What somebody typed: words, phrases in quotes, and filters such as `kind:api`, `-tag:java` or `is:docs`.
//!
//! Every text is a query: what is no filter is words. Only the start of a very long one counts.

use super::document::{Facet, Sort};
use super::words;

/// Letters of a query that count.
const LONGEST: usize = 400;
/// Words that count, and words of a phrase.
const MOST_WORDS: usize = 10;
const MOST_FILTERS: usize = 12;

/// A query that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// Folded. All are looked for, the last one as the start of a word.
    pub(crate) words: Vec<String>,
    /// Words that must follow each other.
    pub(crate) phrases: Vec<Vec<String>>,
    pub(crate) filters: Vec<Filter>,
    /// Everything but the filters, as it was written.
    pub(crate) text: String,
    /// All words in one.
    pub(super) joined: String,
}

/// One condition; several of the same facet are alternatives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) by: By,
    /// Whether it must not be so.
    pub(crate) is_not: bool,
}

/// What a filter looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum By {
    Sort(Vec<Sort>),
    /// Values in their case.
    Exactly(Facet, Vec<String>),
    /// Values as they were written; `me` and `none` mean something as owners.
    Facet(Facet, Vec<String>),
}

impl Filter {
    /// Only documents of some sorts.
    pub(crate) fn sorts(sorts: &[Sort]) -> Self {
        Self { by: By::Sort(sorts.to_vec()), is_not: false }
    }

    /// Only documents with exactly one of some values, in their case. `other` is also none.
    pub(crate) fn exactly(facet: Facet, values: Vec<String>) -> Self {
        Self { by: By::Exactly(facet, values), is_not: false }
    }

    /// Only documents with one of some values.
    pub(crate) fn any(facet: Facet, values: Vec<String>) -> Self {
        Self { by: By::Facet(facet, values), is_not: false }
    }

    /// A condition as it is typed: `key`, and values with commas between them.
    fn read(key: &str, values: &str, is_not: bool) -> Option<Self> {
        let values: Vec<String> =
            values.split(',').map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect();
        let key = key.to_lowercase();
        let sorts: Option<Vec<Sort>> = values.iter().map(|value| Sort::named(&value.to_lowercase())).collect();
        let by = match (key.as_str(), sorts.filter(|sorts| !sorts.is_empty())) {
            (_, _) if values.is_empty() => return None,
            ("is" | "type", Some(sorts)) => By::Sort(sorts),
            ("is", None) if values == ["mine"] => By::Facet(Facet::Owner, vec!["me".to_owned()]),
            ("is", None) => By::Facet(Facet::Lifecycle, values),
            _ => By::Facet(Facet::named(&key)?, values),
        };
        Some(Self { by, is_not })
    }
}

impl Query {
    /// Reads what was typed.
    pub(crate) fn read(text: &str) -> Self {
        let text = text.char_indices().nth(LONGEST).map_or(text, |(end, _)| &text[..end]);
        let mut query = Self::default();
        for token in tokens(text) {
            let (is_not, plain) = match token.strip_prefix('-') {
                Some(plain) if plain.contains(':') => (true, plain),
                _ => (false, token),
            };
            let pair = plain.split_once(':').filter(|(key, _)| key.chars().all(char::is_alphabetic));
            let filter = pair.and_then(|(key, values)| Filter::read(key, values.trim_matches('"'), is_not));
            if let Some(filter) = filter {
                if query.filters.len() < MOST_FILTERS {
                    query.filters.push(filter);
                }
                continue;
            }
            if !query.text.is_empty() {
                query.text.push(' ');
            }
            query.text.push_str(token);
            let found = words::all(token);
            if token.starts_with('"') && found.len() > 1 {
                query.phrases.push(found.into_iter().take(MOST_WORDS).collect());
            } else {
                query.words.extend(found.into_iter().filter(|word| !word.is_empty()));
            }
        }
        query.words.truncate(MOST_WORDS);
        query.phrases.truncate(MOST_WORDS);
        query.joined = if query.phrases.is_empty() { words::joined(&query.text) } else { String::new() };
        query
    }

    /// Words alone, as Backstage's search takes a term: nothing in it is a filter, and what separates words elsewhere but
    /// means something to its engine is left out.
    pub(crate) fn plain(term: &str) -> Self {
        let text = term.replace(['\0', '(', ')', '|', '&', ':', '*', '!'], "");
        let text = text.trim();
        let mut words: Vec<String> = words::all(text).into_iter().filter(|word| !word.is_empty()).collect();
        words.truncate(MOST_WORDS);
        // What has no letters is still something to look for, and found nowhere.
        let text = if text.is_empty() && !term.trim().is_empty() { term.trim() } else { text };
        Self { words, joined: words::joined(text), text: text.to_owned(), ..Self::default() }
    }

    /// Whether there is nothing to look for but what filters leave.
    pub(crate) fn is_open(&self) -> bool {
        self.words.is_empty() && self.phrases.is_empty()
    }

    /// Whether there is something to look for, but no word in it: `!?`
    pub(crate) fn is_void(&self) -> bool {
        self.is_open() && !self.text.is_empty()
    }

    /// The same with one more condition.
    #[must_use]
    pub(crate) fn and(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }
}

/// The parts between spaces; what is in quotes stays together.
fn tokens(text: &str) -> Vec<&str> {
    let (mut tokens, mut start, mut is_quoted) = (Vec::new(), None, false);
    for (at, letter) in text.char_indices() {
        if letter.is_whitespace() && !is_quoted {
            tokens.extend(start.take().map(|start| &text[start..at]));
            continue;
        }
        is_quoted ^= letter == '"';
        start.get_or_insert(at);
    }
    tokens.extend(start.map(|start| &text[start..]));
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_phrases_and_filters_are_told_apart() {
        let query =
            Query::read("Payment-gateway kind:API,component -tag:\"old stuff\" \"exactly this\" owner:me http://x");
        assert_eq!(query.words, ["payment", "gateway", "http", "x"]);
        assert_eq!(query.phrases, [["exactly", "this"]]);
        let any = |facet, values: &[&str]| Filter::any(facet, values.iter().map(|value| (*value).to_owned()).collect());
        let tag = Filter { is_not: true, ..any(Facet::Tag, &["old stuff"]) };
        assert_eq!(query.filters, [any(Facet::Kind, &["API", "component"]), tag, any(Facet::Owner, &["me"])]);
        assert_eq!(query.text, "Payment-gateway \"exactly this\" http://x");
    }

    #[test]
    fn sorts_are_filters_too() {
        let cases = [
            ("is:template", By::Sort(vec![Sort::Template])),
            ("type:docs", By::Sort(vec![Sort::Docs])),
            ("is:api,run", By::Sort(vec![Sort::Api, Sort::Run])),
            ("type:service", By::Facet(Facet::Type, vec!["service".to_owned()])),
            ("is:mine", By::Facet(Facet::Owner, vec!["me".to_owned()])),
            ("is:deprecated", By::Facet(Facet::Lifecycle, vec!["deprecated".to_owned()])),
        ];
        for (text, by) in cases {
            assert_eq!(Query::read(text).filters, [Filter { by, is_not: false }], "{text}");
        }
    }

    #[test]
    fn anything_is_a_query() {
        for text in ["", "\"", "::", "-", "kind:", "-:", "\"a", "a\"b c\"d", "🙂 .*", "\u{0}", &"x:".repeat(5000)] {
            let query = Query::read(text);
            assert!(query.words.len() <= MOST_WORDS && query.text.len() <= 4 * LONGEST, "{text}");
        }
        assert!(Query::read("kind:api").is_open());
        assert!(Query::read("!?").is_void());
    }
}
