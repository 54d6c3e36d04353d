//! Fields compared: what is gone, new, narrower or wider.

use super::{Impact, Told, from_to};
use crate::definition::model::{Direction, Fact, Field, More};

/// Rules that say how little a value may be.
const LEAST: [&str; 5] =
    ["at least", "more than", "at least this long", "at least this many", "at least this many names"];
/// Rules that say how much a value may be.
const MOST: [&str; 5] = ["at most", "less than", "at most this long", "at most this many", "at most this many names"];
/// Rules that do not matter to callers.
const IDLE: [&str; 8] = [
    "e.g.",
    "instead",
    "told apart by",
    "read only",
    "write only",
    "optional",
    "encoded as",
    "refers to what is not here",
];

impl Told {
    /// Compares fields by name, below a place.
    pub(super) fn fields(&mut self, section: &str, path: &str, direction: Direction, old: &[Field], new: &[Field]) {
        for before in old {
            let place = place(section, path, &before.name);
            match new.iter().find(|field| field.name == before.name) {
                Some(now) => self.field(section, path, direction, before, now),
                None => self.gone(&place, before.direction.unwrap_or(direction), before),
            }
        }
        for now in new {
            if !old.iter().any(|field| field.name == now.name) {
                self.new_field(&place(section, path, &now.name), now.direction.unwrap_or(direction), now);
            }
        }
    }

    fn gone(&mut self, place: &str, direction: Direction, field: &Field) {
        let was = if field.deprecated { " (it was deprecated)" } else { "" };
        match direction {
            Direction::In if field.is_alternative => self.tell(Impact::Breaks, place, "is not taken any more"),
            Direction::In => self.tell(Impact::Check, place, format!("is not taken any more{was}")),
            Direction::Out if field.is_alternative => self.tell(Impact::Fine, place, "is not given any more"),
            Direction::Out | Direction::Both => self.tell(Impact::Breaks, place, format!("is gone{was}")),
        }
    }

    fn new_field(&mut self, place: &str, direction: Direction, field: &Field) {
        match direction {
            Direction::In if field.required && !field.is_alternative => {
                self.tell(Impact::Breaks, place, "is new and must be given");
            }
            Direction::Out if field.is_alternative => self.tell(Impact::Check, place, "is new among what may come"),
            Direction::Both if field.required => self.tell(Impact::Check, place, "is new and must be given"),
            _ => self.tell(Impact::Fine, place, "is new"),
        }
    }

    fn field(&mut self, section: &str, path: &str, direction: Direction, before: &Field, now: &Field) {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 || before == now {
            return;
        }
        let direction = now.direction.unwrap_or(direction);
        let place = place(section, path, &now.name);
        if now.deprecated && !before.deprecated {
            self.tell(Impact::Check, &place, "is deprecated");
        }
        match (before.required, now.required, direction) {
            (false, true, Direction::In) => self.tell(Impact::Breaks, &place, "must be given now"),
            (false, true, Direction::Both) => self.tell(Impact::Check, &place, "must be given now"),
            (false, true, Direction::Out) => self.tell(Impact::Fine, &place, "is always there now"),
            (true, false, Direction::In) => self.tell(Impact::Fine, &place, "may be left out now"),
            (true, false, _) => self.tell(Impact::Breaks, &place, "may be missing now"),
            _ => {}
        }
        self.kind(&place, direction, before, now);
        self.values(&place, direction, before, now);
        self.rules(&place, direction, &before.facts, &now.facts);
        let inner = if path.is_empty() { now.name.clone() } else { format!("{path}.{}", now.name) };
        self.fields(section, &inner, direction, &before.children, &now.children);
    }

    fn kind(&mut self, place: &str, direction: Direction, before: &Field, now: &Field) {
        if before.kind == now.kind {
            return;
        }
        let ((old, may_be_null), (new, may_be_null_now)) = (without_null(&before.kind), without_null(&now.kind));
        // What an object is called does not matter as long as what it is made of is compared.
        let is_made_of_fields =
            |field: &Field| field.children.iter().any(|child| child.direction.is_none()) || field.more != More::Nothing;
        let is_renamed = shape(old) == shape(new) && is_made_of_fields(before) && is_made_of_fields(now);
        if old != new && !is_renamed {
            self.tell(Impact::Breaks, place, from_to(&before.kind, &now.kind));
            return;
        }
        match (may_be_null, may_be_null_now, direction) {
            (true, false, Direction::In) => self.tell(Impact::Breaks, place, "may not be null any more"),
            (false, true, Direction::In) => self.tell(Impact::Fine, place, "may be null now"),
            (false, true, _) => self.tell(Impact::Breaks, place, "may be null now"),
            (true, false, _) => self.tell(Impact::Fine, place, "is never null now"),
            _ => {}
        }
    }

    fn values(&mut self, place: &str, direction: Direction, before: &Field, now: &Field) {
        let list = |values: Vec<&String>| {
            values.into_iter().take(12).map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
        };
        let (old, new) = (&before.values, &now.values);
        match (old.is_empty(), new.is_empty()) {
            (true, true) => {}
            (true, false) => {
                let impact = if direction == Direction::Out { Impact::Fine } else { Impact::Breaks };
                self.tell(impact, place, format!("is only one of {} now", list(new.iter().collect())));
            }
            (false, true) => {
                let impact = if direction == Direction::In { Impact::Fine } else { Impact::Check };
                self.tell(impact, place, "may be any value now");
            }
            (false, false) => {
                let gone: Vec<&String> = old.iter().filter(|value| !new.contains(value)).collect();
                let come: Vec<&String> = new.iter().filter(|value| !old.contains(value)).collect();
                if !gone.is_empty() {
                    let impact = if direction == Direction::Out { Impact::Fine } else { Impact::Breaks };
                    self.tell(impact, place, format!("is not {} any more", list(gone)));
                }
                if !come.is_empty() {
                    let impact = if direction == Direction::In { Impact::Fine } else { Impact::Check };
                    self.tell(impact, place, format!("may be {} now", list(come)));
                }
            }
        }
    }

    fn rules(&mut self, place: &str, direction: Direction, old: &[Fact], new: &[Fact]) {
        let value =
            |facts: &[Fact], rule: &str| facts.iter().find(|fact| fact.rule == rule).map(|fact| fact.value.clone());
        let mut rules: Vec<&'static str> = old.iter().chain(new).map(|fact| fact.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        for rule in rules.into_iter().filter(|rule| !IDLE.contains(rule)) {
            let (before, now) = (value(old, rule), value(new, rule));
            if before == now {
                continue;
            }
            let impact = impact_of(rule, direction, before.as_deref(), now.as_deref());
            let words = match (&before, &now) {
                (Some(before), Some(now)) => format!("{rule}: {}", from_to(before, now)),
                (None, Some(now)) if now.is_empty() => format!("{rule} now"),
                (None, Some(now)) => format!("{rule} `{now}` now"),
                (_, None) => format!("not {rule} `{}` any more", before.unwrap_or_default()),
            };
            self.tell(impact, place, words);
        }
    }
}

fn impact_of(rule: &str, direction: Direction, before: Option<&str>, now: Option<&str>) -> Impact {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<f64>().ok());
    let is_narrower = match (number(before), number(now)) {
        (Some(before), Some(now)) if LEAST.contains(&rule) => now > before,
        (Some(before), Some(now)) if MOST.contains(&rule) => now < before,
        _ => now.is_some(),
    };
    let bounds = LEAST.contains(&rule) || MOST.contains(&rule);
    match (rule, direction) {
        ("number" | "always", _) => Impact::Breaks,
        ("default" | "one of", _) => Impact::Check,
        (_, Direction::In) if bounds => {
            if is_narrower {
                Impact::Breaks
            } else {
                Impact::Fine
            }
        }
        (_, Direction::Out) if bounds => {
            if is_narrower {
                Impact::Fine
            } else {
                Impact::Check
            }
        }
        ("pattern" | "multiple of" | "no two alike", Direction::In) if is_narrower => Impact::Breaks,
        (_, Direction::Out | Direction::Both) if now.is_some() && before.is_none() => Impact::Fine,
        _ => Impact::Check,
    }
}

fn place(section: &str, path: &str, name: &str) -> String {
    let dot = if path.is_empty() || name.is_empty() { "" } else { "." };
    format!("{section}: {path}{dot}{name}")
}

/// A kind without the mark that it may be null. GraphQL marks what may not.
fn without_null(kind: &str) -> (&str, bool) {
    match (kind.strip_suffix(" or null"), kind.strip_suffix('!')) {
        (Some(kind), _) => (kind, true),
        (None, Some(kind)) => (kind, false),
        // Of other formats neither end is told apart from itself.
        (None, None) => (kind, kind.starts_with(|first: char| first.is_uppercase() || first == '[')),
    }
}

/// Whether it is a list, a map or one.
fn shape(kind: &str) -> &str {
    let shapes = ["array of ", "map of ", "repeated ", "stream of "];
    shapes.into_iter().find(|shape| kind.starts_with(shape)).unwrap_or_default()
}
