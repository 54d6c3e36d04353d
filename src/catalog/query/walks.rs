//! Walks by cursor while the catalog changes between the pages.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::catalog::index::Changed;
use crate::catalog::record::tests::row;

/// What happens to one of twenty entities: it gets a type (or none), or goes.
type Step = (u8, Option<Option<u8>>);

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let content = prop::option::weighted(0.75, prop::option::weighted(0.9, 0_u8..4));
    prop::collection::vec((0_u8..20, content), 0..most)
}

/// The catalog, and what is in it in the plainest form.
#[derive(Default)]
struct World {
    index: Index,
    types: BTreeMap<u8, Option<u8>>,
}

impl World {
    fn apply(&mut self, steps: &[Step]) {
        for (name, content) in steps {
            let document = |spec_type: &Option<u8>| {
                json!({
                    "apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": format!("e{name}")},
                    "spec": {"type": spec_type.map(|number| format!("t{number}"))}
                })
            };
            let changed = content.as_ref().map(|content| row(u128::from(*name) + 1, &document(content)));
            self.index.apply(vec![Changed { reference: format!("component:default/e{name}").into(), row: changed }]);
            match content {
                Some(content) => self.types.insert(*name, *content),
                None => self.types.remove(name),
            };
        }
    }
}

/// A walk in one direction, from page to page.
struct Walk {
    query: EntityQuery,
    is_back: bool,
    page: EntityPage,
    /// The whole list when the page was made, and the world.
    whole: Vec<Uuid>,
    types: BTreeMap<u8, Option<u8>>,
    /// Which entities were seen, each with what it was ordered by then.
    seen: Vec<(Uuid, Option<u8>)>,
}

impl Walk {
    fn begin(world: &World, query: EntityQuery) -> Self {
        let page = page(&world.index, &query);
        let mut walk =
            Self { query, is_back: false, page, whole: Vec::new(), types: BTreeMap::new(), seen: Vec::new() };
        walk.look(world);
        walk
    }

    /// Notes what there is while the page is new.
    fn look(&mut self, world: &World) {
        let whole = page(&world.index, &EntityQuery { limit: None, ..self.query.clone() });
        self.whole = whole.items.iter().map(|record| record.uid).collect();
        self.types.clone_from(&world.types);
        self.note();
    }

    fn note(&mut self) {
        let types = &self.types;
        let seen =
            self.page.items.iter().map(|record| (record.uid, types[&record.entity().name()[1..].parse().unwrap()]));
        self.seen.extend(seen);
    }

    /// Turns to the next page; false at the end.
    fn turn(&mut self, world: &World) -> bool {
        let cursor = if self.is_back { self.page.previous.take() } else { self.page.next.take() };
        let Some(cursor) = cursor else { return false };
        // As it comes from a client.
        let cursor = Some(Cursor::decode(&cursor.encode()).unwrap());
        self.page = page(&world.index, &EntityQuery { cursor, ..self.query.clone() });
        self.look(world);
        true
    }
}

fn uid(name: u8) -> Uuid {
    Uuid::from_u128(u128::from(name) + 1)
}

/// Entities that were in the list, with the same type, in every state of the world.
fn constant(states: &[BTreeMap<u8, Option<u8>>], keep_missing: bool) -> HashSet<Uuid> {
    let first = states[0].iter().filter(|(_, spec_type)| keep_missing || spec_type.is_some());
    let kept = first.filter(|(name, spec_type)| states.iter().all(|state| state.get(name) == Some(spec_type)));
    kept.map(|(name, _)| uid(*name)).collect()
}

proptest! {
    #[test]
    fn a_walk_ends_repeats_nothing_that_stayed_and_misses_nothing_that_stayed(
        before in steps(40), between in prop::collection::vec(steps(6), 0..12), limit in 1_usize..6,
        down: bool, keep_missing: bool, is_ordered: bool,
    ) {
        let direction = if down { Direction::Desc } else { Direction::Asc };
        let order = Order { field: "spec.type".to_owned(), order: direction };
        let order = if is_ordered { vec![order] } else { Vec::new() };
        let keep_missing = keep_missing || !is_ordered;
        let mut world = World::default();
        world.apply(&before);
        let query = EntityQuery { order, keep_missing, limit: Some(limit), ..EntityQuery::default() };
        let mut walk = Walk::begin(&world, query);
        let mut changes = between.iter();
        for is_back in [false, true] {
            // The page where a walk turns is its first one: what is on it was seen.
            walk.is_back = is_back;
            walk.seen.clear();
            walk.note();
            // Back from the end, there is what is before the end of this page.
            let on_page: Vec<Uuid> = walk.page.items.iter().map(|record| record.uid).collect();
            let until = walk.whole.iter().position(|uid| on_page.last() == Some(uid)).map_or(0, |last| last + 1);
            let ahead: HashSet<Uuid> = if is_back { &walk.whole[..until] } else { &walk.whole[..] }.iter().copied().collect();
            let mut states = vec![walk.types.clone(), world.types.clone()];
            let mut pages = 0;
            loop {
                let steps = changes.next().map(Vec::as_slice).unwrap_or_default();
                world.apply(steps);
                states.push(world.types.clone());
                if !walk.turn(&world) {
                    break;
                }
                pages += 1;
                prop_assert!(pages <= 20 + between.len(), "the walk does not end");
            }
            let mut places = HashSet::new();
            for seen in &walk.seen {
                prop_assert!(places.insert(*seen), "{seen:?} was seen twice at the same place");
            }
            let stayed = constant(&states, keep_missing);
            for uid in stayed.intersection(&ahead) {
                let times = walk.seen.iter().filter(|(seen, _)| seen == uid).count();
                prop_assert_eq!(times, 1, "{} stayed and was seen {} times", uid, times);
            }
        }
    }
}
