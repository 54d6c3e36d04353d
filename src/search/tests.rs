//! What is found first, and that the index is what it would be if it were built anew.

use std::collections::{BTreeMap, BTreeSet};

use fst::Streamer as _;
use proptest::prelude::*;

use super::document::{Document, Facet, Field, Fields, Sort};
use super::find::{self, Fit, Wish};
use super::postings;
use super::query::Query;
use super::reading::{Reading, Stock};

/// An entity: reference, title, description, tags, owner, lifecycle.
type Sample = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const COMPANY: [Sample; 16] = [
    (
        "component:default/payment-gateway",
        "",
        "Takes cards and talks to banks",
        "java payments",
        "payments",
        "production",
    ),
    ("component:default/payments", "", "", "go", "payments", "production"),
    (
        "component:default/checkout-service",
        "Checkout",
        "Turns a basket into a payment",
        "rust",
        "storefront",
        "production",
    ),
    ("component:default/checkout-web", "", "", "typescript", "storefront", "experimental"),
    ("component:default/legacy-checkout", "", "To be replaced", "java", "storefront", "deprecated"),
    ("component:default/ledger", "", "Books every payment", "rust", "finance", "production"),
    ("api:default/checkout-api", "Checkout API", "Baskets and orders", "rest", "storefront", "production"),
    ("system:default/checkout", "Checkout", "Everything from basket to order", "", "storefront", ""),
    ("group:default/payments", "Payments team", "", "", "", ""),
    ("user:default/ada", "Ada Lovelace", "", "", "", ""),
    ("template:default/rust-service", "Rust service", "A service with a chart", "rust recommended", "platform", ""),
    ("resource:default/orders-db", "", "Postgres of the orders", "postgres", "storefront", "production"),
    ("component:default/github-mirror", "GitHub mirror", "", "", "platform", "production"),
    ("component:default/groesse", "Größe und Maß", "", "", "platform", "production"),
    ("location:default/generated-checkout", "", "", "", "", ""),
    ("component:default/inventory-service", "", "", "", "warehouse", "production"),
];

fn entity(sample: &Sample) -> Document {
    let (reference, title, about, tags, owner, lifecycle) = sample;
    let (kind, name) = reference.split_once(":default/").unwrap();
    let sort = match kind {
        "api" => Sort::Api,
        "template" => Sort::Template,
        _ => Sort::Entity,
    };
    let mut document = Document::new(sort, *reference, "");
    document.add(Field::Name, name);
    document.add(Field::Title, *title);
    document.add(Field::Lead, *about);
    for tag in tags.split_whitespace() {
        document.add(Field::Tags, tag);
        document.set(Facet::Tag, tag);
    }
    document.set(Facet::Kind, kind);
    document.set(Facet::Lifecycle, *lifecycle);
    if !owner.is_empty() {
        document.set(Facet::Owner, format!("group:default/{owner}"));
        document.add(Field::About, *owner);
    }
    if sort == Sort::Api {
        document.add(Field::Definition, "POST /baskets/{basketId}/orders placeOrder Turns a basket into an order");
    }
    document.prior = match (kind, *lifecycle) {
        ("location", _) => -100,
        (_, "deprecated") => -6,
        (_, "production") => 4,
        _ => 0,
    };
    document
}

fn section(place: &str, page: &str, heading: &str, text: &str) -> Document {
    let mut document = Document::new(Sort::Docs, "component:default/payment-gateway", place);
    document.add(Field::Title, heading);
    document.add(Field::Lead, page);
    document.add(Field::Text, text);
    document.prior = -8;
    document
}

fn company() -> Reading {
    let pages = [
        section("freeze/", "Releases", "Change freeze", "Nothing is deployed in the change freeze of November."),
        section(
            "freeze/#why",
            "Releases",
            "Why",
            "A freeze of a change is no change freeze by itself: change, then freeze.",
        ),
        section("cards/", "Cards", "Declined cards", "A declined card is told to the checkout at once."),
    ];
    Reading::of(COMPANY.iter().map(entity).chain(pages))
}

/// What is found, best first, by the end of its reference.
fn found(reading: &Reading, query: &str, mine: &[&str]) -> (Vec<String>, Fit) {
    let query = Query::read(query);
    let mine: Vec<String> = mine.iter().map(|own| (*own).to_owned()).collect();
    let wish = Wish { query: &query, fields: Fields::ALL, are_starts: false, is_forgiving: true, mine: &mine };
    let matches = find::matches(reading, &wish);
    let names = find::best(reading, matches.hits, 100).into_iter().map(|hit| {
        let segment = &reading.parts[hit.part as usize].segment;
        let entry = &segment.entries[hit.doc as usize];
        let (entity, place) = (segment.text(entry.entity), segment.text(entry.place));
        if place.is_empty() { entity.replace(":default/", " ") } else { place.to_owned() }
    });
    (names.collect(), matches.fit)
}

#[test]
fn what_was_meant_comes_first() {
    let company = company();
    let cases: [(&str, &[&str]); 25] = [
        // Names, then titles, then names that begin so.
        ("payments", &["component payments", "group payments"]),
        ("checkout", &["system checkout", "component checkout-service", "api checkout-api"]),
        ("Checkout API", &["api checkout-api"]),
        ("check", &["system checkout"]),
        ("ledger", &["component ledger"]),
        ("payment gateway", &["component payment-gateway"]),
        ("gateway payment", &["component payment-gateway"]),
        ("paymentgateway", &["component payment-gateway"]),
        ("pay gate", &[]),
        ("lovelace", &["user ada"]),
        // Misspelled.
        ("paymnet gatway", &["component payment-gateway"]),
        ("ledgre", &["component ledger"]),
        ("invnetory", &["component inventory-service"]),
        ("checkuot-serv", &["component checkout-service"]),
        // In parts, with and without marks.
        ("github", &["component github-mirror"]),
        ("hub mirror", &["component github-mirror"]),
        ("grosse", &["component groesse"]),
        ("MASS", &["component groesse"]),
        // Definitions, pages, phrases.
        ("placeorder", &["api checkout-api"]),
        ("basketid", &["api checkout-api"]),
        ("change freeze", &["freeze/", "freeze/#why"]),
        ("\"deployed in the change\"", &["freeze/"]),
        ("declined cards", &["cards/"]),
        ("postgres", &["resource orders-db"]),
        // What nobody looks for is last.
        ("generated", &["location generated-checkout"]),
    ];
    for (query, expected) in cases {
        let (names, _) = found(&company, query, &[]);
        if expected.is_empty() {
            continue;
        }
        assert_eq!(names.get(..expected.len()).unwrap_or(&names), expected, "{query}: {names:?}");
    }
    assert_eq!(found(&company, "paymnet", &[]).1, Fit::Near);
    assert_eq!(found(&company, "payments", &[]).1, Fit::Exact);
    let (names, fit) = found(&company, "ledger zebra", &[]);
    assert_eq!((names[0].as_str(), fit), ("component ledger", Fit::Some));
}

#[test]
fn what_is_ones_own_comes_a_little_earlier() {
    let company = company();
    let both = |mine: &[&str]| found(&company, "rust", mine).0;
    let place = |names: &[String], name: &str| names.iter().position(|known| known == name).unwrap();
    let (plain, own) = (both(&[]), both(&["group:default/finance"]));
    assert!(place(&own, "component ledger") < place(&own, "component checkout-service"), "{own:?}");
    assert!(place(&own, "component ledger") <= place(&plain, "component ledger"));
    // But not before what is named so.
    assert_eq!(found(&company, "payments", &["group:default/storefront"]).0[0], "component payments");
}

#[test]
fn filters_narrow() {
    let company = company();
    let cases: [(&str, &[&str]); 9] = [
        ("kind:api", &["api checkout-api"]),
        ("checkout is:api", &["api checkout-api"]),
        ("kind:API,system checkout", &["api checkout-api", "system checkout"]),
        ("owner:finance", &["component ledger"]),
        ("owner:group:finance", &["component ledger"]),
        ("owner:me tag:rust", &["component ledger"]),
        ("lifecycle:deprecated", &["component legacy-checkout"]),
        ("tag:rust -owner:storefront -is:template", &["component ledger"]),
        ("is:docs freeze", &["freeze/", "freeze/#why"]),
    ];
    for (query, expected) in cases {
        let names: BTreeSet<String> = found(&company, query, &["group:default/finance"]).0.into_iter().collect();
        assert_eq!(names, expected.iter().map(|name| (*name).to_owned()).collect(), "{query}");
    }
}

#[test]
fn hostile_queries_are_answered() {
    let company = company();
    let long = "payment ".repeat(2_000);
    let word = "a".repeat(10_000);
    for query in
        [&long, &word, "****", "a* b?", "(((", "[a-z]+$", "🙂🙂", "\u{202e}x", "\"\"\"", "-", ":", "\0", "' OR 1=1 --"]
    {
        found(&company, query, &[]);
    }
    assert!(found(&company, "****", &[]).0.is_empty());
}

/// Everything that a reading knows of the documents that are meant.
fn contents(reading: &Reading) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for part in &reading.parts {
        let segment = &part.segment;
        let name = |doc: u32| {
            let entry = &segment.entries[doc as usize];
            format!("{} {}", segment.text(entry.entity), segment.text(entry.place))
        };
        for (doc, entry) in (0..).zip(&segment.entries).filter(|(doc, _)| part.has(*doc)) {
            let values = entry.values.map(|value| segment.text(value)).join("|");
            let tags: Vec<&str> = segment.tags(doc).iter().map(|tag| segment.text(*tag)).collect();
            let facts = [format!("={values} {tags:?} {} {}", entry.length, entry.prior), segment.kept(doc)];
            let is_new = all.insert(name(doc), facts.into()).is_none();
            assert!(is_new, "{} is there twice", name(doc));
        }
        for words in [&segment.words, &segment.wholes] {
            let mut words = words.stream();
            while let Some((word, at)) = words.next() {
                for list in segment.postings(at) {
                    postings::each(list, |posting| {
                        if part.has(posting.doc) {
                            let places: Vec<u32> = posting.places().collect();
                            let fact = format!("{} {} {places:?}", String::from_utf8_lossy(word), posting.field);
                            all.get_mut(&name(posting.doc)).unwrap().insert(fact);
                        }
                    });
                }
            }
        }
    }
    all
}

fn changed(name: u8, version: u8) -> Vec<Document> {
    let reference = format!("component:default/service-{name}");
    let mut document = Document::new(Sort::Entity, reference, "");
    document.add(Field::Name, format!("service-{name}"));
    document.add(Field::Lead, format!("version {version} of many words"));
    document.set(Facet::Tag, format!("tag{}", version % 3));
    document.set(Facet::Owner, format!("group:default/team-{}", version % 2));
    document.kept = "kept ".repeat(usize::from(version % 4));
    vec![document]
}

proptest! {
    #[test]
    fn an_index_that_followed_is_one_built_anew(
        steps in prop::collection::vec(prop::collection::btree_map(0_u8..30, prop::option::of(0_u8..20), 1..8), 1..25)
    ) {
        let (mut reading, mut truth) = (Reading::default(), BTreeMap::new());
        for step in steps {
            let names: Vec<String> = step.keys().map(|name| format!("component:default/service-{name}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let documents = step.iter().filter_map(|(name, version)| Some(changed(*name, (*version)?))).flatten();
            reading = reading.replaced(Stock::Catalog, &names, documents);
            for (name, version) in step {
                match version {
                    Some(version) => truth.insert(name, version),
                    None => truth.remove(&name),
                };
            }
        }
        let anew = Reading::of(truth.iter().flat_map(|(name, version)| changed(*name, *version)));
        prop_assert_eq!(contents(&reading), contents(&anew));
        prop_assert_eq!(reading.len(), truth.len());
    }

    #[test]
    fn a_name_with_one_mistake_is_found(which in 0..COMPANY.len(), at in 0_usize..40, how in 0_u8..4, letter in "[a-z]") {
        let name = COMPANY[which].0.split('/').nth(1).unwrap();
        prop_assume!(name.len() >= 5);
        let mut letters: Vec<char> = name.chars().collect();
        let at = at % letters.len();
        let letter = letter.chars().next().unwrap();
        match how {
            0 => letters[at] = letter,
            1 => letters.insert(at, letter),
            2 => drop(letters.remove(at)),
            _ if at + 1 < letters.len() => letters.swap(at, at + 1),
            _ => {}
        }
        let written: String = letters.into_iter().collect();
        // What begins another name is no mistake.
        let joined = |name: &str| name.replace('-', "");
        let begins = COMPANY.iter().any(|(other, ..)| joined(other.split('/').nth(1).unwrap()).starts_with(&joined(&written)));
        prop_assume!(written == name || !begins);
        let (names, _) = found(&company(), &written, &[]);
        let expected = COMPANY[which].0.replace(":default/", " ");
        prop_assert!(names.contains(&expected), "{} for {}: {:?}", written, name, names);
    }
}
