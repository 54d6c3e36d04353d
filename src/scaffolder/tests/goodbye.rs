//! A template that takes a service out of the catalog and tells its owners.

use super::runs::{answers, files};
use super::*;
use crate::notification::{NotificationQuery, Notifications};

const GOODBYE: &str = "  parameters:
    properties:
      name: { type: string }
  steps:
    - id: notify
      action: notification:send
      input:
        recipients: entity
        entityRefs: ['component:default/${{ parameters.name }}', guest]
        title: ${{ parameters.name }} goes
        severity: high
    - id: unregister
      action: catalog:unregister
      input:
        entityRef: ${{ parameters.name }}
    - id: again
      action: catalog:unregister
      input:
        catalogInfoUrl: ${{ steps.unregister.output.catalogInfoUrl or 'http://localhost:7007/nowhere' }}
";

async fn world() -> World {
    let mut files = files();
    files.push(("goodbye/template.yaml", template("goodbye", GOODBYE)));
    World::new(&files.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_leaves_the_catalog_and_its_owners_know() {
    let world = world().await;
    world.run("service", answers("pay")).await;
    let plan = world.plan("goodbye", json!({"name": "pay"})).await.unwrap();
    let sentences: Vec<&str> = plan.effects.iter().map(|effect| effect.sentence.as_str()).collect();
    assert_eq!(sentences[0], "notify group:default/payments, user:default/guest: pay goes");
    assert!(sentences[1].starts_with("unregister https://local/acme/pay/"), "{sentences:?}");
    assert!(sentences.contains(&"remove component:default/pay"), "{sentences:?}");
    let pay = "component:default/pay".parse().unwrap();
    assert!(world.catalog.entity(&world.who, &pay).is_some());

    let (status, events) = world.run("goodbye", json!({"name": "pay"})).await;
    assert_eq!(status, "completed", "{events:#?}");
    assert!(world.catalog.entity(&world.who, &pay).is_none());
    let told = messages(&events);
    assert!(told.iter().any(|line| line.contains("Removed catalog location url:https://local/acme/pay/")), "{told:#?}");
    assert!(told.iter().any(|line| line.contains("Nothing to unregister.")), "{told:#?}");
    let notifications = Notifications::new(world.database.pool().clone());
    let (page, _) = notifications.of(&world.who, &NotificationQuery::default()).await.unwrap();
    let [one] = page.as_slice() else { unreachable!("{page:?}") };
    assert_eq!((one.title.as_str(), one.severity.as_str(), one.is_broadcast), ("pay goes", "high", false));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_told_is_an_error() {
    let world = world().await;
    let (status, events) = world.run("goodbye", json!({"name": "nobody"})).await;
    assert_eq!(status, "failed");
    let error = &events.last().unwrap()["error"];
    assert_eq!(error["name"], "NotFoundError");
    assert_eq!(error["message"], "component:default/nobody is not in the catalog, so that nobody can be told");
}
