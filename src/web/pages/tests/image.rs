//! The Image tab, on a real registry.

use serde_json::json;

use super::portal::Guest;
use crate::registry::testing::{plain, registries};
use crate::registry::{Chart, ImageName, Registries};

const RULES: &str = "rules: [{ allow: [Component, API, System, Group, User, Template, Location] }]";
const PAY: &str = "/catalog/default/component/pay/image";

/// A guest of a portal with a component of these annotations.
async fn guest(registries: Registries, annotations: &str) -> (Guest, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog-info.yaml");
    let text = format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: pay\n  annotations: {{ {annotations} }}\nspec: {{ type: service, lifecycle: production, owner: payments }}\n"
    );
    std::fs::write(&file, text).unwrap();
    let target = file.to_str().unwrap();
    let catalog = format!("{RULES}\nlocations: [{{ type: file, target: '{target}' }}]");
    let guest = Guest::with_registries(&catalog, registries).await;
    guest.app.state.catalog.read_due().await.unwrap();
    (guest, folder)
}

#[tokio::test]
async fn tags_come_late_with_digest_and_size() {
    let Some(program) = plain() else { return };
    let known = registries(&[program.own_entry("oci")]);
    let path = format!("acme/pay-{}", uuid::Uuid::new_v4().simple());
    let image = ImageName::parse(&path).unwrap();
    let chart = [("Chart.yaml", &b"apiVersion: v2\nname: pay\nversion: 1.4.2\n"[..], false)];
    let chart = Chart::pack(chart).unwrap();
    let pushed = known.all()[0].push_chart(&image, &chart, chrono::Utc::now()).await.unwrap();

    let named = format!("greenroom.dev/image: '{}/{path}'", program.told("host"));
    let (guest, _folder) = guest(known, &named).await;
    let overview = guest.see("/catalog/default/component/pay").await;
    assert!(overview.contains(&format!("href=\"{PAY}\"")), "{overview}");
    let shell = guest.see(PAY).await;
    assert!(shell.contains(&format!("data-late=\"{PAY}?now=yes\"")) && !shell.contains("1.4.2"), "{shell}");
    let tags = guest.see(&format!("{PAY}?now=yes")).await;
    for part in [path.as_str(), ">1.4.2<", &pushed.digest, "chart"] {
        assert!(tags.contains(part), "{part} is missing in {tags}");
    }
}

#[tokio::test]
async fn a_registry_that_is_away_or_unknown_is_a_sentence() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = registries(&[json!({"name": "acme", "kind": "oci", "url": format!("http://{closed}")})]);
    let (first, _folder) = guest(away.clone(), &format!("greenroom.dev/image: '{closed}/acme/pay'")).await;
    let told = first.see(&format!("{PAY}?now=yes")).await;
    assert!(told.contains("registry `acme` cannot be reached: nothing listens at its address"), "{told}");
    let (second, _folder) = guest(away, "quay.io/repository-slug: acme/pay").await;
    let told = second.see(&format!("{PAY}?now=yes")).await;
    assert!(told.contains("quay.io is none of the registries that this portal asks"), "{told}");
    let (third, _folder) = guest(Registries::default(), "a: b").await;
    let told = third.see(PAY).await;
    assert!(told.contains("greenroom.dev/image: registry.acme.example/acme/pay"), "{told}");
}
