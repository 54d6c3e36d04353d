//! The parameters of a search, read as Backstage's server does (`filters[kind]=…`, `types[0]=…`), with its messages.
//! Parameters that nobody knows are let pass, as there.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The types that there are.
pub(super) const CATALOG: &str = "software-catalog";
pub(super) const TECHDOCS: &str = "techdocs";

/// Results on a page if nobody says.
const DEFAULT_LIMIT: usize = 25;
/// Results on a page, and letters of a term, at most.
const MOST: i64 = 100;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) term: String,
    /// Keys of documents, and the values that are let pass.
    pub(super) filters: Vec<(String, Vec<String>)>,
    pub(super) types: Vec<String>,
    pub(super) page: usize,
    /// The cursor is none: no page is there.
    pub(super) is_nowhere: bool,
    pub(super) limit: usize,
}

impl Wanted {
    /// Reads a query. The error is the message.
    pub(super) fn read(query: Option<&str>) -> Result<Self, String> {
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
        let one = |name: &str, form: &str| {
            let mut found = pairs.iter().filter(|(key, _)| path_of(key).0 == name);
            let first = found.next();
            let is_one = first.is_none_or(|(key, _)| key == name) && found.next().is_none();
            is_one.then(|| first.map(|(_, value)| value.as_str())).ok_or(format!("request/query/{name} must be {form}"))
        };
        let term = one("term", "string")?.unwrap_or_default().to_owned();
        let filters = filters(&pairs)?;
        let types = texts(&pairs, "types")?;
        let cursor = one("pageCursor", "string")?.unwrap_or_default();
        let limit = one("pageLimit", "integer")?;
        let limit = limit.map(|text| whole(text).ok_or("request/query/pageLimit must be integer")).transpose()?;
        let issues = issues(&term, &types, limit);
        if !issues.is_empty() {
            return Err(format!("Invalid query string: [\n{}\n]", issues.join(",\n")));
        }
        let page = page(cursor);
        let is_nowhere = page.is_none();
        // As there, no limit and one of nothing are the same.
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        Ok(Self { term, filters, types, page: page.unwrap_or(usize::MAX / 2), is_nowhere, limit })
    }
}

/// What the values say that have the right form.
fn issues(term: &str, types: &[String], limit: Option<i64>) -> Vec<String> {
    let issue = |message: &str, path: &[String]| {
        let path = path.iter().map(|part| format!("      {part}")).collect::<Vec<_>>().join(",\n");
        let message = serde_json::Value::from(message);
        format!("  {{\n    \"code\": \"custom\",\n    \"message\": {message},\n    \"path\": [\n{path}\n    ]\n  }}")
    };
    let mut issues = Vec::new();
    let length = term.encode_utf16().count();
    if length > 100 {
        let message = format!("The term length \"{length}\" is greater than \"{MOST}\"");
        issues.push(issue(&message, &["\"term\"".to_owned()]));
    }
    for (at, _) in types.iter().enumerate().filter(|(_, name)| ![CATALOG, TECHDOCS].contains(&name.as_str())) {
        issues.push(issue("Invalid input", &["\"types\"".to_owned(), at.to_string()]));
    }
    if let Some(limit) = limit.filter(|limit| *limit > MOST) {
        let message = format!("The page limit \"{limit}\" is greater than \"{MOST}\"");
        issues.push(issue(&message, &["\"pageLimit\"".to_owned()]));
    }
    issues
}

/// `filters[kind][0]` as its name and the keys behind it.
fn path_of(key: &str) -> (&str, Vec<&str>) {
    match key.split_once('[') {
        Some((name, rest)) if rest.ends_with(']') && !name.is_empty() => {
            (name, rest[..rest.len() - 1].split("][").collect())
        }
        _ => (key, Vec::new()),
    }
}

fn filters(pairs: &[(String, String)]) -> Result<Vec<(String, Vec<String>)>, String> {
    let mut filters: Vec<(String, Vec<String>)> = Vec::new();
    for (key, value) in pairs {
        let (name, path) = path_of(key);
        if name != "filters" {
            continue;
        }
        let is_number = |key: &&str| key.is_empty() || key.bytes().all(|byte| byte.is_ascii_digit());
        let Some(field) = path.first().filter(|key| !is_number(key)) else {
            return Err("request/query/filters must be object".to_owned());
        };
        match filters.iter_mut().find(|(known, _)| known == field) {
            Some((_, values)) => values.push(value.clone()),
            None => filters.push(((*field).to_owned(), vec![value.clone()])),
        }
    }
    Ok(filters)
}

/// Values of a list, which may be one text.
fn texts(pairs: &[(String, String)], name: &str) -> Result<Vec<String>, String> {
    let mut texts = Vec::new();
    for (key, value) in pairs {
        let (own, path) = path_of(key);
        if own != name {
            continue;
        }
        if !path.iter().all(|key| key.bytes().all(|byte| byte.is_ascii_digit())) || path.len() > 1 {
            return Err(format!("request/query/{name} must be array"));
        }
        texts.push(value.clone());
    }
    Ok(texts)
}

/// A whole number as JavaScript reads one.
fn whole(text: &str) -> Option<i64> {
    let number: f64 = text.trim().parse().ok()?;
    let is_whole = number.fract() == 0.0 && number.abs() < 9e15;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number that is not too large")]
    is_whole.then_some(number as i64)
}

/// The page of a cursor, from 0; none if it says no number.
fn page(cursor: &str) -> Option<usize> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    if cursor.is_empty() {
        return Some(0);
    }
    let text = String::from_utf8(LENIENT.decode(cursor).ok()?).ok()?;
    whole(&text).and_then(|page| usize::try_from(page).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_as_there() {
        let wanted = Wanted::read(Some(
            "term=a%20b&filters[kind][0]=API&filters[kind][]=Component&filters%5Bowner%5D=x&types=techdocs\
             &pageCursor=MQ%3D%3D&pageLimit=5&anything=else",
        ));
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let expected = Wanted {
            term: "a b".to_owned(),
            filters: vec![("kind".to_owned(), texts(&["API", "Component"])), ("owner".to_owned(), texts(&["x"]))],
            types: texts(&["techdocs"]),
            page: 1,
            is_nowhere: false,
            limit: 5,
        };
        assert_eq!(wanted, Ok(expected));
        assert!(Wanted::read(Some("pageCursor=zzz")).unwrap().is_nowhere);
        for (limit, expected) in [("0", 25), ("-3", 25), ("1e1", 10), ("100", 100)] {
            assert_eq!(Wanted::read(Some(&format!("pageLimit={limit}"))).unwrap().limit, expected, "{limit}");
        }
    }

    #[test]
    fn faults_are_told_in_the_words_of_backstage() {
        let cases = [
            ("pageLimit=x", "request/query/pageLimit must be integer"),
            ("pageLimit=", "request/query/pageLimit must be integer"),
            ("pageLimit=1&pageLimit=2", "request/query/pageLimit must be integer"),
            ("term=a&term=b", "request/query/term must be string"),
            ("term[x]=a", "request/query/term must be string"),
            ("filters=a", "request/query/filters must be object"),
            ("types[a]=b", "request/query/types must be array"),
        ];
        for (query, expected) in cases {
            assert_eq!(Wanted::read(Some(query)), Err(expected.to_owned()), "{query}");
        }
        let several = Wanted::read(Some("types=x&pageLimit=101")).unwrap_err();
        assert!(
            several.contains("Invalid input") && several.contains("The page limit \\\"101\\\" is greater"),
            "{several}"
        );
    }
}
