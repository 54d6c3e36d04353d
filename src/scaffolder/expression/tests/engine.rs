//! The parts of the engine beyond rendering: whole values, positions, references, and what Backstage adds.

use serde_json::{Value, json};

use super::generator::context;
use crate::scaffolder::expression::{Engine, Reference, Syntax};

fn engine() -> Engine {
    Engine::new(Syntax::backstage())
}

#[test]
fn every_string_of_a_value_is_evaluated() {
    let value =
        json!({"a": "${{ n }}", "b": ["x${{ t }}", "${{ missing }}"], "c": "${{ missing }}", "${{ n }}": 1, "d": null});
    let expected = json!({"a": 3, "b": ["xtrue", null], "${{ n }}": 1, "d": null});
    assert_eq!(engine().evaluate_all(&value, context()), Ok(Some(expected)));
    assert_eq!(engine().evaluate_all(&json!("${{ missing }}"), context()), Ok(None));
    let broken = json!({"steps": [{"in/put": {"x": "${{ name( }}"}}]});
    let error = engine().evaluate_all(&broken, context()).expect_err("a syntax error");
    assert_eq!(error.pointer.as_deref(), Some("/steps/0/in~1put/x"));
}

#[test]
fn errors_carry_their_position() {
    let check = |source: &str, line: usize, column: usize| {
        let error = engine().render(source, context()).expect_err(source);
        assert_eq!((error.line, error.column), (line, column), "{source:?}: {error}");
    };
    check("a\nb ${{ name | nosuch }}", 2, 14);
    check("é${{ missing() }}", 1, 6);
    check("${{ 1 ? 2 : 3 }}", 1, 7);
    check("{% if t %}\nx", 1, 1);
    check("x\n{% endif %}", 2, 1);
    check("{% for x in arr %}{{% nope %}{% endfor %}", 1, 20);
    check("${{ name", 1, 1);
    check("{% set x = 'a %}", 1, 1);
    check("${{ [1, ] }}", 1, 9);
    check("${{ users | join(',', 'n.x') | int(}}", 1, 36);
}

#[test]
fn references_and_calls_are_found() {
    let paths = |source: &str| {
        let references = engine().references(source).expect(source);
        references.into_iter().map(|reference| reference.path.join(".")).collect::<Vec<_>>()
    };
    assert_eq!(
        engine().references("x\n${{ steps['publish'].output.remoteUrl }}"),
        Ok(vec![Reference {
            path: ["steps", "publish", "output", "remoteUrl"].map(str::to_owned).to_vec(),
            line: 2,
            column: 5
        }])
    );
    assert_eq!(
        paths("${{ parameters.a if steps.b.output.c === 'x' else user.ref }}"),
        ["steps.b.output.c", "parameters.a", "user.ref"]
    );
    assert_eq!(
        paths("{% for x in values.list %}${{ x.y }}${{ loop.index }}${{ z[x] }}{% endfor %}${{ x }}"),
        ["values.list", "z", "x"]
    );
    assert_eq!(
        paths("{% set a = b %}${{ a.c.split(d)[0] | join(e) }}{% macro m(p, q=r) %}${{ p }}{% endmacro %}"),
        ["b", "d", "e", "r"]
    );
    assert_eq!(
        engine().calls("${{ always() and not failure() or x.split('') }}"),
        Ok(vec!["always".to_owned(), "failure".to_owned()])
    );
    assert!(engine().check("${{ a b }}").is_err());
    assert_eq!(engine().check("{% if a %}${{ b | anything }}{% endif %}"), Ok(()));
}

#[test]
fn functions_and_filters_of_the_program_are_called() {
    let engine = engine()
        .global("always", |_| Ok(Some(json!(true))))
        .global("echo", |arguments| Ok(arguments.first().cloned()))
        .filter("twice", |arguments| Ok(Some(json!([arguments[0], arguments[0]]))))
        .filter("fails", |_| Err("no luck".to_owned()));
    assert_eq!(engine.evaluate("${{ always() and echo(obj.b | twice) }}", context()), Ok(Some(json!([1, 1]))));
    assert_eq!(engine.evaluate("${{ echo() }}", context()), Ok(None));
    let error = engine.evaluate("${{ 1 | fails }}", context()).expect_err("the filter fails");
    assert_eq!(error.to_string(), "filter 'fails': no luck (line 1, column 9)");
    assert!(engine.evaluate("${{ 1 | twice(a=1) }}", context()).is_err());
    assert!(engine.evaluate("${{ 1 | twice(range) }}", context()).is_err());
}

#[test]
fn the_filters_of_backstage_work() {
    let check = |source: &str, expected: Value| {
        assert_eq!(engine().evaluate(source, context()), Ok(Some(expected)), "{source}");
    };
    let refused = |source: &str| assert!(engine().evaluate(source, context()).is_err(), "{source}");
    check("${{ values.repo | parseRepoUrl }}", json!({"host": "github.com", "owner": "o", "repo": "r"}));
    check("${{ values.repo | parseRepoUrl | pick('owner') }}", json!("o"));
    check(
        "${{ 'Git.Acme.example:8443?repo=a%20b&project=/p/' | parseRepoUrl }}",
        json!({"host": "git.acme.example:8443", "repo": "a b", "project": "p"}),
    );
    check("${{ values.repo | projectSlug }}", json!("o/r"));
    refused("${{ 'github.com?owner=o' | parseRepoUrl }}");
    refused("${{ missing | parseRepoUrl }}");
    check(
        "${{ 'component:ns/shop' | parseEntityRef }}",
        json!({"kind": "component", "namespace": "ns", "name": "shop"}),
    );
    check(
        "${{ 'shop' | parseEntityRef({defaultKind: 'Group', defaultNamespace: 'ns'}) }}",
        json!({"kind": "Group", "namespace": "ns", "name": "shop"}),
    );
    check("${{ 'user:a' | parseEntityRef | pick('namespace') }}", json!("default"));
    refused("${{ 'shop' | parseEntityRef }}");
    refused("${{ 'component:' | parseEntityRef }}");
    check("${{ deep | pick('x.list[1].k') }}", json!(2));
    check("${{ deep | pick(['x', 'y']) }}", json!("deep"));
    check("${{ deep | pick('x.nosuch', 'd') }}", json!("d"));
}

#[test]
fn cookiecutter_templates_have_their_syntax() {
    let engine = Engine::new(Syntax::cookiecutter());
    let check = |source: &str, expected: &str| {
        assert_eq!(engine.render(source, context()).as_deref(), Ok(expected), "{source}");
    };
    check("{{ name }} ${{ name }}", "svc $svc");
    check("{{ obj | jsonify }}", "{\"2\":\"two\",\"10\":\"ten\",\"b\":1,\"a\":2}");
    check("{{ True }} {{ None }} {{ False }}", "true  false");
    check("{{ obj.get('b') }}{{ obj.get('z', 'd') }}{{ obj.keys() }}{{ [1, 1].count(1) }}", "1d2,10,b,a2");
}
