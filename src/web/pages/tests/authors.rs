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
