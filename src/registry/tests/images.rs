//! Images and charts in a real registry: pushed, listed, looked at, deleted.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{name, only, own};
use crate::registry::artifact::Artifact;
use crate::registry::image::digest_of;
use crate::registry::testing::plain;
use crate::registry::wire::Ask;
use crate::registry::{Chart, Content, ImageName, Registry};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Pushes an image of one layer that was built at a time; answers its digest and its size.
pub(super) async fn push(registry: &Registry, image: &ImageName, tag: &str, built: &str) -> (String, u64) {
    let layer = format!("a layer of {tag} {built}");
    let labels = json!({"org.opencontainers.image.revision": "0123abc"});
    let config = json!({"created": built, "architecture": "amd64", "os": "linux", "config": {"Labels": labels}});
    let (config, layer) = (config.to_string(), layer);
    let size = (config.len() + layer.len()) as u64;
    let artifact = Artifact {
        config: (CONFIG, config.into()),
        layer: (LAYER, layer.into()),
        annotations: std::collections::BTreeMap::new(),
    };
    (registry.push(image, tag, &artifact).await.unwrap().digest, size)
}

#[tokio::test]
async fn the_newest_tags_are_told_with_their_size_and_age() {
    let Some(program) = plain() else { return };
    let registry = only(&program.own_entry("oci"));
    registry.check().await.unwrap();
    let image = name(&own("acme/web"));
    let (old, _) = push(&registry, &image, "1.9.0", "2026-01-01T00:00:00Z").await;
    let (new, size) = push(&registry, &image, "1.10.0", "2026-02-01T00:00:00Z").await;
    push(&registry, &image, "latest", "2026-02-01T00:00:00Z").await;
    // The same bytes under another tag.
    let raw = registry.read_manifest(&image, "1.10.0").await.unwrap();
    assert_eq!(raw.1, new);

    let (tags, are_all) = registry.tags(&image).await.unwrap();
    assert_eq!((tags.len(), are_all), (3, true));
    assert_eq!(registry.digest(&image, "1.9.0").await.unwrap(), Some(old));
    assert_eq!(registry.digest(&image, "2.0.0").await.unwrap(), None);

    let shelf = registry.shelf(&image).await.unwrap();
    assert_eq!((shelf.total, shelf.is_part), (3, false));
    let first = shelf.tags.iter().find(|tag| tag.names == ["1.10.0"]).unwrap();
    assert_eq!((first.facts.size, first.facts.content), (Some(size), Content::Image));
    assert_eq!(first.facts.annotations["org.opencontainers.image.revision"], "0123abc");
    assert_eq!(first.at(), Some("2026-02-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap()));
    assert_eq!(shelf.tags.last().unwrap().names, ["1.9.0"]);

    registry.delete(&image, &new).await.unwrap();
    registry.delete(&image, &new).await.unwrap();
    assert_eq!(registry.digest(&image, "1.10.0").await.unwrap(), None);
}

#[tokio::test]
async fn an_index_tells_each_platform() {
    let Some(program) = plain() else { return };
    let registry = only(&program.own_entry("oci"));
    let image = name(&own("acme/many"));
    let mut entries = Vec::new();
    let mut sizes = Vec::new();
    for (tag, architecture) in [("a", "amd64"), ("b", "arm64"), ("c", "unknown")] {
        let (digest, size) = push(&registry, &image, tag, "2026-03-01T00:00:00Z").await;
        sizes.push((format!("linux/{architecture}"), size));
        entries.push(json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1,
            "platform": {"os": "linux", "architecture": architecture},
        }));
    }
    let kind = "application/vnd.oci.image.index.v1+json";
    let index = json!({"schemaVersion": 2, "mediaType": kind, "manifests": entries}).to_string();
    let digest = digest_of(index.as_bytes());
    let url = registry.wire().of_image(&image, &["manifests", "1.0.0"]);
    let ask = Ask::new(http::Method::PUT, url, "push", "image").scope(&image, "pull,push").body(index.into(), kind);
    // The registry checks the sizes of an index's parts only when it reads them.
    registry.wire().send(&ask).await.unwrap();
    let facts = registry.facts(&image, "1.0.0").await.unwrap();
    assert_eq!((facts.digest, facts.content, facts.size), (digest, Content::Index, None));
    sizes.pop();
    assert_eq!(facts.platforms, sizes);
    assert_eq!(facts.created, Some("2026-03-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap()));
}

#[tokio::test]
async fn a_pushed_chart_is_what_helm_reads() {
    let Some(program) = plain() else { return };
    let registry = only(&program.own_entry("oci"));
    let image = name(&format!("{}/web", own("charts")));
    let files = [
        ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.2.3+build.4\ndescription: Shows things\n"),
        ("values.yaml", "port: 8080\n"),
        (
            "templates/config.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  port: \"{{ .Values.port }}\"\n",
        ),
    ];
    let chart = Chart::pack(files.map(|(path, text)| (path, text.as_bytes(), false))).unwrap();
    assert_eq!(chart.tag(), "1.2.3_build.4");
    let at = "2026-04-01T00:00:00Z".parse().unwrap();
    let first = registry.push_chart(&image, &chart, at).await.unwrap();
    assert_eq!(registry.push_chart(&image, &chart, at).await.unwrap(), first);
    let facts = registry.facts(&image, &chart.tag()).await.unwrap();
    assert_eq!((facts.content, facts.layers), (Content::Chart, vec![chart.content_digest()]));
    assert_eq!(facts.created, Some(at));

    let helm = concat!(env!("CARGO_MANIFEST_DIR"), "/build/cluster/bin/helm");
    if !std::path::Path::new(helm).exists() {
        println!("skipped: no helm in build/cluster/bin (`.ci/setup test` builds it)");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let rendered = std::process::Command::new(helm)
        .args(["template", "web", "--plain-http", "--username", "ci", "--password", "push-secret"])
        .args(["--version", "1.2.3+build.4", &format!("oci://{}/{image}", registry.host())])
        .env("HELM_CACHE_HOME", home.path())
        .env("HELM_CONFIG_HOME", home.path())
        .env("HELM_DATA_HOME", home.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&rendered.stdout);
    assert!(told.contains("port: \"8080\""), "{told}{}", String::from_utf8_lossy(&rendered.stderr));
}
