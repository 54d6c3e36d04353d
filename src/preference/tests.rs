//! What is kept for whom, and how much of it.

use super::*;
use crate::db::testing::database;

fn person(name: &str) -> Credentials {
    let user = EntityRef::new("user", "default", name);
    Credentials::user(user.clone(), vec![user])
}

fn component(name: &str) -> EntityRef {
    EntityRef::new("component", "default", name)
}

#[tokio::test]
async fn settings_are_each_persons_own() {
    let database = database().await;
    let preferences = Preferences::new(database.pool().clone());
    let (ann, bob) = (person("ann"), person("bob"));
    preferences.set(&ann, "theme", "name", &json!({"a": [1, null]})).await.unwrap();
    preferences.set(&ann, "theme", "name", &json!("dark")).await.unwrap();
    assert_eq!(preferences.setting(&ann, "theme", "name").await.unwrap(), Some(json!("dark")));
    assert_eq!(preferences.setting(&bob, "theme", "name").await.unwrap(), None);
    preferences.unset(&ann, "theme", "name").await.unwrap();
    assert_eq!(preferences.setting(&ann, "theme", "name").await.unwrap(), None);
    let service = Credentials::service("ci");
    assert_eq!(preferences.setting(&service, "theme", "name").await.unwrap(), None);
    let refused = preferences.set(&service, "theme", "name", &json!(1)).await;
    assert!(matches!(refused, Err(PreferenceError::Nobody)), "{refused:?}");
}

#[tokio::test]
async fn what_cannot_be_kept_is_said() {
    let database = database().await;
    let preferences = Preferences::new(database.pool().clone());
    let ann = person("ann");
    let long = "x".repeat(LONGEST_VALUE);
    let cases: [(&str, &str, Value); 5] = [
        ("", "key", json!(1)),
        ("bucket", &"k".repeat(LONGEST_NAME + 1), json!(1)),
        ("buc\0ket", "key", json!(1)),
        ("bucket", "key", json!(long)),
        ("bucket", "key", json!("a\0b")),
    ];
    for (bucket, key, value) in cases {
        let refused = preferences.set(&ann, bucket, key, &value).await;
        assert!(matches!(refused, Err(PreferenceError::Invalid(_))), "{bucket:?}: {refused:?}");
    }
    for number in 0..MOST_SETTINGS {
        preferences.set(&ann, "many", &number.to_string(), &json!(number)).await.unwrap();
    }
    let refused = preferences.set(&ann, "many", "more", &json!(1)).await;
    assert!(matches!(refused, Err(PreferenceError::Invalid(_))), "{refused:?}");
    // What is there can still be changed.
    preferences.set(&ann, "many", "0", &json!("other")).await.unwrap();
}

#[tokio::test]
async fn stars_are_the_setting_that_backstage_keeps() {
    let database = database().await;
    let preferences = Preferences::new(database.pool().clone());
    let ann = person("ann");
    preferences.set(&ann, STARS.0, STARS.1, &json!(["component:default/a", 5, "nothing at all:::"])).await.unwrap();
    preferences.star(&ann, &[component("b"), component("c")], true).await.unwrap();
    assert_eq!(preferences.starred(&ann).await.unwrap(), [component("a"), component("b"), component("c")]);
    preferences.star(&ann, &[component("a"), component("b")], false).await.unwrap();
    assert_eq!(preferences.starred(&ann).await.unwrap(), [component("c")]);
    let kept = preferences.setting(&ann, STARS.0, STARS.1).await.unwrap();
    assert_eq!(kept, Some(json!([5, "nothing at all:::", "component:default/c"])));
}

#[tokio::test]
async fn the_newest_visits_are_kept() {
    let database = database().await;
    let pool = database.pool();
    let ann = person("ann");
    let start = Utc::now();
    for number in 0..VISITS + 5 {
        let at = start + chrono::Duration::seconds(number);
        store::visit(pool, "user:default/ann", component(&format!("c{number}")).as_str(), at, VISITS).await.unwrap();
    }
    let later = start + chrono::Duration::hours(1);
    store::visit(pool, "user:default/ann", component("c10").as_str(), later, VISITS).await.unwrap();
    let preferences = Preferences::new(pool.clone());
    let recent = preferences.recent(&ann, 1_000).await.unwrap();
    assert_eq!(recent.len(), usize::try_from(VISITS).unwrap());
    assert_eq!(recent[..2], [component("c10"), component(&format!("c{}", VISITS + 4))]);
    assert!(preferences.recent(&person("bob"), 10).await.unwrap().is_empty());
}
