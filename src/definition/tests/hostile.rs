//! Texts that nobody honest writes: reading ends, and never panics.

use proptest::prelude::*;

use super::{CHECKOUT, LEDGER, ORDERS, STOCK, STOREFRONT, SWAGGER};
use crate::definition::{Definition, compare};

const TEXTS: [(&str, &str); 6] = [
    ("openapi", CHECKOUT),
    ("openapi", SWAGGER),
    ("asyncapi", ORDERS),
    ("asyncapi", STOCK),
    ("graphql", STOREFRONT),
    ("grpc", LEDGER),
];

/// Reads a text, and every entry of it; compares it with what it was made of.
fn look_at_all(declared: &str, text: &str, before: &str) {
    let Ok(definition) = Definition::read(declared, text) else { return };
    for head in definition.groups.iter().flat_map(|group| &group.entries) {
        let _ = definition.detail(head);
    }
    if let Ok(before) = Definition::read(declared, before) {
        let _ = compare(&before, &definition);
        let _ = compare(&definition, &before);
    }
}

/// A text with one part of it cut out, doubled, or replaced by a part of another place.
fn mutated(text: &str, from: usize, length: usize, to: usize, how: u8) -> String {
    let characters: Vec<char> = text.chars().collect();
    let from = from % characters.len();
    let end = (from + length).min(characters.len());
    let part: String = characters[from..end].iter().collect();
    let to = to % characters.len();
    let (head, tail): (String, String) = (characters[..to].iter().collect(), characters[to..].iter().collect());
    match how % 4 {
        0 => characters[..from].iter().chain(&characters[end..]).collect(),
        1 => format!("{head}{part}{tail}"),
        2 => format!(
            "{head}{}{tail}",
            ["$ref", "{", "}", "[", "null", "\"", "#/components/schemas", "!", "\u{0}"][length % 9]
        ),
        _ => text.replacen(&part, "#/components/schemas/Cart", 3),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mutations_are_read_or_refused(which in 0..TEXTS.len(), from: usize, length in 0usize..60, to: usize, how: u8) {
        let (declared, text) = TEXTS[which];
        look_at_all(declared, &mutated(text, from, length, to, how), text);
    }

    #[test]
    fn anything_is_read_or_refused(text in ".{0,200}", which in 0..TEXTS.len()) {
        look_at_all(TEXTS[which].0, &text, TEXTS[which].1);
    }
}

#[test]
fn nothing_is_nested_too_deep() {
    let many = 50_000;
    let open = |text: &str| text.repeat(many);
    look_at_all("openapi", &open("["), CHECKOUT);
    look_at_all("openapi", &format!("{{\"openapi\":\"3.0.0\",\"paths\":{}", open("{\"a\":")), CHECKOUT);
    look_at_all("graphql", &format!("type Query {{ a: {}", open("[")), STOREFRONT);
    look_at_all("graphql", &format!("type Query {{ a(b: Int = {}", open("[")), STOREFRONT);
    look_at_all("graphql", &open("{ a "), STOREFRONT);
    look_at_all("grpc", &format!("syntax = \"proto3\"; {}", open("message A { ")), LEDGER);
    look_at_all("grpc", &format!("syntax = \"proto3\"; option (a) = {}", open("{ a: ")), LEDGER);
    look_at_all("grpc", &format!("syntax = \"proto3\"; option (a) = {}", open("{ a: [ ")), LEDGER);
    look_at_all("grpc", &format!("syntax = \"proto3\"; option {} = 1;", open("a.")), LEDGER);
}

#[test]
fn references_in_a_ring_end() {
    let ring = "openapi: 3.0.0\npaths: {/a: {get: {parameters: [{$ref: '#/x'}], requestBody: {$ref: '#/x'}, responses: {'200': {$ref: '#/x'}}}}, /b: {$ref: '#/paths/~1b'}}\nx: {$ref: '#/y'}\ny: {$ref: '#/x'}\n";
    look_at_all("openapi", ring, CHECKOUT);
    let events = "asyncapi: 3.0.0\nchannels: {a: {$ref: '#/channels/a'}}\noperations: {b: {channel: {$ref: '#/channels/a'}, messages: [{$ref: '#/operations/b'}], action: send}}\n";
    look_at_all("asyncapi", events, ORDERS);
}
