//! The pages for those who write templates.

use axum::http::StatusCode;

use super::portal::Guest;
use super::story::contains;

#[tokio::test]
async fn every_action_is_told_with_its_input_output_and_examples() {
    let guest = Guest::enter().await;
    let page = guest.see("/create/actions").await;
    for action in guest.app.state.scaffolder.actions() {
        let id = action.id;
        contains(&page, &[&format!("id=\"{id}\""), &format!("href=\"#{id}\""), &format!("What {id} takes")]);
        for example in 0..action.examples.len() {
            contains(&page, &[&format!("/create/edit?action={id}&#38;example={example}\"")]);
        }
    }
    contains(&page, &["badge--amber\">outside", "badge--green\">workspace", "schema__need\">required"]);
    contains(&guest.see("/create").await, &["href=\"/create/actions\""]);
}

#[tokio::test]
async fn actions_are_filtered_by_words() {
    let guest = Guest::enter().await;
    let some = guest.see("/create/actions?q=DEBUG+message").await;
    contains(&some, &["id=\"debug:log\"", "Show all"]);
    assert!(!some.contains("id=\"fetch:template\""));
    contains(&guest.see("/create/actions?q=%3Cb%3Enothing").await, &["No action fits", "value=\"&#60;b&#62;nothing\""]);
    let twice = guest.open("/create/actions?q=a&q=b").await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST, "{}", twice.text);
}

const EXPRESSIONS: &str = "/create/templating-extensions";

#[tokio::test]
async fn what_expressions_know_is_told_with_results_of_the_engine() {
    let guest = Guest::enter().await;
    let page = guest.see(EXPRESSIONS).await;
    let guide = guest.app.state.scaffolder.guide();
    for (section, entries) in
        [("value", guide.values), ("filter", guide.filters), ("test", guide.tests), ("function", guide.functions)]
    {
        for explained in entries {
            contains(&page, &[&format!("id=\"{section}-{}\"", explained.entry.name)]);
        }
    }
    contains(
        &page,
        &["<code class=\"term__result\">&#34;shop, rust&#34;</code>", "&#34;region&#34;: &#34;eu-west-1&#34;"],
    );
    contains(&guest.see(&format!("{EXPRESSIONS}?expression=1%2B%3Cb%3E")).await, &["1+&#60;b&#62;</textarea>"]);
}

#[tokio::test]
async fn an_expression_is_tried() {
    let guest = Guest::enter().await;
    let context = "{\"parameters\": {\"name\": \"cart\", \"tags\": [\"a\"]}}";
    for (expression, context, expected) in [
        (
            "${{ parameters.name | upper }}",
            context,
            "<p class=\"notice__title\">text</p><pre class=\"trial__value\" tabindex=\"0\">CART</pre>",
        ),
        (
            "parameters.tags | length",
            context,
            "<p class=\"notice__title\">number</p><pre class=\"trial__value\" tabindex=\"0\">1</pre>",
        ),
        ("${{ parameters.missing }}", "", "undefined: its key is left out"),
        ("name is ${{ parameters.name }}", "parameters:\n  name: <b>", ">name is &#60;b&#62;</pre>"),
        ("a\n${{ 1 | nosuch }}", context, "line 2, column 9"),
        ("1 | nosuch", context, "line 1, column 5"),
        ("1 | nosuch", context, "1 | <mark class=\"trial__mark\">nosuch</mark>"),
        ("{% for i in range(9999999) %}x{% endfor %}", context, "this is the limit for one expression"),
        ("1", "{\"a\": ", "The context cannot be read"),
        ("1", "[1]", "the context must be a map"),
        ("1", "a: 1\n---\nb: 1", "must be one document, and these are 2"),
    ] {
        let answer = guest.send(EXPRESSIONS, &[("expression", expression), ("context", context)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{expression}: {}", answer.text);
        contains(&answer.text, &[expected]);
    }
}

#[tokio::test]
async fn a_box_takes_no_more_than_it_says_and_only_from_its_own_form() {
    let guest = Guest::enter().await;
    for pair in [("expression", "x".repeat(20_001)), ("context", "x".repeat(200_001))] {
        let answer = guest.send(EXPRESSIONS, &[(pair.0, &pair.1)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        contains(&answer.text, &[&format!("The {} has {} bytes", pair.0, pair.1.len())]);
    }
    let forged = guest.forge(EXPRESSIONS, "expression=1").await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let stranger = guest.app.request("POST", EXPRESSIONS, &[], "expression=1").await;
    assert_eq!(stranger.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_template_is_told_with_its_steps_its_questions_and_its_record() {
    let guest = Guest::enter().await;
    let about = "/create/templates/default/small/about";
    let fresh = guest.see(about).await;
    contains(
        &fresh,
        &[
            "Two files and an entry in the catalog.",
            "Storefront team",
            "href=\"/create/actions#publish:repository\"",
            "badge--amber\">outside",
            "<code class=\"schema__name\">repoUrl</code>",
            "picker RepoUrlPicker",
            "Nobody has run it yet.",
            "Nothing that is in the catalog.",
            "href=\"/create/edit?template=template:default/small\"",
        ],
    );
    let run = guest.create_small("cart").await;
    let after = guest.see(about).await;
    contains(&after, &["1 of 1 (100 %)", &format!("href=\"{run}\""), "href=\"/catalog/default/component/cart\""]);
    contains(&guest.see("/create").await, &[&format!("href=\"{about}\"")]);

    let broken = guest.see("/create/templates/default/broken/about").await;
    contains(&broken, &["It cannot run as it is", "acme/catalog: catalog.yaml:", "badge--red\">not there"]);
    assert!(!broken.contains("href=\"/create/templates/default/broken\""), "a broken template has no button");
    for missing in ["/create/templates/default/nothing/about", "/create/templates/no%2Fsuch/x/about"] {
        assert_eq!(guest.open(missing).await.status, StatusCode::NOT_FOUND, "{missing}");
    }
}
