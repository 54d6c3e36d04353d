//! Runs that prepare a registry: planned, made, repeated, refused, taken back; with secrets where they belong only.

use serde_json::{Value, json};

use super::clusters::{World, sentences};
use crate::cluster::Clusters;
use crate::cluster::testing::{clusters, shared};
use crate::forge::github::testing::{World as Model, acme};
use crate::registry::Registries;
use crate::registry::testing::{Program, harbor, own_harbor, plain, registries};

/// A name that no other test has, short enough for a namespace.
fn own(base: &str) -> String {
    format!("{base}-{}", &uuid::Uuid::new_v4().simple().to_string()[..12])
}

fn environments() -> Value {
    json!([{"name": "dev", "cluster": "east", "namespace": "{service}-dev", "sync": "automated"}])
}

/// A world with one registry and nothing else.
async fn alone(entry: &Value, steps: &str) -> World {
    World::beside(Clusters::default(), registries(std::slice::from_ref(entry)), Vec::new(), environments(), steps).await
}

fn step(input: &str) -> String {
    format!("    - id: registry\n      action: registry:repository\n      input: {input}\n")
}

/// What `undo` of everything answers, newest first.
async fn take_back(world: &World, run: uuid::Uuid) -> Vec<(String, Option<String>)> {
    let undoable = world.scaffolder.undoable(&world.who, run).await.unwrap();
    let ids: Vec<String> = undoable.into_iter().map(|one| one.id).collect();
    let undone = world.scaffolder.undo(&world.who, run, &ids).await.unwrap();
    undone.into_iter().map(|one| (one.sentence, one.error)).collect()
}

/// Everything that Harbor has of a project.
async fn of_project(program: &Program, project: &str) -> (bool, usize) {
    let all = registries(&[program.own_entry("harbor")]);
    let harbor = all.all()[0].harbor().unwrap();
    let Some(found) = harbor.project(project).await.unwrap() else { return (false, 0) };
    let mut robots = 0;
    for name in ["web-push", "web-pull-dev"] {
        robots += usize::from(harbor.robot(&found, name).await.unwrap().is_some());
    }
    (true, robots)
}

/// A service that gets a place for its image.
fn service_steps(project: &str, host: &str) -> String {
    format!(
        r"    - id: environments
      action: delivery:environments
      input: {{ service: '${{{{ parameters.name }}}}', owner: '${{{{ parameters.owner }}}}' }}
    - id: namespace
      each: ${{{{ steps.environments.output.environments }}}}
      action: kubernetes:namespace
      input: {{ environment: '${{{{ each.value.name }}}}', name: '${{{{ each.value.namespace }}}}' }}
    - id: registry
      action: registry:repository
      input:
        image: web
        project: {project}
        quota: 1Gi
        immutableTags: v*
        repoUrl: {host}?owner=acme&repo=web
        environments: ${{{{ steps.environments.output.environments }}}}
    - id: told
      action: debug:log
      input: {{ message: 'image ${{{{ steps.registry.output.image }}}} by ${{{{ steps.registry.output.pullSecret }}}}' }}
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_gets_its_project_its_accounts_and_their_secrets_and_all_goes_again() {
    let (Some(program), Some(plane)) = (harbor(), shared()) else { return };
    let mut wanted = acme();
    wanted["repositories"] = json!([{"owner": "acme", "name": "web", "files": {"README.md": "Web\n"}}]);
    let Some(model) = Model::new(wanted).await else { return };
    let (project, service) = (own("acme"), own("web"));
    let steps = service_steps(&project, &model.host());
    let all = clusters(&[plane.entry("east")]).await;
    let known = registries(&[program.own_entry("harbor")]);
    let github = vec![Model::github(&model.with_app())];
    let world = World::beside(all, known.clone(), github, environments(), &steps).await;
    let values = json!({"name": service, "owner": "group:default/team"});
    let plan = world.plan(values.clone()).await;
    let told: Vec<&str> = sentences(&plan).into_iter().filter(|one| !one.contains("NetworkPolicy")).collect();
    assert_eq!(
        told,
        [
            format!("create Namespace {service}-dev on cluster east"),
            format!("create private project {project} in registry acme with a quota of 1073741824 bytes"),
            format!("make the tags v* of {project}/web in registry acme immutable"),
            format!("create robot account web-push of project {project} in registry acme to push"),
            format!("create robot account web-pull-dev of project {project} in registry acme to pull"),
            "set the secrets REGISTRY_USERNAME and REGISTRY_PASSWORD of acme/web".to_owned(),
            format!("create pull secret {service}-dev/registry on cluster east"),
        ]
    );
    assert!(plan.effects.iter().all(|effect| effect.conflict.is_none()), "{:#?}", plan.effects);

    let (id, status, log) = world.run(values.clone()).await;
    assert_eq!(status, "completed", "{log}");
    assert!(log.contains(&format!("image {}/{project}/web by registry", program.told("host"))), "{log}");
    let secrets = model.repository("acme/web").await["secrets"].clone();
    assert_eq!(secrets["REGISTRY_USERNAME"], format!("robot${project}+web-push"));
    let password = secrets["REGISTRY_PASSWORD"].as_str().unwrap();
    let object = world.object("v1", "Secret", Some(&format!("{service}-dev")), "registry").await.unwrap();
    let config = object["data"][".dockerconfigjson"].as_str().unwrap();
    let config = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, config).unwrap();
    let config: Value = serde_json::from_slice(&config).unwrap();
    let pull = config["auths"][program.told("host")]["password"].as_str().unwrap();
    // What both were given works, and stands nowhere else.
    for (user, password) in [("web-push", password), ("web-pull-dev", pull)] {
        let entry = program.entry("oci", &format!("robot${project}+{user}"), password);
        registries(&[entry]).all()[0].check().await.unwrap();
        let everything = format!("{log}{:?}", world.scaffolder.made(&world.who, id).await.unwrap());
        assert!(!everything.contains(password), "{everything}");
    }

    // Another run of the same finds accounts that are not its own.
    let again = world.plan(values).await;
    let conflicts: Vec<&str> = again.effects.iter().filter_map(|one| one.conflict.as_deref()).collect();
    assert_eq!(conflicts.len(), 2, "{conflicts:#?}");
    assert!(conflicts[0].contains("somebody else's") && conflicts[0].contains(&id.to_string()), "{conflicts:#?}");

    // Something was pushed meanwhile: it goes with the project that the run made.
    let entry = program.entry("oci", &format!("robot${project}+web-push"), password);
    let image = crate::registry::ImageName::parse(&format!("{project}/web")).unwrap();
    let files = [("Chart.yaml", &b"apiVersion: v2\nname: web\nversion: 1.0.0\n"[..], false)];
    let chart = crate::registry::Chart::pack(files).unwrap();
    registries(&[entry]).all()[0].push_chart(&image, &chart, chrono::Utc::now()).await.unwrap();

    let undone = take_back(&world, id).await;
    assert!(undone.iter().all(|(_, error)| error.is_none()), "{undone:#?}");
    let sentence = format!("delete image {project}/web in registry acme, with everything that was pushed to it");
    assert!(undone.iter().any(|(told, _)| *told == sentence), "{undone:#?}");
    assert_eq!(of_project(program, &project).await, (false, 0));
    assert_eq!(model.repository("acme/web").await["secrets"], json!({}));
    program.assert_described().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_there_is_used_as_it_is_and_stays() {
    let Some(program) = harbor() else { return };
    let entry = program.own_entry("harbor");
    let project = own("shared");
    let known = registries(std::slice::from_ref(&entry));
    let new = crate::registry::NewProject { name: &project, public: true, quota: None };
    known.all()[0].harbor().unwrap().create_project(&new).await.unwrap();

    let world = alone(&entry, &step(&format!("{{ image: web, project: {project}, immutableTags: true }}"))).await;
    let (id, status, log) = world.run(json!({})).await;
    assert_eq!(status, "completed", "{log}");
    assert!(log.contains(&format!("Project {project} of registry acme is there already")), "{log}");
    let undone = take_back(&world, id).await;
    assert!(undone.iter().all(|(_, error)| error.is_none()), "{undone:#?}");
    assert_eq!(of_project(program, &project).await, (true, 0));

    for (input, reason) in [
        ("visibility: private", "is there and public, not private"),
        ("quota: 1Gi", "its quota is none, not 1073741824 bytes"),
    ] {
        let world = alone(&entry, &step(&format!("{{ image: web, project: {project}, {input} }}"))).await;
        let plan = world.plan(json!({})).await;
        let conflict = plan.effects[0].conflict.as_deref().unwrap();
        assert!(conflict.contains(reason), "{conflict}");
        let (_, status, log) = world.run(json!({})).await;
        assert!(status == "failed" && log.contains(reason), "{log}");
    }
    program.assert_described().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_where_harbor_failed_it() {
    let Some(program) = own_harbor() else { return };
    let mut wanted = acme();
    wanted["repositories"] = json!([{"owner": "acme", "name": "web", "files": {"README.md": "Web\n"}}]);
    let Some(model) = Model::new(wanted).await else { return };
    let input = format!("{{ image: web, project: acme, repoUrl: '{}?owner=acme&repo=web' }}", model.host());
    let known = registries(&[program.own_entry("harbor")]);
    let github = vec![Model::github(&model.with_app())];
    let world = World::beside(Clusters::default(), known, github, environments(), &step(&input)).await;
    program.control("faults", Some(json!({"method": "POST", "path": "/robots$", "status": 503, "times": 1}))).await;
    let (id, status, log) = world.run(json!({})).await;
    assert_eq!(status, "failed", "{log}");
    assert!(log.contains("registry `acme` failed to create robot account web-push of project acme"), "{log}");
    world.scaffolder.retry(&world.who, id, serde_json::Map::new()).await.unwrap();
    let (status, log) = world.end(id).await;
    assert_eq!(status, "completed", "{log}");
    assert_eq!(of_project(&program, "acme").await, (true, 1));
    let undone = take_back(&world, id).await;
    assert!(undone.iter().all(|(_, error)| error.is_none()), "{undone:#?}");
    assert_eq!(of_project(&program, "acme").await, (false, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_registry_has_to_let_the_portal_in() {
    let Some(program) = plain() else { return };
    let world = alone(&program.own_entry("oci"), &step("{ image: acme/web, quota: 1Gi }")).await;
    let plan = world.plan(json!({})).await;
    assert_eq!(sentences(&plan), Vec::<&str>::new());
    assert!(plan.warnings.iter().any(|one| one.contains("Left out: quota; registry acme is no Harbor")), "{plan:?}");
    let (_, status, log) = world.run(json!({})).await;
    assert_eq!(status, "completed", "{log}");

    let world = alone(&program.entry("oci", "ci", "wrong"), &step("{ image: acme/web }")).await;
    let plan = world.plan(json!({})).await;
    assert!(plan.effects[0].conflict.as_deref().unwrap().contains("does not accept the credentials of ci"));
    let (_, status, _) = world.run(json!({})).await;
    assert_eq!(status, "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_without_a_registry_leaves_it_out() {
    let none = Registries::default();
    let steps = step("{ image: acme/web }");
    let world = World::beside(Clusters::default(), none, Vec::new(), environments(), &steps).await;
    let (_, status, log) = world.run(json!({})).await;
    assert_eq!(status, "completed", "{log}");
    assert!(log.contains("Left out: no registry is connected to this portal"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_with_its_host_finds_its_registry_and_clusters_are_told_of_a_pull_secret() {
    let (Some(program), Some(plane)) = (plain(), shared()) else { return };
    let all = clusters(&[plane.entry("east")]).await;
    let mut entry = program.own_entry("oci");
    entry["pull"] = json!({"username": "ci", "password": "push-secret"});
    let known = registries(&[entry]);
    let steps = |host: &str| {
        format!(
            "    - id: environments\n      action: delivery:environments\n      input: {{ service: '${{{{ parameters.name }}}}', owner: team, image: '{host}/acme/web' }}\n    - id: namespace\n      action: kubernetes:namespace\n      input: {{ environment: dev, name: '${{{{ steps.environments.output.environments[0].namespace }}}}' }}\n    - id: registry\n      action: registry:repository\n      input: {{ image: '{host}/acme/web', environments: '${{{{ steps.environments.output.environments }}}}' }}\n    - id: told\n      action: debug:log\n      input: {{ message: 'told <${{{{ steps.environments.output.pullSecret }}}}>' }}\n"
        )
    };
    let (here, elsewhere) = (own("web"), own("web"));
    let host = program.told("host");
    let world = World::beside(all.clone(), known.clone(), Vec::new(), environments(), &steps(host)).await;
    let (_, status, log) = world.run(json!({"name": here})).await;
    assert_eq!(status, "completed", "{log}");
    assert!(log.contains("told <registry>"), "{log}");
    assert!(world.object("v1", "Secret", Some(&format!("{here}-dev")), "registry").await.is_some());

    let world = World::beside(all, known, Vec::new(), environments(), &steps("r.acme.example")).await;
    let (_, status, log) = world.run(json!({"name": elsewhere})).await;
    assert_eq!(status, "completed", "{log}");
    assert!(log.contains("Left out: registry r.acme.example is not connected") && log.contains("told <>"), "{log}");
    assert!(world.object("v1", "Secret", Some(&format!("{elsewhere}-dev")), "registry").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chart_is_pushed_once_and_never_replaced() {
    let Some(program) = plain() else { return };
    let charts = own("charts");
    let steps = format!(
        r#"    - id: chart
      action: roadiehq:utils:fs:write
      input: {{ path: chart/Chart.yaml, content: "apiVersion: v2\nname: web\nversion: 1.0.0\ndescription: ${{{{ parameters.name }}}}\n" }}
    - id: push
      action: registry:push-chart
      input: {{ path: chart, repository: {charts} }}
    - id: told
      action: debug:log
      input: {{ message: 'pushed ${{{{ steps.push.output.chart }}}} ${{{{ steps.push.output.version }}}}' }}
"#
    );
    let world = alone(&program.own_entry("oci"), &steps).await;
    let plan = world.plan(json!({"name": "one"})).await;
    assert_eq!(sentences(&plan), [format!("push chart {charts}/web:1.0.0 in registry acme")]);
    let (id, status, log) = world.run(json!({"name": "one"})).await;
    assert_eq!(status, "completed", "{log}");
    assert!(log.contains(&format!("pushed oci://{}/{charts}/web 1.0.0", program.told("host"))), "{log}");

    // The same content is nothing to do, and not the second run's to delete.
    let plan = world.plan(json!({"name": "one"})).await;
    assert!(plan.effects.is_empty() && plan.warnings.iter().any(|one| one.contains("with the same content")));
    let (second, status, log) = world.run(json!({"name": "one"})).await;
    assert_eq!(status, "completed", "{log}");
    assert!(world.scaffolder.undoable(&world.who, second).await.unwrap().is_empty());
    let plan = world.plan(json!({"name": "two"})).await;
    assert!(plan.effects[0].conflict.as_deref().unwrap().contains("raise `version` in Chart.yaml"));
    let (_, status, _) = world.run(json!({"name": "two"})).await;
    assert_eq!(status, "failed");

    let undone = take_back(&world, id).await;
    assert_eq!(undone, [(format!("delete chart {charts}/web:1.0.0 in registry acme"), None)]);
    let (_, status, log) = world.run(json!({"name": "two"})).await;
    assert_eq!(status, "completed", "{log}");
}
