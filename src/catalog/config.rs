//! What `app-config.yaml` says about the catalog: `catalog` and `backend.reading`.

use std::collections::BTreeMap;
use std::time::Duration;

use globset::Glob;
use serde::Deserialize;

use super::lease::Lease;
use super::location::LocationRef;
use super::provider::ProvidersConfig;
use super::reader::Reader;
use crate::entity::{Entity, Model};

/// The section `catalog`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CatalogConfig {
    /// Locations that are there from the start.
    pub(crate) locations: Vec<ConfiguredLocation>,
    /// Which kinds may come from where. Without any, configured locations may declare everything, and registered
    /// ones everything but groups, users and templates.
    pub(crate) rules: Vec<KindRule>,
    /// What becomes of an entity that its file no longer declares.
    pub(crate) orphan_strategy: OrphanStrategy,
    /// What becomes of what a provider provided that is configured no more.
    pub(crate) orphan_provider_strategy: OrphanStrategy,
    /// What finds out by itself what there is.
    pub(crate) providers: ProvidersConfig,
    /// Kinds and relations beside the built-in ones.
    pub(crate) model: Model,
    /// How often a source is read again.
    pub(crate) processing_interval: Interval,
    /// How long changes are kept.
    pub(crate) history: HistoryConfig,
    /// `backend.reading`, put here by the configuration.
    #[serde(skip)]
    pub(crate) reading: ReadingRules,
    /// How long a process may be silent before others read what it was reading.
    #[serde(skip)]
    pub(crate) lease: Lease,
}

impl Default for CatalogConfig {
    fn default() -> Self {
        Self {
            locations: Vec::new(),
            rules: Vec::new(),
            orphan_strategy: OrphanStrategy::default(),
            orphan_provider_strategy: OrphanStrategy::default(),
            providers: ProvidersConfig::default(),
            model: Model::default(),
            processing_interval: Interval(Duration::from_mins(2)),
            history: HistoryConfig::default(),
            reading: ReadingRules::default(),
            lease: Lease::default(),
        }
    }
}

/// The section `catalog.history`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct HistoryConfig {
    /// How old a change becomes; all are kept without. The newest change of an entity that is there always stays.
    pub(crate) retention: Option<Interval>,
}

/// A length of time as Backstage's configuration writes it: `30s`, `2 minutes`, `{minutes: 2, seconds: 30}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WrittenInterval")]
pub(crate) struct Interval(pub(crate) Duration);

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenInterval {
    Text(String),
    Parts(BTreeMap<String, f64>),
}

impl TryFrom<WrittenInterval> for Interval {
    type Error = String;

    fn try_from(written: WrittenInterval) -> Result<Self, Self::Error> {
        let parts: Vec<(String, f64)> = match written {
            WrittenInterval::Parts(parts) => parts.into_iter().collect(),
            WrittenInterval::Text(text) if text.starts_with('P') => iso_parts(&text)
                .ok_or_else(|| format!("\"{text}\" is not an ISO 8601 length of time; write it as `PT30M`"))?,
            WrittenInterval::Text(text) => {
                let number = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
                let (number, unit) = text.split_at(number);
                let number = number
                    .parse()
                    .map_err(|_| format!("\"{text}\" is not a length of time; write it as `30s`, `5m` or `1h`"))?;
                vec![(unit.trim().to_owned(), number)]
            }
        };
        let mut total = 0.0;
        for (unit, number) in parts {
            let seconds = match unit.as_str() {
                "ms" | "millisecond" | "milliseconds" => 0.001,
                "s" | "sec" | "second" | "seconds" => 1.0,
                "m" | "min" | "minute" | "minutes" => 60.0,
                "h" | "hour" | "hours" => 3600.0,
                "d" | "day" | "days" => 86400.0,
                _ => return Err(format!("\"{unit}\" is not a unit of time; use `s`, `m`, `h` or `d`")),
            };
            total += number * seconds;
        }
        Duration::try_from_secs_f64(total).map(Self).map_err(|error| error.to_string())
    }
}

/// The parts of `P1DT2H30M`; none if that is no length of time, or one in months and years, which are not all alike.
fn iso_parts(text: &str) -> Option<Vec<(String, f64)>> {
    let (date, time) = text.strip_prefix('P')?.split_once('T').unwrap_or((text.strip_prefix('P')?, ""));
    let mut parts = Vec::new();
    for (mut rest, units) in [(date, "D"), (time, "HMS")] {
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
            let unit = rest[end..].chars().next().filter(|unit| units.contains(*unit))?;
            parts.push((unit.to_ascii_lowercase().to_string(), rest[..end].parse().ok()?));
            rest = &rest[end + 1..];
        }
    }
    Some(parts).filter(|parts| !parts.is_empty())
}

/// One of `catalog.locations`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ConfiguredLocation {
    /// `file` or `url`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// A path (relative to the working directory; may have `*`) or a URL.
    pub(crate) target: String,
    /// Kinds this location may declare, beside what the general rules allow.
    #[serde(default)]
    pub(crate) rules: Vec<KindRule>,
}

impl ConfiguredLocation {
    /// A URL, with no rules of its own.
    pub(crate) fn url(target: String) -> Self {
        Self { kind: "url".to_owned(), target, rules: Vec::new() }
    }
}

/// One of `catalog.rules`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct KindRule {
    /// The kinds that are allowed.
    pub(crate) allow: Vec<AllowedKind>,
    /// Only from these locations; from everywhere without.
    #[serde(default)]
    pub(crate) locations: Option<Vec<LocationPattern>>,
}

/// A kind in a rule: `Component`, or `{kind: Component, spec.type: website}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum AllowedKind {
    /// Every entity of the kind.
    Kind(String),
    /// Entities of the kind and type.
    Typed {
        /// The kind.
        kind: String,
        /// Its `spec.type`.
        #[serde(rename = "spec.type", default)]
        spec_type: Option<String>,
    },
}

/// Which locations a rule is for.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct LocationPattern {
    /// `file` or `url`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// The whole target.
    exact: Option<String>,
    /// A glob for the target.
    pattern: Option<String>,
}

/// What becomes of an entity that nothing declares any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OrphanStrategy {
    /// It is deleted at once.
    #[default]
    Delete,
    /// It stays, with the annotation `backstage.io/orphan`.
    Keep,
}

/// The section `backend.reading`: which hosts may be read from.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct ReadingRules {
    /// The hosts; none without.
    pub(crate) allow: Vec<AllowedHost>,
    /// How long one file may take, with all redirects and the whole body.
    pub(crate) timeout: Interval,
}

impl Default for ReadingRules {
    fn default() -> Self {
        Self { allow: Vec::new(), timeout: Interval(Duration::from_secs(30)) }
    }
}

/// One of `backend.reading.allow`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AllowedHost {
    /// `example.com`, `example.com:8080` or `*.example.com`.
    pub(crate) host: String,
    /// Only paths below these.
    #[serde(default)]
    pub(crate) paths: Option<Vec<String>>,
    /// Whether the name may lead to a private or loopback address; always so for `localhost` and written addresses.
    #[serde(default)]
    pub(crate) private_addresses: bool,
}

impl CatalogConfig {
    /// The same with the targets of its locations as they are stored.
    pub(super) fn settled(mut self, reader: &Reader) -> Self {
        for location in &mut self.locations {
            location.target = reader.stored_target(&location.kind, &location.target);
        }
        self
    }

    /// How often a source is read again.
    pub(crate) fn read_interval(&self) -> Duration {
        self.processing_interval.0.max(Duration::from_secs(1))
    }

    /// Everything here on which depends what becomes of the files of a root location.
    pub(crate) fn fingerprint(&self, origin: &LocationRef) -> String {
        let configured = self.locations.iter().find(|location| location.reference() == *origin);
        let own = configured.map(|location| &location.rules);
        format!("{own:?} {:?} {:?} {:?}", self.rules, self.orphan_strategy, self.model)
    }

    /// Whether an entity may come from a root location.
    pub(crate) fn allows(&self, entity: &Entity, origin: &LocationRef) -> bool {
        let configured = self.locations.iter().find(|location| location.reference() == *origin);
        let own = configured.map_or(&[][..], |location| &location.rules);
        if own.iter().flat_map(|rule| &rule.allow).any(|allowed| allowed.fits(entity)) {
            return true;
        }
        if self.rules.is_empty() {
            let is_trusted = configured.is_some() && own.is_empty();
            let kind = entity.kind();
            return is_trusted || !["Group", "User", "Template"].iter().any(|held| kind.eq_ignore_ascii_case(held));
        }
        self.rules.iter().any(|rule| rule.fits(entity, origin))
    }
}

impl ConfiguredLocation {
    /// The reference under which the location is read: paths made absolute.
    pub(crate) fn reference(&self) -> LocationRef {
        let target = match self.kind.as_str() {
            "file" => std::path::absolute(&self.target)
                .map_or_else(|_| self.target.clone(), |path| path.to_string_lossy().into_owned()),
            _ => self.target.clone(),
        };
        LocationRef::new(self.kind.clone(), target)
    }
}

impl KindRule {
    fn fits(&self, entity: &Entity, origin: &LocationRef) -> bool {
        let fits_location = match &self.locations {
            None => true,
            Some(patterns) => patterns.iter().any(|pattern| pattern.fits(origin)),
        };
        fits_location && self.allow.iter().any(|allowed| allowed.fits(entity))
    }
}

impl AllowedKind {
    fn fits(&self, entity: &Entity) -> bool {
        let (kind, spec_type) = match self {
            Self::Kind(kind) => (kind, None),
            Self::Typed { kind, spec_type } => (kind, spec_type.as_deref()),
        };
        let has_type =
            |wanted: &str| entity.text(&["spec", "type"]).is_some_and(|found| found.eq_ignore_ascii_case(wanted));
        kind.eq_ignore_ascii_case(entity.kind()) && spec_type.is_none_or(has_type)
    }
}

impl LocationPattern {
    fn fits(&self, origin: &LocationRef) -> bool {
        let fits_glob =
            |pattern: &String| Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(&origin.target));
        self.kind.as_ref().is_none_or(|kind| *kind == origin.kind)
            && self.exact.as_ref().is_none_or(|exact| *exact == origin.target)
            && self.pattern.as_ref().is_none_or(fits_glob)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(value: serde_json::Value) -> CatalogConfig {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn intervals_are_written_as_in_backstage() {
        let check = |written: serde_json::Value| {
            serde_json::from_value(written).ok().map(|Interval(length)| length.as_millis())
        };
        let cases = [
            (json!("30s"), Some(30_000)),
            (json!("500ms"), Some(500)),
            (json!("2 minutes"), Some(120_000)),
            (json!("1.5h"), Some(5_400_000)),
            (json!({"minutes": 2, "seconds": 30}), Some(150_000)),
            (json!("PT30M"), Some(1_800_000)),
            (json!("P1DT1.5H"), Some(91_800_000)),
            (json!("P1M"), None),
            (json!("P"), None),
            (json!("PT5"), None),
            (json!("soon"), None),
            (json!("30"), None),
            (json!("30 parsecs"), None),
        ];
        for (written, expected) in cases {
            assert_eq!(check(written.clone()), expected, "{written}");
        }
    }

    #[test]
    fn rules_say_which_kinds_come_from_where() {
        let entity = |kind: &str, spec_type: &str| {
            serde_json::from_value::<Entity>(json!({"kind": kind, "spec": {"type": spec_type}})).unwrap()
        };
        let file = LocationRef::new("file", "/srv/all.yaml");
        let url = LocationRef::new("url", "https://git.example.com/acme/x.yaml");
        let open = config(json!({"locations": [{"type": "file", "target": "/srv/all.yaml"}]}));
        let strict = config(json!({
            "locations": [{"type": "file", "target": "/srv/all.yaml", "rules": [{"allow": ["User"]}]}],
            "rules": [
                {"allow": ["Component", {"kind": "Resource", "spec.type": "database"}]},
                {"allow": ["Template"], "locations": [{"type": "url", "pattern": "https://git.example.com/**"}]}
            ]
        }));
        let cases = [
            (&open, &file, entity("Template", "x"), true),
            (&open, &url, entity("Template", "x"), false),
            (&open, &url, entity("Group", "x"), false),
            (&open, &url, entity("Component", "x"), true),
            (&strict, &file, entity("User", "x"), true),
            (&strict, &url, entity("User", "x"), false),
            (&strict, &url, entity("component", "x"), true),
            (&strict, &url, entity("Resource", "Database"), true),
            (&strict, &url, entity("Resource", "bucket"), false),
            (&strict, &url, entity("Template", "x"), true),
            (&strict, &file, entity("Template", "x"), false),
        ];
        for (config, origin, entity, expected) in cases {
            assert_eq!(config.allows(&entity, origin), expected, "{entity:?} from {origin}");
        }
    }
}
