//! What a run says is what Backstage said, recorded from version 1.55 with the same templates.

use super::*;

const FEATURES: &str = "  steps:
    - id: loop
      name: Loop
      each: ['x', 'y']
      action: debug:log
      input: { message: '${{ each.key }}=${{ each.value }}' }
    - id: loopmap
      name: Loop over a map
      each: { a: 1, b: 2 }
      action: debug:log
      input: { message: '${{ each.key }}=${{ each.value }}' }
    - id: find
      name: Find
      action: catalog:fetch
      input: { entityRef: component:default/checkout-api }
    - id: write
      name: Write
      action: catalog:write
      input:
        entity: { apiVersion: backstage.io/v1alpha1, kind: Component, metadata: { name: '${{ parameters.flavour }}' } }
    - id: rename
      name: Rename
      action: fs:rename
      input: { files: [{ from: catalog-info.yaml, to: renamed.yaml }] }
    - id: readdir
      name: List
      action: fs:readdir
      input: { paths: ['.'], recursive: true }
    - id: conditional
      name: Conditional
      if: ${{ parameters.on and parameters.flavour !== 'b' }}
      action: debug:log
      input: { message: 'n+1=${{ parameters.n + 1 }}' }
    - id: unless
      name: Unless
      if: ${{ not parameters.on }}
      action: debug:log
      input: { message: never }
  output:
    links:
      - title: Entity
        entityRef: ${{ steps.find.output.entity.metadata.name }}
      - if: ${{ not parameters.on }}
        title: Hidden
        url: https://example.com/hidden
    text:
      - content: \"missing=[${{ parameters.nothing }}] list=${{ parameters.list }}\"
    onlyNumber: ${{ parameters.n }}
    onlyList: ${{ parameters.list }}
    nothing: ${{ parameters.nothing }}
    files: ${{ steps.readdir.output }}
    entityRef: ${{ steps.write.output }}
";

#[tokio::test(flavor = "multi_thread")]
async fn rounds_conditions_and_outputs_are_told_in_backstages_words() {
    let world = World::new(&[("f/template.yaml", &template("features", FEATURES))]).await;
    let values = json!({"flavour": "a", "on": true, "n": 3, "list": ["x", "y"]});
    let (status, events) = world.run("features", values).await;
    assert_eq!(status, "completed", "{events:#?}");
    assert_eq!(
        messages(&events),
        [
            "Starting up task with 8 steps",
            "Beginning step Loop",
            "info: Running step each: {\"key\":\"0\",\"value\":\"x\"}",
            "info: {\n  \"message\": \"0=x\"\n}",
            "info: 0=x",
            "info: Running step each: {\"key\":\"1\",\"value\":\"y\"}",
            "info: {\n  \"message\": \"1=y\"\n}",
            "info: 1=y",
            "Finished step Loop",
            "Beginning step Loop over a map",
            "info: Running step each: {\"key\":\"a\",\"value\":\"1\"}",
            "info: {\n  \"message\": \"a=1\"\n}",
            "info: a=1",
            "info: Running step each: {\"key\":\"b\",\"value\":\"2\"}",
            "info: {\n  \"message\": \"b=2\"\n}",
            "info: b=2",
            "Finished step Loop over a map",
            "Beginning step Find",
            "Finished step Find",
            "Beginning step Write",
            "info: Writing catalog-info.yaml",
            "Finished step Write",
            "Beginning step Rename",
            "info: File workspace/ID/catalog-info.yaml renamed to workspace/ID/renamed.yaml successfully",
            "Finished step Rename",
            "Beginning step List",
            "Finished step List",
            "Beginning step Conditional",
            "info: {\n  \"message\": \"n+1=4\"\n}",
            "info: n+1=4",
            "Finished step Conditional",
            "Beginning step Unless",
            "Skipping step unless because its if condition was false",
            "Run completed with status: completed",
        ]
    );
    let file = json!({"name": "renamed.yaml", "path": "renamed.yaml", "fullPath": "workspace/ID/renamed.yaml"});
    let output: Value = serde_json::from_str(&without_ids(&events.last().unwrap()["output"].to_string())).unwrap();
    assert_eq!(
        output,
        json!({
            "links": [{"title": "Entity", "entityRef": "checkout-api"}],
            "text": [{"content": "missing=[] list=x,y"}],
            "onlyNumber": 3, "onlyList": ["x", "y"], "files": {"files": [file], "folders": []}, "entityRef": {},
        })
    );
}

/// Template, status and the events' bodies.
async fn check(steps: &str, expected: Value) {
    let world = World::new(&[("g/template.yaml", &template("g", steps))]).await;
    let (_, events) = world.run("g", json!({})).await;
    let plain: Vec<Value> = events
        .into_iter()
        .map(|mut body| {
            body["message"] = json!(messages(&[body.clone()])[0]);
            body
        })
        .collect();
    assert_eq!(Value::Array(plain), expected);
}

const FAILS: &str = "  steps:
    - id: bad
      name: Bad
      action: catalog:fetch
      input: { entityRef: component:default/not-there }
    - id: plain
      name: Plain
      action: debug:log
      input: { message: unreachable }
    - id: always
      name: Always
      if: ${{ always() }}
      action: debug:log
      input: { message: cleaning }
    - id: failure
      name: On failure
      if: ${{ failure() }}
      action: debug:log
      input: { message: reporting }
";

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failure_only_steps_that_ask_for_it_run() {
    let error = "Entity component:default/not-there not found";
    check(
        FAILS,
        json!([
            {"message": "Starting up task with 4 steps"},
            {"message": "Beginning step Bad", "stepId": "bad", "status": "processing"},
            {"message": format!("Error: {error}"), "stepId": "bad", "status": "failed"},
            {"message": "Skipping step plain because a previous step failed", "stepId": "plain", "status": "skipped"},
            {"message": "Beginning step Always", "stepId": "always", "status": "processing"},
            {"message": "info: {\n  \"message\": \"cleaning\"\n}", "stepId": "always"},
            {"message": "info: cleaning", "stepId": "always"},
            {"message": "Finished step Always", "stepId": "always", "status": "completed"},
            {"message": "Beginning step On failure", "stepId": "failure", "status": "processing"},
            {"message": "info: {\n  \"message\": \"reporting\"\n}", "stepId": "failure"},
            {"message": "info: reporting", "stepId": "failure"},
            {"message": "Finished step On failure", "stepId": "failure", "status": "completed"},
            {"message": "Run completed with status: failed", "error": {"name": "Error", "message": error}},
        ]),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_input_and_unknown_actions_fail_at_their_step() {
    let invalid = "Invalid input passed to action debug:wait, instance.seconds is not of a type(s) number";
    let unknown = "Template action with ID 'nope:nope' is not registered. See https://backstage.io/docs/features/software-templates/builtin-actions/ on how to add a new action module.";
    let cases = [
        ("      action: debug:wait\n      input: { seconds: many }\n", "InputError", invalid),
        ("      action: nope:nope\n", "NotFoundError", unknown),
    ];
    for (step, name, message) in cases {
        check(
            &format!("  steps:\n    - id: bad\n      name: Bad\n{step}"),
            json!([
                {"message": "Starting up task with 1 steps"},
                {"message": "Beginning step Bad", "stepId": "bad", "status": "processing"},
                {"message": format!("{name}: {message}"), "stepId": "bad", "status": "failed"},
                {"message": "Run completed with status: failed", "error": {"name": name, "message": message}},
            ]),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_shown_as_backstage_shows_them() {
    let steps =
        "  steps:\n    - action: debug:log\n      input: { message: 'Hello ${{ user.ref }}', listWorkspace: true }\n";
    let world = World::new(&[("t/template.yaml", &template("t", steps))]).await;
    let id = world.begin("t", json!({"x": 1}), json!({"hush": "secret"})).await;
    let (_, events) = world.end(id).await;
    assert_eq!(
        messages(&events)[2..5],
        [
            "info: {\n  \"message\": \"Hello user:default/guest\",\n  \"listWorkspace\": true\n}",
            "info: Hello user:default/guest",
            "info: Workspace:\n",
        ]
    );
    let task = serde_json::to_value(world.scaffolder.task(&world.who, id).await.unwrap()).unwrap();
    let keys: Vec<&String> = task.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "spec", "status", "createdAt", "lastHeartbeatAt", "createdBy"]);
    let spec = &task["spec"];
    assert_eq!(spec["steps"][0]["id"], "step-1");
    assert_eq!(spec["steps"][0]["name"], "debug:log");
    assert_eq!((&spec["output"], &spec["parameters"]), (&json!({}), &json!({"x": 1})));
    assert_eq!((&spec["user"]["ref"], &spec["user"]["entity"]["kind"]), (&json!("user:default/guest"), &json!("User")));
    assert_eq!(spec["templateInfo"]["entityRef"], "template:default/t");
    assert!(spec["templateInfo"]["baseUrl"].as_str().unwrap().starts_with("file:///"));
    assert_eq!(spec["templateInfo"]["entity"]["metadata"]["name"], "t");
    let anonymous = world
        .scaffolder
        .start(
            &Credentials::anonymous(),
            StartRun { template: "template:default/t".parse().unwrap(), values: Map::new(), secrets: Map::new() },
        )
        .await
        .unwrap();
    let task = serde_json::to_value(world.scaffolder.task(&world.who, anonymous).await.unwrap()).unwrap();
    assert_eq!((task.get("createdBy"), &task["spec"]["user"]), (None, &json!({})));
    let of_guest =
        TaskQuery { created_by: vec!["user:default/guest".to_owned()], limit: Some(1), ..TaskQuery::default() };
    let (listed, total) = world.scaffolder.tasks(&world.who, of_guest).await.unwrap();
    assert_eq!((listed[0].id, listed.len(), total), (id, 1, 1));
    let event = serde_json::to_value(&world.scaffolder.events(&world.who, id, None).await.unwrap()[0]).unwrap();
    let keys: Vec<&String> = event.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "isTaskRecoverable", "taskId", "body", "type", "createdAt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_answers_as_backstage_does() {
    let world = World::new(&[]).await;
    let spec = |steps: Value| {
        json!({
            "apiVersion": "scaffolder.backstage.io/v1beta3", "kind": "Template", "metadata": {"name": "dry"},
            "spec": {"type": "service", "owner": "x", "parameters": {"required": ["name"], "properties": {"name": {"type": "string"}}},
                     "steps": steps, "output": {"text": [{"title": "t", "content": "${{ parameters.name }}"}]}},
        })
    };
    let contents = json!([{"path": "skeleton/a.txt", "base64Content": "SGVsbG8gJHt7IHZhbHVlcy5uYW1lIH19Cg=="}]);
    let run = |steps: Value, values: Value| {
        let run = DryRun {
            template: spec(steps),
            values: map(values),
            secrets: Map::new(),
            directory_contents: contents.clone(),
            ..DryRun::default()
        };
        world.scaffolder.dry_run(&world.who, run)
    };
    let steps = json!([
        {"id": "fetch", "name": "Fetch", "action": "fetch:template", "input": {"url": "./skeleton", "values": {"name": "${{ parameters.name }}"}}},
        {"id": "x", "action": "debug:wait", "input": {"seconds": "many"}},
    ]);
    let answer = run(steps, json!({"name": "x"})).await.unwrap();
    let bodies: Vec<Value> = answer["log"].as_array().unwrap().iter().map(|entry| entry["body"].clone()).collect();
    assert_eq!(
        messages(&bodies),
        [
            "Starting up task with 3 steps",
            "Beginning step Fetch",
            "info: Running fetch:template in dry-run mode with inputs (secrets redacted): {\n  \"url\": \"./skeleton\",\n  \"values\": {\n    \"name\": \"x\"\n  }\n}",
            "info: Fetching template content from remote URL",
            "info: Listing files and directories in template",
            "info: Processing 1 template files/directories with input values {\"name\":\"x\"}",
            "info: Writing file a.txt to template output path with mode 33188.",
            "info: Template result written to workspace/ID",
            "Finished step Fetch",
            "Beginning step debug:wait",
            "info: Running debug:wait in dry-run mode with inputs (secrets redacted): {\n  \"seconds\": \"many\"\n}",
            "Skipping because debug:wait does not support dry-run",
        ]
    );
    assert_eq!(
        answer["directoryContents"],
        json!([{"path": "a.txt", "executable": false, "base64Content": "SGVsbG8geAo="}])
    );
    assert_eq!(answer["output"], json!({"text": [{"title": "t", "content": "x"}]}));
    assert!(matches!(run(json!([]), json!({})).await, Err(ScaffolderError::Values(_))));
    let unknown = run(json!([{"id": "x", "action": "nope:nope"}]), json!({"name": "x"})).await.unwrap_err();
    assert!(matches!(unknown, ScaffolderError::NotFound(_)), "{unknown}");
}
