//! Skeletons on GitHub, read as the portal and as a person.

use super::*;

const STEPS: &str = "  parameters:
    - properties:
        host: { type: string }
        name: { type: string }
  steps:
    - id: folder
      action: fetch:template
      input:
        url: http://${{ parameters.host }}/secret/skeletons/tree/main/service
        targetPath: service
        token: ${{ secrets.token }}
        values: { name: '${{ parameters.name }}' }
    - id: file
      action: fetch:plain:file
      input:
        url: http://${{ parameters.host }}/secret/skeletons/blob/main/LICENSE
        targetPath: LICENSE
        token: ${{ secrets.token }}
    - id: publish
      action: publish:github
      input: { repoUrl: '${{ parameters.host }}?owner=acme&repo=${{ parameters.name }}', protectDefaultBranch: false }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_reads_what_the_portal_may_not() {
    let mut wanted = crate::forge::github::testing::acme();
    wanted["organizations"].as_array_mut().unwrap().push(json!({"login": "secret", "members": ["eve"]}));
    let files = json!({"service/main.txt": "This is ${{ values.name }}", "LICENSE": "Apache", "README.md": "no"});
    wanted["repositories"] = json!([{"owner": "secret", "name": "skeletons", "visibility": "private", "files": files}]);
    let eve = json!({"token": "ghp_eve", "user": "eve", "scopes": ["repo"]});
    wanted["tokens"].as_array_mut().unwrap().push(eve);
    let Some(model) = Model::new(wanted).await else { return };
    let world = portal(&model, STEPS).await;
    let run = async |name: &str, token: &str| {
        let values = json!({"host": model.host(), "name": name});
        let id = world.begin("everything", values, json!({"token": token})).await;
        world.end(id).await
    };
    let (status, events) = run("one", "ghp_eve").await;
    assert_eq!(status, "completed", "{:#?}", messages(&events));
    assert!(messages(&events).iter().any(|line| line.contains("Pushed 2 files to main")), "{:#?}", messages(&events));
    let made = model.repository("acme/one").await;
    assert_eq!(made["branches"][0]["files"], 2, "{made:#}");
    // Nobody else sees what one token read: without it the portal is the App, which is not installed there.
    let (status, events) = run("two", "").await;
    assert_eq!(status, "failed");
    let error = &events.last().unwrap()["error"]["message"];
    assert!(error.as_str().unwrap().contains("is not installed on secret"), "{error}");
    let (status, events) = run("three", "ghp_wrong").await;
    assert_eq!(status, "failed");
    let error = &events.last().unwrap()["error"]["message"];
    assert!(error.as_str().unwrap().contains("does not take the `token` of the step"), "{error}");
    model.assert_lawful().await;
}

const PUBLIC: &str = "  parameters:
    - properties:
        host: { type: string }
        name: { type: string }
  steps:
    - id: fetch
      action: fetch:template
      input:
        url: http://${{ parameters.host }}/other/skeletons/tree/main/service
        values: { name: '${{ parameters.name }}' }
    - id: publish
      action: publish:github
      input: { repoUrl: '${{ parameters.host }}?owner=acme&repo=${{ parameters.name }}', protectDefaultBranch: false }
";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_public_is_read_without_credentials() {
    let mut wanted = crate::forge::github::testing::acme();
    wanted["organizations"].as_array_mut().unwrap().push(json!({"login": "other", "members": ["eve"]}));
    let files = json!({"service/main.txt": "This is ${{ values.name }}"});
    wanted["repositories"] = json!([{"owner": "other", "name": "skeletons", "visibility": "public", "files": files}]);
    let Some(model) = Model::new(wanted).await else { return };
    let world = portal(&model, PUBLIC).await;
    let (_, status, events) = world.make(&model, "pay").await;
    assert_eq!(status, "completed", "{:#?}", messages(&events));
    let asked = model.request_log().await;
    let of_nobody = asked.iter().filter(|entry| entry["actor"].as_str().is_some_and(|who| who.starts_with("ip ")));
    let of_nobody: Vec<String> = of_nobody.map(|entry| format!("{} {}", entry["method"], entry["path"])).collect();
    assert!(!of_nobody.is_empty() && of_nobody.iter().all(|line| line.contains("other/skeletons")), "{of_nobody:#?}");
    assert_eq!(model.repository("acme/pay").await["branches"][0]["files"], 1);
    model.assert_lawful().await;
}
