//! What the expressions of a form can look at: the person, the environments, and the catalog.
//!
//! `entities(filter, path)` lists entities as a picker's `catalogFilter` does, or one value of each; `entity(reference)`
//! is one of them. Where there is no catalog (a rehearsal, Backstage's dry run) both fail, and what they were to
//! compute stays open.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Scaffolder;
use super::expression::{Engine, Syntax};
use super::flag::Flags;
use super::form::{self, EntityChoice, Settled, Sight};
use super::template::Template;
use crate::catalog::{Catalog, Direction, EntityQuery, Order};
use crate::entity::{EntityRef, RefDefaults};
use crate::permission::Credentials;

/// Most entities that an expression is given.
const MANY: usize = 1000;
/// What a function says where there is nothing to ask.
const NO_CATALOG: &str = "there is no catalog here";

impl Scaffolder {
    /// The form of a template for these answers, with the flags that are on; nothing means nothing on the pages that were
    /// answered.
    pub(crate) fn settled(
        &self,
        who: &Credentials,
        template: &Template,
        answers: &Map<String, Value>,
        answered: &BTreeSet<usize>,
        flags: &Flags,
    ) -> Settled {
        form::settled(&template.pages, answers, answered, &self.sight(who, flags))
    }

    /// The form where there is no catalog to look at.
    pub(super) fn settled_blindly(
        &self,
        user: &Value,
        template: &Template,
        answers: &Map<String, Value>,
        flags: &Flags,
    ) -> Settled {
        let blind = |_: &[Value]| Err(NO_CATALOG.to_owned());
        let engine = Engine::new(Syntax::backstage()).global("entities", blind).global("entity", blind);
        let sight = Sight::new(engine, self.seen(user), flags.clone());
        form::settled(&template.pages, answers, &BTreeSet::new(), &sight)
    }

    fn sight(&self, who: &Credentials, flags: &Flags) -> Sight {
        let (listed, one) = ((self.catalog().clone(), who.clone()), (self.catalog().clone(), who.clone()));
        let engine = Engine::new(Syntax::backstage())
            .global("entities", move |arguments| Ok(Some(entities(&listed.0, &listed.1, arguments))))
            .global("entity", move |arguments| Ok(entity(&one.0, &one.1, arguments)));
        Sight::new(engine, self.seen(&self.user(who)), flags.clone())
    }

    fn seen(&self, user: &Value) -> Map<String, Value> {
        let surroundings = self.surroundings();
        Map::from_iter([
            ("user".to_owned(), user.clone()),
            ("environment".to_owned(), json!({"parameters": surroundings.parameters})),
            ("environments".to_owned(), surroundings.environments.clone()),
        ])
    }
}

/// The entities of a filter by name; with a path, the distinct values there.
fn entities(catalog: &Catalog, who: &Credentials, arguments: &[Value]) -> Value {
    let filter = match arguments.first() {
        Some(Value::Object(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_object).cloned().collect(),
        _ => Vec::new(),
    };
    let by_name = Order { field: "metadata.name".to_owned(), order: Direction::Asc };
    let query = EntityQuery {
        filter: EntityChoice { filter, ..EntityChoice::default() }.catalog_filter(),
        order: vec![by_name],
        keep_missing: true,
        limit: Some(MANY),
        ..EntityQuery::default()
    };
    let found = catalog.query(who, &query).items;
    let Some(path) = arguments.get(1).and_then(Value::as_str) else {
        return found.iter().map(|record| json!(record.entity())).collect();
    };
    let mut values: Vec<Value> = Vec::new();
    for record in found {
        let value =
            if path == "ref" { Some(json!(record.reference)) } else { at(&json!(record.entity()), path).cloned() };
        let several = if let Some(Value::Array(several)) = value { several } else { Vec::from_iter(value) };
        let fresh: Vec<Value> = several.into_iter().filter(|value| !values.contains(value)).collect();
        values.extend(fresh);
    }
    Value::Array(values)
}

fn entity(catalog: &Catalog, who: &Credentials, arguments: &[Value]) -> Option<Value> {
    let text = arguments.first()?.as_str()?;
    let reference = EntityRef::parse(text, RefDefaults { kind: Some("component"), namespace: None }).ok()?;
    Some(json!(catalog.entity(who, &reference)?.entity()))
}

/// The value at a dotted path; a key may have dots of its own.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if let Some(found) = value.get(path) {
        return Some(found);
    }
    path.match_indices('.').find_map(|(dot, _)| at(value.get(&path[..dot])?, &path[dot + 1..]))
}
