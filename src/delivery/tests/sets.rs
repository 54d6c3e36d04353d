//! `argocd:applicationset`, and applications that a set makes, against a real API server.

use serde_json::{Value, json};

use super::clusters::{World, sentences};
use crate::cluster::testing::{self, clusters};

const STEPS: &str = r"    - id: environments
      action: delivery:environments
      input: { service: '${{ parameters.name }}', owner: '${{ parameters.owner }}' }
    - id: write
      action: roadiehq:utils:fs:write
      input:
        path: set.yaml
        content: |
          apiVersion: argoproj.io/v1alpha1
          kind: ApplicationSet
          metadata: { name: '${{ parameters.name }}' }
          spec:
            generators: [{ list: { elements: [{ environment: dev }] } }]
            template:
              metadata: { name: it }
              spec:
                project: default
                source: { repoURL: 'http://localhost:7007/git/acme/it.git', path: chart }
                destination: { server: 'https://kubernetes.default.svc', namespace: it }
    - id: set
      action: argocd:applicationset
      input: { environments: '${{ steps.environments.output.environments }}', manifest: set.yaml }
    - id: application
      each: ${{ steps.environments.output.environments }}
      action: argocd:application
      input:
        name: ${{ each.value.application }}
        environment: ${{ each.value.name }}
        repoUrl: http://localhost:7007/git/acme/${{ parameters.name }}.git
        applicationSet: ${{ parameters.name }}
";

fn answers(name: &str) -> Value {
    json!({"name": name, "owner": "group:default/team"})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_is_put_there_and_its_applications_are_declared() {
    let Some(plane) = testing::shared() else { return };
    let all = clusters(&[plane.entry("east")]).await;
    let environments = json!([{"name": "dev", "cluster": "east"}, {"name": "prod", "cluster": "east"}]);
    let world = World::new(all, environments, STEPS).await;
    let plan = world.plan(answers("ordering")).await;
    assert!(plan.is_clear(), "{:#?}", plan.problems);
    assert_eq!(
        sentences(&plan),
        [
            "create ApplicationSet argocd/ordering on cluster east",
            "Argo CD application ordering-dev → cluster east, namespace team-dev",
            "Argo CD application ordering-prod → cluster east, namespace team-prod",
        ]
    );
    let (id, status, log) = world.run(answers("ordering")).await;
    assert_eq!(status, "completed", "{log}");
    assert!(log.contains("Argo CD makes ordering-dev itself, by ApplicationSet ordering"), "{log}");
    let version = "argoproj.io/v1alpha1";
    assert!(world.object(version, "ApplicationSet", Some("argocd"), "ordering").await.is_some());
    assert!(world.object(version, "Application", Some("argocd"), "ordering-dev").await.is_none());

    let undoable = world.scaffolder.undoable(&world.who, id).await.unwrap();
    let told: Vec<&str> = undoable.iter().map(|one| one.sentence.as_str()).collect();
    assert_eq!(
        told,
        [
            "withdraw Argo CD application ordering-prod",
            "withdraw Argo CD application ordering-dev",
            "delete ApplicationSet argocd/ordering from cluster east",
        ]
    );
    let ids: Vec<String> = undoable.iter().map(|one| one.id.clone()).collect();
    let undone = world.scaffolder.undo(&world.who, id, &ids).await.unwrap();
    assert!(undone.iter().all(|one| one.error.is_none()), "{:?}", undone.last().map(|one| &one.error));
    assert!(world.object(version, "ApplicationSet", Some("argocd"), "ordering").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_for_environments_of_several_argo_cds_is_refused() {
    let Some(plane) = testing::shared() else { return };
    let all = clusters(&[plane.entry("east"), plane.entry("west")]).await;
    let environments = json!([{"name": "dev", "cluster": "east"}, {"name": "prod", "cluster": "west"}]);
    let world = World::new(all, environments, STEPS).await;
    let plan = world.plan(answers("shipping")).await;
    let told = &plan.problems[0].message;
    assert!(told.starts_with("Argo CD `east` deploys to dev and `west` to prod"), "{told}");
}
