//! Projects, robot accounts and rules in the model of Harbor, which holds every request against Harbor's description.

use secrecy::ExposeSecret as _;

use super::images::push;
use super::{name, only, own};
use crate::registry::testing::harbor as shared;
use crate::registry::{NewProject, NewRobot, RegistryError, Use};

#[tokio::test]
async fn a_project_is_made_used_and_deleted() {
    let Some(program) = shared() else { return };
    let registry = only(&program.own_entry("harbor"));
    let harbor = registry.harbor().unwrap();
    let project = own("acme");
    assert_eq!(harbor.project(&project).await.unwrap(), None);
    harbor.create_project(&NewProject { name: &project, public: false, quota: Some(1 << 20) }).await.unwrap();
    let made = harbor.project(&project).await.unwrap().unwrap();
    assert_eq!((made.name.as_str(), made.public, made.quota), (project.as_str(), false, Some(1 << 20)));
    let told = harbor.create_project(&NewProject { name: &project, public: true, quota: None }).await.unwrap_err();
    assert!(matches!(told, RegistryError::Conflict { .. }), "{told}");

    let new = NewRobot { name: "web-push", description: "run 1", purpose: Use::Push, days: Some(30) };
    let (robot, login) = harbor.create_robot(&made, &new).await.unwrap();
    assert_eq!(robot.name, format!("robot${project}+web-push"));
    assert_eq!(harbor.robot(&made, "web-push").await.unwrap(), Some(robot.clone()));
    assert_eq!(harbor.robot(&made, "push").await.unwrap(), None);

    // The account may push to its project, and its old secret is worth nothing once it is renewed.
    let image = name(&format!("{project}/team/web"));
    let as_robot = only(&program.entry("oci", &login.username, login.password.expose_secret()));
    let (digest, _) = push(&as_robot, &image, "1.0.0", "2026-01-01T00:00:00Z").await;
    let renewed = harbor.renew(&robot).await.unwrap();
    assert_ne!(renewed.password.expose_secret(), login.password.expose_secret());
    let stale = only(&program.entry("oci", &login.username, login.password.expose_secret()));
    assert!(matches!(stale.tags(&image).await.unwrap_err(), RegistryError::Credentials { .. }));

    // A pull account may not push.
    let new = NewRobot { name: "web-pull", description: "run 1", purpose: Use::Pull, days: None };
    let (_, login) = harbor.create_robot(&made, &new).await.unwrap();
    let as_cluster = only(&program.entry("oci", &login.username, login.password.expose_secret()));
    assert_eq!(as_cluster.digest(&image, "1.0.0").await.unwrap(), Some(digest.clone()));
    let told = as_cluster.delete(&image, &digest).await.unwrap_err();
    assert!(matches!(told, RegistryError::Forbidden { .. }), "{told}");

    assert_eq!(harbor.rule(&image, "v*").await.unwrap(), None);
    harbor.create_rule(&image, "v*").await.unwrap();
    let rule = harbor.rule(&image, "v*").await.unwrap().unwrap();
    let again = harbor.create_rule(&image, "v*").await.unwrap_err();
    assert!(matches!(again, RegistryError::Conflict { .. }), "{again}");

    let shelf = registry.shelf(&image).await.unwrap();
    assert_eq!((shelf.total, shelf.tags[0].names.clone()), (1, vec!["1.0.0".to_owned()]));
    assert!(shelf.tags[0].pushed.is_some());

    assert_eq!(harbor.repositories(&project).await.unwrap(), ["team/web"]);
    let told = harbor.delete_project(&project).await.unwrap_err().to_string();
    assert!(told.contains("the project contains repositories"), "{told}");
    harbor.delete_rule(&project, rule).await.unwrap();
    harbor.delete_repository(&image).await.unwrap();
    harbor.delete_robot(robot.id, &robot.name).await.unwrap();
    harbor.delete_project(&project).await.unwrap();
    for _ in 0..2 {
        harbor.delete_rule(&project, rule).await.unwrap();
        harbor.delete_repository(&image).await.unwrap();
        harbor.delete_robot(robot.id, &robot.name).await.unwrap();
        harbor.delete_project(&project).await.unwrap();
    }
    assert_eq!(harbor.project(&project).await.unwrap(), None);
    program.assert_described().await;
}

#[tokio::test]
async fn what_harbor_refuses_is_a_sentence() {
    let Some(program) = shared() else { return };
    let registry = only(&program.own_entry("harbor"));
    let harbor = registry.harbor().unwrap();
    let (project, other) = (own("full"), own("other"));
    for name in [&project, &other] {
        harbor.create_project(&NewProject { name, public: false, quota: Some(10) }).await.unwrap();
    }
    let made = harbor.project(&project).await.unwrap().unwrap();
    let new = NewRobot { name: "push", description: "", purpose: Use::Push, days: None };
    let (_, login) = harbor.create_robot(&made, &new).await.unwrap();
    let as_robot = only(&program.entry("harbor", &login.username, login.password.expose_secret()));

    let told = as_robot.harbor().unwrap().project(&other).await.unwrap_err().to_string();
    assert!(told.starts_with("registry `acme` does not allow robot$"), "{told}");
    let stranger = only(&program.entry("harbor", "admin", "wrong-password"));
    let told = stranger.harbor().unwrap().project(&project).await.unwrap_err().to_string();
    assert_eq!(
        told,
        "registry `acme` does not accept the credentials of admin: they are wrong or have expired; change them in `registries`"
    );
    let artifact = crate::registry::artifact::Artifact {
        config: ("application/vnd.oci.image.config.v1+json", "{}".into()),
        layer: ("application/vnd.oci.image.layer.v1.tar+gzip", "more than ten bytes".into()),
        annotations: std::collections::BTreeMap::new(),
    };
    let image = name(&format!("{project}/web"));
    let told = as_robot.push(&image, "1", &artifact).await.unwrap_err();
    assert!(matches!(&told, RegistryError::Quota { said, .. } if said.contains("10 B")), "{told}");
    let elsewhere = name(&format!("{other}/web"));
    let told = as_robot.push(&elsewhere, "1", &artifact).await.unwrap_err();
    assert!(matches!(told, RegistryError::Forbidden { .. }), "{told}");
    program.assert_described().await;
}
