//! Forms whose pages depend on the answers: what is asked, with which defaults and choices.

use serde_json::json;

use super::super::super::expression::{Engine, Syntax};
use super::super::{Anything, FieldKind, check, show};
use super::*;

fn sight() -> Sight {
    let engine = Engine::new(Syntax::backstage())
        .global("entities", |_| Ok(Some(json!([{"kind": "System", "metadata": {"name": "shop", "title": "Shop"}}]))))
        .global("entity", |_| Err("there is no catalog here".to_owned()));
    let flags = BTreeSet::from(["beta".to_owned()]);
    Sight::new(engine, map(json!({"user": {"ref": "user:default/jo"}})), flags)
}

fn map(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn pages(pages: &Value) -> Vec<Arc<Page>> {
    let page = |page: &Value| Arc::new(Page::new("Page".to_owned(), None, Schema::compile(page).unwrap()));
    pages.as_array().unwrap().iter().map(page).collect()
}

/// `name=value` of every field, pages apart; `name*` for one that is required.
fn asked(form: &[Arc<Page>], answers: Value, answered: &[usize]) -> String {
    let settled = settled(form, &map(answers), &answered.iter().copied().collect(), &sight());
    let field = |field: super::super::Field| {
        let need = if field.required { "*" } else { "" };
        if field.value.is_null() {
            format!("{}{need}", field.name)
        } else {
            format!("{}{need}={}", field.name, text_of(&field.value))
        }
    };
    let page = |page: &Arc<Page>| {
        if page.skipped {
            return "-".to_owned();
        }
        show(page, &settled.values, &[]).fields.into_iter().map(field).collect::<Vec<_>>().join(" ")
    };
    settled.pages.iter().map(page).collect::<Vec<_>>().join(" | ")
}

#[test]
fn pages_and_fields_are_asked_as_the_answers_are() {
    let across = pages(&json!([
        {"properties": {"kind": {"enum": ["web", "job"], "default": "web"}}},
        {"properties": {"name": {"type": "string"}}, "required": ["name"],
            "if": {"properties": {"kind": {"const": "web"}}}, "then": {"properties": {"port": {"default": 80}}},
            "dependencies": {"kind": ["name"]}},
        {"ui:if": "${{ parameters.port > 80 }}", "properties": {"host": {"type": "string", "default": "x"}}},
        {"required": ["a", "b"], "properties": {
            "a": {"type": "string", "ui:if": "${{ parameters.kind == 'job' }}"},
            "b": {"type": "string", "ui:if": "${{ parameters.host }}", "title": "B"},
            "c": {"type": "string", "ui:if": "${{ parameters.name }}"},
        }},
    ]));
    let computed = pages(&json!([
        {"properties": {"name": {"type": "string"}, "short": {"type": "string", "ui:default": "${{ parameters.name | upper }}"}}},
        {"properties": {
            "db": {"type": "string", "ui:default": "${{ parameters.short }}-db"},
            "who": {"type": "string", "ui:default": "${{ user.ref }}", "default": "nobody"},
            "more": {"type": "string", "ui:default": "${{ parameters.nothing }}", "default": "plain"},
            "deep": {"type": "object", "properties": {"n": {"type": "number", "ui:default": "${{ 1 + 1 }}"}}},
        }},
    ]));
    let cases = [
        (&across, json!({}), vec![], "kind=web | name* port=80 | - | "),
        (&across, json!({"kind": "job", "port": 443}), vec![], "kind=job | name* | - | a*"),
        (&across, json!({"name": "x", "port": 443}), vec![], "kind=web | name*=x port=443 | host=x | b* c"),
        // What was cleared stays so, and what is not asked any more steers nothing.
        (&across, json!({"port": 443}), vec![2], "kind=web | name* port=443 | host | "),
        (&across, json!({"kind": "job", "host": "left over"}), vec![0], "kind=job | name* | - | a*"),
        (
            &computed,
            json!({"name": "shop"}),
            vec![],
            "name=shop short=SHOP | db=SHOP-db who=user:default/jo more=plain deep={\"n\":2}",
        ),
        (
            &computed,
            json!({"short": "S", "db": "own"}),
            vec![],
            "name short=S | db=own who=user:default/jo more=plain deep={\"n\":2}",
        ),
    ];
    for (form, answers, answered, expected) in cases {
        let expected = expected.replace(" deep={\"n\":2}", " deep");
        let told = asked(form, answers.clone(), &answered).replace(" deep={\"n\":2}", " deep");
        assert_eq!(told, expected, "{answers}");
    }
}

#[test]
fn what_a_flag_hides_is_neither_asked_nor_required() {
    let form = pages(&json!([
        {"required": ["name", "beta", "alpha"], "properties": {
            "name": {"type": "string"},
            "beta": {"type": "string", "backstage:featureFlag": "beta", "default": "b"},
            "alpha": {"type": "string", "backstage:featureFlag": "alpha", "default": "a"},
            "newer": {"type": "string", "ui:backstage": {"featureFlag": "alpha"}},
            "group": {"type": "object", "properties": {
                "in": {"type": "string", "backstage:featureFlag": "beta"},
                "out": {"type": "string", "backstage:featureFlag": "alpha", "default": "o"},
            }},
        }},
        {"backstage:featureFlag": "beta", "properties": {"seen": {"type": "string"}}},
        {"backstage:featureFlag": "alpha", "required": ["unseen"], "properties": {"unseen": {"type": "string"}}},
        {"ui:backstage": {"featureFlag": "alpha"}, "properties": {"hidden": {"type": "string"}}},
    ]));
    assert_eq!(asked(&form, json!({}), &[]), "name* beta*=b group | seen | - | -");
    let settled = settled(&form, &map(json!({"name": "x"})), &BTreeSet::new(), &sight());
    assert_eq!(check(&settled.pages, &settled.values, &Anything), []);
    let mut flags = BTreeSet::new();
    for page in &form {
        super::super::flags_in(page.schema.document(), &mut flags);
    }
    assert_eq!(Vec::from_iter(flags), ["alpha", "beta"]);
}

#[test]
fn choices_are_computed_and_checked() {
    let form = pages(&json!([
        {"properties": {"region": {"type": "string"}}},
        {"properties": {
            "zone": {"type": "string", "title": "Zone", "ui:enum": "${{ [parameters.region + '-a', parameters.region + '-b'] }}"},
            "size": {"type": "integer", "ui:enum": [{"value": 1, "label": "Small"}, {"const": 2, "title": "Large"}]},
            "system": {"type": "string", "ui:enum": "${{ entities({kind: 'System'}) }}"},
            "tags": {"type": "array", "items": {"type": "string", "ui:enum": "${{ [] }}"}},
            "lost": {"type": "string", "ui:enum": "${{ entity('x').spec }}"},
            "pick": {"type": "string", "ui:field": "EntityPicker", "ui:options": {"catalogFilter": {"spec.system": "${{ parameters.region }}"}}},
        }},
    ]));
    let answers = map(json!({"region": "eu", "zone": "us-a", "size": 3, "lost": "anything"}));
    let settled = settled(&form, &answers, &BTreeSet::new(), &sight());
    let fields = show(&settled.pages[1], &settled.values, &[]).fields;
    let labels = |index: usize| match &fields[index].kind {
        FieldKind::Select { options } => {
            options.iter().map(|choice| format!("{}={}", choice.key(), choice.label)).collect::<Vec<_>>().join(" ")
        }
        kind => format!("{kind:?}"),
    };
    assert_eq!(labels(0), "eu-a=eu-a eu-b=eu-b");
    assert_eq!(labels(1), "1=Small 2=Large");
    assert_eq!(labels(2), "system:default/shop=Shop");
    assert!(fields[4].note.as_deref().unwrap().starts_with("`ui:enum` cannot be computed"), "{:?}", fields[4].note);
    let FieldKind::Entity(choice) = &fields[5].kind else { panic!("{:?}", fields[5].kind) };
    assert_eq!(choice.filter, [map(json!({"spec.system": "eu"}))]);
    let wrong: Vec<String> =
        check(&settled.pages, &answers, &Anything).into_iter().map(|error| error.message).collect();
    assert_eq!(wrong, ["Zone must be one of eu-a, eu-b", "size must be one of 1, 2"]);
}

#[test]
fn an_answer_that_is_still_its_default_follows_it() {
    let form = pages(&json!([
        {"properties": {"name": {"type": "string"}}},
        {"properties": {
            "db": {"type": "string", "ui:default": "${{ parameters.name }}-db"},
            "own": {"type": "string", "ui:default": "${{ parameters.name }}"},
        }},
    ]));
    let answered = BTreeSet::from([0, 1]);
    let at = |answers: &Map<String, Value>| settled(&form, answers, &answered, &sight());
    let before = at(&map(json!({"name": "a", "db": "a-db", "own": "mine"})));
    let mut answers = map(json!({"name": "b", "db": "a-db", "own": "mine"}));
    assert!(follow(&before, &at(&answers), &mut answers));
    assert_eq!(Value::Object(answers.clone()), json!({"name": "b", "db": "b-db", "own": "mine"}));
    assert_eq!(
        Value::Object(with_computed(&at(&map(json!({"name": "c"}))).pages, &map(json!({"name": "c"})))),
        json!({"name": "c", "db": "c-db", "own": "c"})
    );
}
