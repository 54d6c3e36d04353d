//! Hostile templates end with an error, soon and without taking the process down.

use serde_json::{Value, json};

use super::generator::context;
use crate::scaffolder::expression::{Engine, Syntax};

/// Renders and expects an error that says `part`.
fn refused(source: &str, part: &str) {
    let error = Engine::new(Syntax::backstage()).render(source, context()).expect_err(&source[..source.len().min(80)]);
    assert!(error.message.contains(part), "{error} does not say {part:?}");
}

#[test]
fn nesting_without_end_is_an_error_and_no_crash() {
    for count in [600, 100_000] {
        refused(&format!("${{{{ {}1{} }}}}", "(".repeat(count), ")".repeat(count)), "nested deeper");
        refused(&format!("${{{{ {}1{} }}}}", "[".repeat(count), "]".repeat(count)), "nested deeper");
        refused(&format!("${{{{ {}t }}}}", "not ".repeat(count)), "nested deeper");
        refused(&format!("${{{{ 1{} }}}}", " + 1".repeat(count)), "nested deeper");
        refused(&format!("${{{{ deep{} }}}}", ".x".repeat(count)), "nested deeper");
        refused(&format!("${{{{ name{} }}}}", " | e".repeat(count)), "nested deeper");
        refused(&format!("{}{}", "{% if t %}".repeat(count), "{% endif %}".repeat(count)), "nested deeper");
        refused(&format!("{}{}", "{% set x %}".repeat(count), "{% endset %}".repeat(count)), "nested deeper");
    }
    refused("{% macro m() %}${{ m() }}{% endmacro %}${{ m() }}", "nested deeper");
    refused("{% set x = [] %}{% for i in range(300) %}{% set x = [x] %}{% endfor %}", "nested deeper");
    refused("{% set x = [] %}{% set y = x.push(x) %}", "itself");
}

#[test]
fn depth_within_the_limits_renders() {
    let source = format!("${{{{ {}1{} }}}}", "(".repeat(400), ")".repeat(400));
    assert_eq!(Engine::new(Syntax::backstage()).render(&source, context()).as_deref(), Ok("1"));
    let source = format!("{}x{}", "{% if t %}".repeat(200), "{% endif %}".repeat(200));
    assert_eq!(Engine::new(Syntax::backstage()).render(&source, context()).as_deref(), Ok("x"));
}

#[test]
fn work_without_end_is_refused() {
    refused("{% for i in range(1e9) %}{% endfor %}", "a number has only digits");
    refused("{% for i in range(1000000000) %}{% endfor %}", "steps");
    refused("{% for i in {length: 1000000000} %}x{% endfor %}", "steps");
    refused("{% set l = [1] %}{% for i in l %}{% set _ = l.push(1) %}{% endfor %}", "l");
    refused("{% set s = 'xxxxxxxx' %}{% for i in range(60) %}{% set s = s ~ s %}{% endfor %}", "longer");
    refused("{% for i in range(40) %}${{ 'x' | center(1000000) }}{% endfor %}", "longer");
    refused("${{ range('', 'z') }}", "s");
    refused("{% set l = [1] %}{% for i in range(40) %}{% set l = [l, l] %}{% endfor %}${{ l }}", "steps");
    refused(&"x".repeat(4 * 1024 * 1024 + 1).replace("xx", "#}"), "longer");
}

#[test]
fn regular_expressions_that_explode_are_stopped() {
    refused("${{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac'.replace(r/(a+)+b/, 'x') }}", "steps");
    refused("${{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac' | replace(r/^(a|a)*$/g, 'x') }}", "steps");
    let text = "a".repeat(200_000);
    let context = json!({ "text": text }).as_object().cloned().unwrap_or_default();
    let engine = Engine::new(Syntax::backstage());
    assert!(engine.render("${{ text | replace(r/(?:ab?)*c/, '') | length }}", &context).is_err());
    assert_eq!(engine.evaluate("${{ text | replace(r/a/g, 'b') | length }}", &context), Ok(Some(json!(200_000))));
}

#[test]
fn prototypes_are_out_of_reach() {
    refused("${{ name.constructor }}", "reserved");
    refused("${{ obj['__proto__'] }}", "reserved");
    refused("{% set prototype = 1 %}", "reserved");
    let engine = Engine::new(Syntax::backstage());
    let context = json!({"obj": {"__proto__": 1}, "__proto__": 2}).as_object().cloned().unwrap_or_default();
    for source in ["${{ obj['con' ~ 'structor'] }}", "${{ obj['__pro' + 'to__'] }}", "${{ obj | pick('__proto__') }}"] {
        assert_eq!(engine.evaluate(source, &context), Ok(None), "{source}");
    }
    assert_eq!(engine.evaluate("${{ obj }}", &context), Ok(Some(Value::Object(serde_json::Map::new()))));
}
