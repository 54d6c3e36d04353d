//! Query parameters of the API, checked before anything else and with the messages of Backstage's validator.
//!
//! A route declares what it takes; what is left out, repeated, empty or unknown is refused here, so handlers only
//! read. Only the first fault is told.

use crate::web::error::Error;

/// One query parameter that a route takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    name: &'static str,
    kind: Kind,
    required: bool,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    /// Repeatable.
    Texts,
    /// Repeatable, and each value a list separated by commas.
    List,
    Integer,
    Natural,
    OneOf(&'static [&'static str]),
}

impl Parameter {
    /// One text.
    pub(super) const fn text(name: &'static str) -> Self {
        Self { name, kind: Kind::Text, required: false }
    }

    /// Any number of texts.
    pub(super) const fn texts(name: &'static str) -> Self {
        Self { name, kind: Kind::Texts, required: false }
    }

    /// Any number of texts, repeated or separated by commas.
    pub(super) const fn list(name: &'static str) -> Self {
        Self { name, kind: Kind::List, required: false }
    }

    /// A whole number.
    pub(super) const fn integer(name: &'static str) -> Self {
        Self { name, kind: Kind::Integer, required: false }
    }

    /// A whole number from 0.
    pub(super) const fn natural(name: &'static str) -> Self {
        Self { name, kind: Kind::Natural, required: false }
    }

    /// One of some words.
    pub(super) const fn one_of(name: &'static str, words: &'static [&'static str]) -> Self {
        Self { name, kind: Kind::OneOf(words), required: false }
    }

    /// The same, but it must be there.
    pub(super) const fn required(self) -> Self {
        Self { required: true, ..self }
    }
}

/// Query parameters that passed the check.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads and checks a query.
    pub(super) fn read(query: Option<&str>, taken: &[Parameter]) -> Result<Self, Error> {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let parameters = Self(pairs.into_owned().collect());
        parameters.check(taken).map_err(Error::Input)?;
        Ok(parameters)
    }

    fn check(&self, taken: &[Parameter]) -> Result<(), String> {
        for (name, _) in &self.0 {
            // `filter[]=…` and `filter[0]=…` are other spellings of a repeated parameter.
            if !taken.iter().any(|parameter| parameter.name == plain_name(name)) {
                return Err(format!("Unknown query parameter '{name}'"));
            }
            let mut values = self.all(plain_name(name));
            if values.next() == Some("") && values.next().is_none() {
                return Err(format!("Empty value found for query parameter '{name}'"));
            }
        }
        taken.iter().try_for_each(|parameter| self.check_one(parameter))
    }

    fn check_one(&self, Parameter { name, kind, required }: &Parameter) -> Result<(), String> {
        let mut values = self.all(name);
        let Some(value) = values.next() else {
            return if *required { Err(format!("request/query must have required property '{name}'")) } else { Ok(()) };
        };
        let repeated = values.next().is_some();
        let whole = || value.parse::<i64>().ok().filter(|_| !repeated);
        let fault = match kind {
            Kind::Texts | Kind::List => None,
            Kind::Text => repeated.then(|| "must be string".to_owned()),
            Kind::Integer => whole().is_none().then(|| "must be integer".to_owned()),
            Kind::Natural => match whole() {
                None => Some("must be integer".to_owned()),
                Some(number) => (number < 0).then(|| "must be >= 0".to_owned()),
            },
            Kind::OneOf(words) => (repeated || !words.contains(&value))
                .then(|| format!("must be equal to one of the allowed values: {}", words.join(", "))),
        };
        fault.map_or(Ok(()), |fault| Err(format!("request/query/{name} {fault}")))
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| plain_name(key) == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that is given at most once.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The values of a repeatable parameter.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.all(name).map(str::to_owned).collect()
    }

    /// The values of a parameter that is repeated or separated by commas; `None` if it is not given.
    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        let parts = self.all(name).flat_map(|value| value.split(',')).map(str::trim).filter(|part| !part.is_empty());
        let parts: Vec<_> = parts.map(str::to_owned).collect();
        self.all(name).next().map(|_| parts)
    }

    /// A number that passed the check.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// A number from 0 that passed the check.
    pub(super) fn natural(&self, name: &str) -> Option<usize> {
        self.text(name)?.parse().ok()
    }
}

fn plain_name(name: &str) -> &str {
    let Some((plain, index)) = name.strip_suffix(']').and_then(|name| name.rsplit_once('[')) else {
        return name;
    };
    if index.bytes().all(|byte| byte.is_ascii_digit()) { plain } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_in_the_words_of_backstage() {
        let taken = &[
            Parameter::texts("filter"),
            Parameter::natural("limit"),
            Parameter::integer("after"),
            Parameter::one_of("totalItems", &["include", "exclude"]),
        ];
        let cases = [
            ("filter=kind%3Dapi&filter=b&limit=5", Ok(())),
            ("filter[]=a&filter[1]=b", Ok(())),
            ("after=-1", Ok(())),
            ("nope=1&limit=x", Err("Unknown query parameter 'nope'")),
            ("filter=", Err("Empty value found for query parameter 'filter'")),
            ("limit=abc", Err("request/query/limit must be integer")),
            ("limit=1.5", Err("request/query/limit must be integer")),
            ("limit=1&limit=2", Err("request/query/limit must be integer")),
            ("limit=-1", Err("request/query/limit must be >= 0")),
            (
                "totalItems=maybe",
                Err("request/query/totalItems must be equal to one of the allowed values: include, exclude"),
            ),
        ];
        for (query, expected) in cases {
            let got = Parameters::read(Some(query), taken).map(drop).map_err(|error| error.to_string());
            assert_eq!(got, expected.map_err(str::to_owned), "{query}");
        }
        let missing = Parameters::read(None, &[Parameter::texts("facet").required()]).unwrap_err();
        assert_eq!(missing.to_string(), "request/query must have required property 'facet'");
    }

    #[test]
    fn lists_are_split_at_commas() {
        let read = Parameters::read(Some("fields=a,b&fields=c%2C+d"), &[Parameter::list("fields")]).unwrap();
        assert_eq!(read.list("fields").unwrap(), ["a", "b", "c", "d"]);
        assert_eq!(read.list("other"), None);
    }
}
