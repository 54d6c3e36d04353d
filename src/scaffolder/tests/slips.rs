//! Templates as people have them: with slips that Backstage runs in spite of, and with skeletons of other repositories.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_backstage_runs_in_spite_of_a_slip_runs() {
    let repository = |name: &str| {
        format!(
            "    - id: publish\n      if: ${{{{ parameters.names }}}}\n      action: publish:repository\n      input: {{repoUrl: 'local?owner=acme&repo={name}'}}\n"
        )
    };
    let one = repository("one");
    let two = repository("two").replace("parameters.names", "parameters.second");
    let rest = format!(
        "  parameters:\n    properties:\n      names: {{type: boolean, default: true}}\n      second: {{type: boolean}}\n  steps:\n    - id: write\n      action: roadiehq:utils:fs:write\n      input: {{path: a.txt, content: x}}\n{one}{two}    - id: last\n      action: debug:log\n      input: {{message: 'made ${{{{ steps.publish.output.remoteUrl }}}}, not ${{{{ steps.later.output.x }}}}'}}\n    - id: later\n      action: debug:log\n      input: {{message: x}}\n  output:\n    links:\n      - {{title: made, url: '${{{{ steps.publish.output.remoteUrl }}}}'}}\n      - {{title: none, entityRef: '${{{{ steps.register.output.entityRef }}}}'}}\n"
    );
    let world = World::new(&[("slip/template.yaml", &template("slip", &rest))]).await;
    for (answers, made) in [(json!({"names": true}), "one"), (json!({"names": true, "second": true}), "two")] {
        let plan = world.plan("slip", answers.clone()).await.unwrap();
        assert_eq!(plan.problems, [], "{plan:#?}");
        let url = format!("http://localhost:7007/git/acme/{made}.git");
        let said = format!("made {url}, not ");
        assert!(plan.log.iter().any(|line| line.ends_with(&said)), "{:#?}", plan.log);
        assert_eq!(plan.output["links"][0]["url"], url);
        assert!(plan.output["links"][1].get("entityRef").is_none(), "{}", plan.output);
    }
    let (status, events) = world.run("slip", json!({"names": true, "second": true})).await;
    assert_eq!(status, "completed", "{events:#?}");
    assert_eq!(world.forge.list(None).await.unwrap().len(), 2, "the second step is no repetition of the first");
    assert_eq!(
        events.last().unwrap()["output"]["links"][0]["url"],
        "http://localhost:7007/git/acme/two.git",
        "{events:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_reads_what_is_absolute_and_says_what_it_cannot_reach() {
    let world = World::new(&[("service/template.yaml", &template("service", MAKER))]).await;
    world.run("service", json!({})).await;
    let cases = [
        ("https://local/acme/made/tree/main/dir", Ok("a.txt")),
        (
            "https://example.com/acme/made/tree/main/dir",
            Err("only folders on disk and in repositories of a configured"),
        ),
        ("../../skeletons/x", Err("`../../skeletons/x` leads out of the files that came with the template; give")),
        ("./skeleton", Err("`./skeleton`: no such folder is among the files that came with the template")),
        ("file:///etc", Err("cannot be read as a folder")),
    ];
    for (url, expected) in cases {
        let steps = json!([{"id": "fetch", "action": "fetch:plain", "input": {"url": url}}]);
        let run = DryRun {
            template: json!({
                "apiVersion": "scaffolder.backstage.io/v1beta3", "kind": "Template", "metadata": {"name": "dry"},
                "spec": {"type": "service", "owner": "x", "steps": steps},
            }),
            ..DryRun::default()
        };
        let answer = world.scaffolder.dry_run(&world.who, run).await.unwrap();
        match expected {
            Ok(path) => assert_eq!(answer["directoryContents"][0]["path"], path, "{url} {answer:#}"),
            Err(message) => assert!(answer["log"].to_string().contains(message), "{url} {answer:#}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn skeletons_elsewhere_in_the_repository_are_followed_and_missing_ones_are_told() {
    let fetching = |url: &str| {
        template("far", &format!("  steps:\n    - id: fetch\n      action: fetch:plain\n      input: {{url: {url}}}\n"))
    };
    let files = [
        ("templates/far/template.yaml", &*fetching("../../skeletons/x")),
        ("skeletons/x/a.txt", "far away"),
        ("secret/key.txt", "hush"),
    ];
    let world = World::new(&files).await;
    assert_eq!(paths(&world.plan("far", json!({})).await.unwrap()), ["a.txt"]);

    // The author's text reads what the catalog's template reads, and nothing else of the machine.
    let base = Some(EntityRef::new("template", "default", "far"));
    let attempt = async |url: &str, given: Value| {
        let draught = world.scaffolder.read_text(&fetching(url));
        let trial = Trial { base: base.clone(), files: given, ..Trial::default() };
        world.scaffolder.try_out(&world.who, &draught.template.unwrap(), trial).await.unwrap()
    };
    assert_eq!(paths(&attempt("../../skeletons/x", json!([])).await), ["a.txt"]);
    let refused = attempt("../../secret", json!([])).await;
    assert_eq!(
        refused.problems[0].message,
        "`../../secret`: no such folder is among the files that came with the template"
    );
    assert!(refused.warnings[0].contains("reads ../../secret"), "{:?}", refused.warnings);
    let given = json!([{"path": "../../other/b.txt", "base64Content": "Yg=="}]);
    assert_eq!(paths(&attempt("../../other", given).await), ["b.txt"]);

    // A dry run has what came with it: by paths from the template, or from the root.
    let entity = serde_yaml::from_str::<Value>(&fetching("../../skeletons/x")).unwrap();
    let rehearse = async |path: &str, folder: Option<&str>| {
        let contents = json!([{"path": path, "base64Content": "Yg=="}]);
        let folder = folder.map(str::to_owned);
        let run = DryRun { template: entity.clone(), directory_contents: contents, folder, ..DryRun::default() };
        world.scaffolder.dry_run(&world.who, run).await.unwrap()
    };
    assert_eq!(rehearse("../../skeletons/x/b.txt", None).await["directoryContents"][0]["path"], "b.txt");
    assert_eq!(rehearse("skeletons/x/b.txt", Some("templates/far")).await["directoryContents"][0]["path"], "b.txt");
    let missing = rehearse("skeletons/y/b.txt", Some("templates/far")).await;
    assert!(missing["log"].to_string().contains("`../../skeletons/x`: no such folder"), "{missing:#}");
}

fn paths(plan: &Plan) -> Vec<&str> {
    assert!(plan.problems.is_empty(), "{:?}", plan.problems);
    plan.files.iter().map(|file| file.path.as_str()).collect()
}

const MAKER: &str = "  steps:
    - id: write
      action: roadiehq:utils:fs:write
      input: {path: dir/a.txt, content: x}
    - id: publish
      action: publish:repository
      input: {repoUrl: 'local?owner=acme&repo=made'}
";
