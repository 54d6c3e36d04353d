//! Who sees what.

use super::*;
use crate::db::testing::database;

fn person(name: &str, group: &str) -> Credentials {
    let user = EntityRef::new("user", "default", name);
    Credentials::user(user.clone(), vec![user, EntityRef::new("group", "default", group)])
}

fn message(title: &str, recipients: Option<&[&str]>) -> Message {
    Message {
        id: Uuid::now_v7(),
        recipients: recipients.map(|all| all.iter().map(|one| one.parse().unwrap()).collect()),
        origin: "plugin:scaffolder".to_owned(),
        title: title.to_owned(),
        description: None,
        link: None,
        severity: Severity::Normal,
        scope: None,
    }
}

async fn titles(notifications: &Notifications, who: &Credentials, read: Option<bool>) -> Vec<String> {
    let (page, total) = notifications.of(who, &NotificationQuery { read, ..Default::default() }).await.unwrap();
    assert_eq!(page.len(), usize::try_from(total).unwrap());
    page.into_iter().map(|notification| notification.title).collect()
}

#[tokio::test]
async fn everybody_sees_their_own_and_reads_for_themselves() {
    let database = database().await;
    let notifications = Notifications::new(database.pool().clone());
    let (ann, bob) = (person("ann", "payments"), person("bob", "search"));
    let all = message("all", None);
    let team = message("team", Some(&["group:default/payments"]));
    for sent in [&all, &team, &message("bob", Some(&["user:default/bob"])), &all] {
        notifications.send(sent).await.unwrap();
    }
    assert_eq!(titles(&notifications, &ann, None).await, ["team", "all"]);
    assert_eq!(titles(&notifications, &bob, None).await, ["bob", "all"]);
    assert_eq!(titles(&notifications, &Credentials::anonymous(), None).await, ["all"]);

    notifications.mark(&ann, &[all.id], true).await.unwrap();
    // What somebody does not see they cannot have read.
    notifications.mark(&bob, &[team.id], true).await.unwrap();
    assert_eq!(titles(&notifications, &ann, Some(false)).await, ["team"]);
    assert_eq!(titles(&notifications, &ann, Some(true)).await, ["all"]);
    assert_eq!(titles(&notifications, &bob, Some(true)).await, Vec::<String>::new());
    notifications.mark(&ann, &[all.id], false).await.unwrap();
    assert_eq!(titles(&notifications, &ann, Some(true)).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_later_one_of_a_scope_replaces_the_earlier() {
    let database = database().await;
    let notifications = Notifications::new(database.pool().clone());
    let ann = person("ann", "payments");
    let cases: [(&str, Option<&[&str]>); 3] =
        [("first", None), ("other", Some(&["user:default/ann"])), ("second", None)];
    for (title, recipients) in cases {
        let message = message(title, recipients);
        notifications.send(&Message { scope: Some("build".to_owned()), ..message }).await.unwrap();
    }
    assert_eq!(titles(&notifications, &ann, None).await, ["second", "other"]);
    notifications.sweep().await.unwrap();
    assert_eq!(titles(&notifications, &ann, None).await.len(), 2);
    store::sweep(database.pool(), Utc::now() + chrono::Duration::days(1)).await.unwrap();
    assert_eq!(titles(&notifications, &ann, None).await.len(), 0);
}

#[test]
fn messages_that_make_no_sense_are_refused() {
    let good = message("t", None);
    let link = |link: &str| Message { link: Some(link.to_owned()), ..good.clone() };
    for taken in [&good, &link("/create/tasks/1"), &link("https://example.com/a")] {
        assert!(check(taken).is_ok(), "{taken:?}");
    }
    let refused = [
        Message { title: " ".to_owned(), ..good.clone() },
        Message { recipients: Some(vec![]), ..good.clone() },
        Message { description: Some("x".repeat(LONGEST + 1)), ..good.clone() },
        link("javascript:alert(1)"),
        link("//example.com"),
        link("/\\example.com"),
        link("nowhere"),
    ];
    for message in refused {
        assert!(check(&message).is_err(), "{message:?}");
    }
}
