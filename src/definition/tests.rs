//! Definitions of every format, read and compared.

mod hostile;
mod versions;

use serde_json::json;

use super::model::Direction;
use super::*;

pub(super) const CHECKOUT: &str = include_str!("../../examples/acme/apis/openapi/checkout.yaml");
pub(super) const ORDERS: &str = include_str!("../../examples/acme/apis/asyncapi/order-events.yaml");
pub(super) const STOCK: &str = include_str!("../../examples/acme/apis/asyncapi/stock-events.yaml");
pub(super) const STOREFRONT: &str = include_str!("../../examples/acme/apis/graphql/storefront.graphql");
pub(super) const LEDGER: &str = include_str!("../../examples/acme/apis/grpc/ledger.proto");

pub(super) fn read(declared: &str, text: &str) -> Definition {
    Definition::read(declared, text).unwrap_or_else(|problem| panic!("{problem:?}"))
}

/// The sections of an entry, by its anchor.
fn sections(definition: &Definition, anchor: &str) -> Vec<Section> {
    let (_, head) = definition.find(anchor).unwrap_or_else(|| panic!("no entry {anchor}"));
    definition.detail(head).sections
}

/// A tree of fields in one line: `a: string*, b: object{c: integer}`.
fn line(fields: &[Field]) -> String {
    let one = |field: &Field| {
        let inner = if field.children.is_empty() { String::new() } else { format!("{{{}}}", line(&field.children)) };
        let end = match field.more {
            More::Nothing => "",
            More::Itself => "@",
            More::Cut => "…",
        };
        format!("{}: {}{}{inner}{end}", field.name, field.kind, if field.required { "*" } else { "" })
    };
    fields.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// An OpenAPI definition with one operation that answers a schema.
fn answering(schema: &Value, components: &Value) -> Definition {
    let text = json!({
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {
            "description": "", "content": {"application/json": {"schema": schema}}}}}}},
        "components": {"schemas": components},
    });
    read("openapi", &text.to_string())
}

#[test]
fn schemas_become_trees() {
    let components = json!({
        "Node": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}, "value": {"type": "integer"}}},
        "Named": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
        "Loop": {"$ref": "#/components/schemas/Loop"},
        "Both": {"allOf": [{"$ref": "#/components/schemas/Both"}, {"properties": {"x": {"type": "string"}}}]},
    });
    let check = |schema: Value, expected: &str| {
        let definition = answering(&schema, &components);
        assert_eq!(line(&sections(&definition, "a")[0].fields), expected, "{schema}");
    };
    let object = |properties: Value| json!({"type": "object", "properties": properties});
    check(object(json!({"a": {"type": ["string", "null"]}})), "a: string or null");
    check(object(json!({"a": {"type": "string", "nullable": true}})), "a: string or null");
    check(object(json!({"a": {"oneOf": [{"type": "string"}, {"type": "null"}]}})), "a: string or null");
    check(object(json!({"a": {"type": "array", "items": {"type": "integer"}}})), "a: array of integer");
    check(object(json!({"a": {"additionalProperties": {"type": "integer"}}})), "a: map of integer");
    check(object(json!({"a": {"$ref": "#/components/schemas/Named"}})), "a: Named{name: string*}");
    check(object(json!({"a": {"anyOf": [{"type": "string"}, {"type": "integer"}]}})), "a: string or integer");
    check(json!({"$ref": "#/components/schemas/Node"}), "next: Node@, value: integer");
    check(
        json!({"allOf": [{"$ref": "#/components/schemas/Named"}, object(json!({"b": {"type": "boolean"}}))]}),
        "name: string*, b: boolean",
    );
    check(
        object(json!({"a": {"oneOf": [{"$ref": "#/components/schemas/Named"}, object(json!({"b": {"const": 1}}))]}})),
        "a: Named or object{Named: Named{name: string*}, object: object{b: always 1}}",
    );
    check(object(json!({"a": {"$ref": "#/components/schemas/Loop"}})), "a: Loop@");
    check(object(json!({"a": {"$ref": "#/components/schemas/Both"}})), "a: Both{x: string}");
    check(object(json!({"a": {"$ref": "#/components/schemas/None"}})), "a: None");
    check(object(json!({"a": {"$ref": "other.yaml#/X"}})), "a: X");
    check(object(json!({"a": true, "b": {}})), "a: anything, b: anything");
    check(object(json!({"hidden": {"type": "string", "writeOnly": true}, "a": {"type": "string"}})), "a: string");
}

#[test]
fn depth_and_size_are_bounded() {
    let mut deep = json!({"type": "string"});
    for _ in 0..40 {
        deep = json!({"type": "object", "properties": {"a": deep}});
    }
    let text = line(&sections(&answering(&deep, &json!({})), "a")[0].fields);
    assert!(text.contains('…') && text.len() < 400, "{text}");
    // Each names the one before twice: a thousand million fields if all were shown.
    let mut components = serde_json::Map::from_iter([("S0".to_owned(), json!({"type": "string"}))]);
    for number in 1..30 {
        let before = json!({"$ref": format!("#/components/schemas/S{}", number - 1)});
        let many: serde_json::Map<_, _> = (0..8).map(|field| (format!("f{field}"), before.clone())).collect();
        components.insert(format!("S{number}"), json!({"type": "object", "properties": many}));
    }
    let definition = answering(&json!({"$ref": "#/components/schemas/S29"}), &components.into());
    assert!(count(&sections(&definition, "a")[0].fields) <= 1001);
}

fn count(fields: &[Field]) -> usize {
    fields.iter().map(|field| 1 + count(&field.children)).sum()
}

#[test]
fn an_openapi_definition_is_told_by_tag() {
    let definition = read("openapi", CHECKOUT);
    assert_eq!(definition.format.name(), "OpenAPI 3.1.0");
    assert_eq!(definition.problems, []);
    let groups: Vec<(&str, usize)> =
        definition.groups.iter().map(|group| (group.name.as_str(), group.entries.len())).collect();
    assert_eq!(groups[0].0, "carts");
    assert_eq!(groups.iter().map(|(_, count)| count).sum::<usize>(), definition.len());
    let (_, head) = definition.find("createCart").unwrap();
    assert_eq!((head.badge.as_str(), head.name.as_str(), head.hue), ("POST", "/carts", "green"));
    let detail = definition.detail(head);
    assert_eq!(detail.facts[1], ("Who may call", "bearer".to_owned()));
    let titles: Vec<&str> = detail.sections.iter().map(|section| section.title.as_str()).collect();
    assert_eq!(titles[..3], ["Headers", "Request body", "Answer 201"]);
    assert!(detail.sections[1].required);
    assert_eq!(line(&detail.sections[1].fields), "currency: Currency*, customerId: string or null");
    let snippet = detail.snippet.unwrap();
    assert!(snippet.starts_with("curl 'https://api.acme.example/checkout/v2/carts'"), "{snippet}");
    assert!(
        snippet.contains("-H \"Authorization: Bearer $TOKEN\"") && snippet.contains("'Idempotency-Key: "),
        "{snippet}"
    );
}

#[test]
fn swagger_is_read_like_its_successor() {
    let definition = read("openapi", SWAGGER);
    assert_eq!(definition.format.name(), "Swagger 2.0");
    assert_eq!(definition.info.servers[0].url, "https://pets.example/v1");
    let sections = sections(&definition, "addPet");
    let found: Vec<(&str, &str, String)> =
        sections.iter().map(|section| (section.title.as_str(), section.note.as_str(), line(&section.fields))).collect();
    assert_eq!(
        found,
        [
            ("Query parameters", "", "dry: boolean".to_owned()),
            ("Request body", "application/json · Pet", "name: string*".to_owned()),
            ("Answer 200", "application/json · array of Pet", "name: string*".to_owned()),
        ]
    );
}

const SWAGGER: &str = "
swagger: 2.0
info: {title: Pets, version: 1}
host: pets.example
basePath: /v1
schemes: [http, https]
paths:
  /pets:
    post:
      operationId: addPet
      parameters:
        - {name: dry, in: query, type: boolean}
        - {name: pet, in: body, required: true, schema: {$ref: '#/definitions/Pet'}}
      responses:
        200: {description: ok, schema: {type: array, items: {$ref: '#/definitions/Pet'}}}
definitions:
  Pet: {type: object, required: [name], properties: {name: {type: string}}}
";

#[test]
fn events_are_told_by_channel() {
    let definition = read("asyncapi", ORDERS);
    assert_eq!(definition.groups[0].name, "orders.v1");
    let (_, head) = definition.find("publishOrderEvent").unwrap();
    assert_eq!(head.badge, "SEND");
    let detail = definition.detail(head);
    let placed = detail.sections.iter().find(|section| section.title == "Order placed").unwrap();
    assert_eq!(placed.direction, Direction::Out);
    assert!(line(&placed.fields).starts_with("eventId: string*, orderId: string*"), "{}", line(&placed.fields));
    assert!(placed.example.as_deref().unwrap().contains("MUG-BLUE"));
    assert!(detail.sections.iter().any(|section| section.title == "Headers of Order placed"));

    let second = read("asyncapi", STOCK);
    assert!(second.format.name().starts_with("AsyncAPI 2"));
    let entry = &second.groups[0].entries[0];
    assert!(matches!(entry.badge.as_str(), "SUBSCRIBE" | "PUBLISH"));
    assert!(!second.detail(entry).sections[0].fields.is_empty());
}

#[test]
fn a_graphql_schema_is_told_by_operation_and_type() {
    let definition = read("graphql", STOREFRONT);
    let names: Vec<&str> = definition.groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names[..3], ["Queries", "Mutations", "Objects"]);
    assert!(definition.info.about.starts_with("The shop's own gateway"));
    let search = sections(&definition, "query-search");
    assert_eq!(line(&search[0].fields), "query: String!*, filters: [FacetFilter!], first: Int, after: String");
    assert_eq!(search[1].fields[0].link.as_deref(), Some("ProductConnection"));
    let product = sections(&definition, "Product");
    let images = product[0].fields.iter().find(|field| field.name == "images").unwrap();
    assert_eq!(line(std::slice::from_ref(images)), "images: [URL!]!{(width): Int}");
    let stock = product[0].fields.iter().find(|field| field.name == "stock").unwrap();
    assert!(stock.deprecated && stock.facts[0].value.starts_with("Use availability"));
    let extended =
        read("graphql", "type Query { a: Int }\nextend type Query { \"\"\"more\"\"\" b(x: [Int!]! = [1]): Int }");
    assert_eq!(extended.groups[0].entries.len(), 2);
}

#[test]
fn a_proto_file_is_told_by_service_and_type() {
    let definition = read("grpc", LEDGER);
    assert_eq!(definition.groups[0].name, "Ledger");
    let (_, book) = definition.find("Ledger.Book").unwrap();
    assert!(book.summary.starts_with("Books a transaction"));
    let detail = definition.detail(book);
    assert_eq!(detail.facts[0].1, "/acme.ledger.v1.Ledger/Book");
    assert!(
        line(&detail.sections[0].fields)
            .contains("entries: repeated Entry{account: string, money: Money{amount: int64")
    );
    let (_, list) = definition.find("Ledger.ListEntries").unwrap();
    assert_eq!((list.badge.as_str(), definition.detail(list).sections[1].note.as_str()), ("STREAM", "stream of Entry"));
    let money = sections(&definition, "Money");
    assert_eq!(money[0].fields[1].about, "ISO 4217.");
    let maps = read(
        "grpc",
        "syntax = \"proto3\"; message A { map<string, A> all = 1; enum E { X = 0; } E e = 2; oneof o { int32 x = 3; } }",
    );
    assert_eq!(line(&sections(&maps, "A")[0].fields), "all: map of string to A, e: E, x: int32");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let check = |declared: &str, text: &str, place: (u32, u32), message: &str| {
        let problem = Definition::read(declared, text).unwrap_err();
        assert_eq!(problem.place, Some(place), "{problem:?}");
        assert!(problem.message.contains(message), "{problem:?}");
    };
    check("openapi", "openapi: 3.0.0\npaths:\n  /a: [\n", (3, 7), "unclosed bracket");
    check("openapi", "{\"openapi\": \"3.0.0\",\n \"paths\": {,}}", (2, 12), "key must be a string");
    check("graphql", "type Query {\n  a: \n}", (3, 1), "expected a Type");
    check("grpc", "syntax = \"proto3\";\nmessage A {\n  string a 1;\n}", (3, 12), "expected");
    let missing = "openapi: 3.0.0\npaths:\n  /a:\n    get:\n      operationId: x\n      responses:\n        '200': {$ref: '#/components/responses/No'}\n  b:\n    get: {operationId: x}\n";
    let problems = read("openapi", missing).problems;
    let told: Vec<(u32, &str)> =
        problems.iter().map(|problem| (problem.place.unwrap().0, problem.message.as_str())).collect();
    assert_eq!(
        told,
        [
            (7, "`#/components/responses/No` is not in the definition"),
            (8, "the path `b` does not begin with a slash"),
            (9, "the operation id `x` is used twice"),
        ]
    );
    assert!(Definition::read("openapi", "a: 1").unwrap_err().message.contains("neither OpenAPI nor AsyncAPI"));
    assert!(!Definition::is_known("text", "Call us."));
    assert!(Definition::is_known("anything", "# a comment\nopenapi: 3.0.1\n"));
}

#[test]
fn anchors_are_each_their_own() {
    let text =
        "openapi: 3.0.0\npaths:\n  /a/{b}: {get: {}, post: {}}\n  /a/b: {get: {}}\n  /a/{c}: {get: {tags: [x]}}\n";
    let definition = read("openapi", text);
    let anchors: Vec<&str> =
        definition.groups.iter().flat_map(|group| &group.entries).map(|head| head.anchor.as_str()).collect();
    assert_eq!(anchors, ["get-a-b", "post-a-b", "get-a-b-2", "get-a-c"]);
}
