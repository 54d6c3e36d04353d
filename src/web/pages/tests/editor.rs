//! The editor of templates, as a person without a script uses it.

use axum::http::StatusCode;

use super::portal::Guest;
use super::story::contains;

const EDITOR: &str = "/create/edit";

/// Reads a folder that is beside it.
const SKELETON: &str = "\
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata:
  name: written
  title: Written here
spec:
  type: service
  parameters:
    - title: The service
      required: [name]
      properties:
        name: { title: Name, type: string, default: cart }
        ready: { title: Ready, type: boolean, default: true }
        ports: { title: Ports, type: array, items: { type: object, properties: { port: { type: integer } } } }
    - title: More
      properties:
        note: { title: Note, type: string }
  steps:
    - id: fetch
      name: Write
      action: fetch:template
      input:
        url: ./skeleton
        values: { name: \"${{ parameters.name }}\", ready: \"${{ parameters.ready }}\", owner: me }
    - id: publish
      name: Publish
      action: publish:repository
      input: { repoUrl: \"local?owner=acme&repo=${{ parameters.name }}\", defaultBranch: main }
";

/// An action that is not there, on line 9, column 7.
const MISTAKEN: &str = "\
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata:
  name: wrong
spec:
  type: service
  steps:
    - id: one
      action: debug:lag
";

/// The value of a hidden field.
fn hidden<'a>(html: &'a str, name: &str) -> &'a str {
    let start = format!("name=\"{name}\" value=\"");
    html.split(&start).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("{name} in {html}"))
}

fn unescaped(text: &str) -> String {
    text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
}

#[tokio::test]
async fn the_editor_begins_with_an_example_or_a_template_or_an_action() {
    let guest = Guest::enter().await;
    contains(&guest.see(EDITOR).await, &["name: my-template", "can run", "value=\"my-service\"", "No file is made."]);
    let small = guest.see(&format!("{EDITOR}?template=template:default/small")).await;
    contains(
        &small,
        &["title: Small service", "Answer the form to see the files", "value=\"template:default/small\" selected"],
    );
    assert!(!small.contains("title: Every field"), "only its own document");
    assert!(!small.contains("another look"), "nobody has answered yet");
    for action in guest.app.state.scaffolder.actions() {
        for example in 0..action.examples.len() {
            let page = guest.see(&format!("{EDITOR}?action={}&example={example}", action.id)).await;
            contains(&page, &[&format!("title: Try {}", action.id)]);
        }
    }
    for (query, expected) in [
        ("template=a/b/c", StatusCode::BAD_REQUEST),
        ("template=component:default/checkout-service", StatusCode::BAD_REQUEST),
        ("template=template:default/nothing", StatusCode::NOT_FOUND),
        ("action=no:such", StatusCode::NOT_FOUND),
        ("action=debug:log&example=99", StatusCode::NOT_FOUND),
        ("action=debug:log&example=x", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(guest.open(&format!("{EDITOR}?{query}")).await.status, expected, "{query}");
    }
}

#[tokio::test]
async fn mistakes_are_told_with_their_place_and_nothing_runs() {
    let guest = Guest::enter().await;
    for (text, expected) in [
        (MISTAKEN, "data-line=\"9\" data-column=\"7\">9:7</a>"),
        ("kind: Template\nmetadata: [", "cannot run"),
        ("a: b", "data-line=\"1\""),
        ("", "there is no template here"),
        ("apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: x\n", "there is no template here"),
        ("- 1\n- 2\n", "cannot run"),
    ] {
        let answer = guest.send(EDITOR, &[("_text", text), ("_do", "run")]).await;
        assert_eq!(answer.status, StatusCode::OK, "{text}: {}", answer.text);
        contains(&answer.text, &[expected, "cannot run", "as soon as the text has no mistake"]);
    }
    let escaped = guest.send(EDITOR, &[("_text", "</textarea><script>alert(1)</script>")]).await;
    assert!(!escaped.text.contains("<script>alert"), "{}", escaped.text);
}

#[tokio::test]
async fn a_dry_run_takes_uploaded_files_and_answers_and_makes_nothing() {
    let guest = Guest::enter().await;
    let files = [
        ("svc/template.yaml", SKELETON),
        ("svc/skeleton/README.md", "# ${{ values.name }}, ready: ${{ values.ready }}"),
    ];
    let first = guest.send_files(EDITOR, &[("_text", "old"), ("_do", "run")], &files).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    contains(
        &first.text,
        &["title: Written here", "skeleton/README.md", "# cart, ready: true", "create repository acme/cart"],
    );

    // The page carries everything that the next one needs.
    let kept = unescaped(hidden(&first.text, "_kept"));
    let values = unescaped(hidden(&first.text, "_values"));
    let carried = [("_text", SKELETON), ("_kept", kept.as_str()), ("_values", values.as_str())];
    let asked = [("_asked", "name"), ("_asked", "ready"), ("_asked", "ports"), ("_asked", "note")];
    let shown = [carried.as_slice(), asked.as_slice()].concat();
    let post = |pairs: &[(&'static str, &'static str)]| [shown.as_slice(), pairs].concat();
    let second = guest.send(EDITOR, &post(&[("name", "orders"), ("_do", "run")])).await;
    contains(&second.text, &["# orders, ready: false", "create repository acme/orders"]);
    let grown = guest.send(EDITOR, &post(&[("name", "orders"), ("_add", "ports")])).await;
    assert_eq!(grown.text.matches("name=\"ports.0.port\"").count(), 1, "{}", grown.text);
    assert!(!grown.text.contains("ports.1.port"), "the button counts once");
    let wrong = guest.send(EDITOR, &post(&[("name", ""), ("_do", "run")])).await;
    contains(&wrong.text, &["aria-invalid=\"true\"", "another look", "Answer the form to see the files"]);
    let opened = guest.send(EDITOR, &post(&[("name", "orders"), ("_file", "README.md")])).await;
    contains(&opened.text, &["# orders", "name=\"_open\" value=\"README.md\""]);
    let forgotten = guest.send(EDITOR, &post(&[("name", "orders"), ("_do", "forget")])).await;
    assert_eq!(hidden(&forgotten.text, "_kept"), "");

    assert_eq!(guest.open("/repositories/acme/orders").await.status, StatusCode::NOT_FOUND);
    contains(&guest.see("/create/tasks").await, &["No runs here"]);
}

#[tokio::test]
async fn a_question_that_is_new_gets_its_default() {
    let guest = Guest::enter().await;
    let text =
        SKELETON.replace("note: { title: Note, type: string }", "note: { title: Note, type: string, default: new }");
    let pairs = [
        ("_text", text.as_str()),
        ("_values", "{\"name\":\"a\"}"),
        ("_asked", "name"),
        ("name", "b"),
        ("_do", "check"),
    ];
    let answer = guest.send(EDITOR, &pairs).await;
    contains(&answer.text, &["value=\"b\"", "name=\"note\" value=\"new\"", "name=\"ready\" value=\"true\" checked"]);
    contains(&answer.text, &["Press Dry run"]);
}

#[tokio::test]
async fn a_text_that_began_as_a_template_reads_the_files_beside_that() {
    let guest = Guest::enter().await;
    let pairs = [("_text", SKELETON), ("_base", "template:default/small"), ("_do", "run")];
    let answer = guest.send(EDITOR, &pairs).await;
    contains(&answer.text, &["catalog-info.yaml", "Owned by me."]);
    let alone = guest.send(EDITOR, &[("_text", SKELETON), ("_do", "run")]).await;
    contains(&alone.text, &["The dry run failed", "“Write” reads ./skeleton, and there is no such file or folder"]);
    let gone = guest.send(EDITOR, &[("_text", SKELETON), ("_base", "template:default/gone"), ("_do", "run")]).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let outside = guest.send_files(EDITOR, &[("_text", SKELETON), ("_do", "run")], &[("../../etc/passwd", "x")]).await;
    contains(&outside.text, &["The dry run failed", "etc/passwd"]);
}

#[tokio::test]
async fn the_text_is_given_back_as_a_file() {
    let guest = Guest::enter().await;
    let answer = guest.send(EDITOR, &[("_text", "kind: Template\r\n"), ("_do", "download")]).await;
    assert_eq!(answer.text, "kind: Template\n");
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"template.yaml\"");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn too_much_and_forged_forms_are_refused() {
    let guest = Guest::enter().await;
    let long = "x".repeat(256 * 1024 + 1);
    let answer = guest.send(EDITOR, &[("_text", &long)]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    contains(&answer.text, &["at most 262144 are edited here"]);
    let large = "x".repeat(5 * 1024 * 1024);
    for answer in
        [guest.send(EDITOR, &[("_text", &large)]).await, guest.send_files(EDITOR, &[], &[("a", &large)]).await]
    {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    }
    assert_eq!(guest.forge(EDITOR, "_text=a").await.status, StatusCode::FORBIDDEN);
    assert_eq!(guest.forge_files(EDITOR).await.status, StatusCode::FORBIDDEN);
    assert_eq!(guest.app.get(EDITOR).await.status, StatusCode::SEE_OTHER, "for nobody without a session");
}
