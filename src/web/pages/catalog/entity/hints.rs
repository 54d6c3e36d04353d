//! What an entity could show and does not, with the lines that would make it so.

use crate::entity::{Entity, TECHDOCS_REF};

/// Something that is missing.
pub(super) struct Hint {
    /// What would be there.
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    /// Where in the descriptor it goes.
    pub(super) place: &'static str,
    /// What to write.
    pub(super) line: String,
}

/// What is known of the portal that decides what can be shown.
pub(super) struct Offered {
    /// Whether a GitHub is configured.
    pub(super) github: bool,
    /// Whether clusters are connected.
    pub(super) clusters: bool,
    /// Whether registries are configured.
    pub(super) registries: bool,
}

/// What is missing of an entity of a kind, in lower case.
pub(super) fn of(entity: &Entity, kind: &str, offered: &Offered) -> Vec<Hint> {
    const ANNOTATIONS: &str = "metadata.annotations";
    let name = entity.name();
    let is_component = kind == "component";
    let lacks = |annotations: &[&str]| annotations.iter().all(|annotation| entity.annotation(annotation).is_none());
    let hint = |title, about, place, line: String| Hint { title, about, place, line };
    let documented = is_component || matches!(kind, "api" | "resource" | "system" | "domain" | "template");
    let owned = documented && kind != "template";
    let wanted = [
        (owned && entity.text(&["spec", "owner"]).is_none())
            .then(|| hint("An owner", "Who is asked when something is wrong.", "spec", "owner: my-team".to_owned())),
        (documented && entity.description().is_none()).then(|| {
            hint("A description", "One sentence: what it is for.", "metadata", "description: What it is for".to_owned())
        }),
        (documented && lacks(&[TECHDOCS_REF, "backstage.io/techdocs-entity"])).then(|| {
            let about = "Renders the Markdown beside the descriptor: docs/ and mkdocs.yml.";
            hint("Docs", about, ANNOTATIONS, format!("{TECHDOCS_REF}: dir:."))
        }),
        (is_component && offered.github && lacks(&["github.com/project-slug", "backstage.io/source-location"])).then(
            || {
                let about = "Shows the runs of its workflows.";
                hint("CI", about, ANNOTATIONS, format!("github.com/project-slug: acme/{name}"))
            },
        ),
        (is_component
            && offered.clusters
            && lacks(&["backstage.io/kubernetes-id", "backstage.io/kubernetes-label-selector"]))
        .then(|| {
            let about = "Shows its pods; they carry the same value as a label.";
            hint("Kubernetes", about, ANNOTATIONS, format!("backstage.io/kubernetes-id: {name}"))
        }),
        (is_component && offered.registries && lacks(&super::IMAGE_ANNOTATIONS)).then(|| {
            let about = "Shows the tags of its image.";
            hint("Image", about, ANNOTATIONS, format!("greenroom.dev/image: registry.example/acme/{name}"))
        }),
    ];
    wanted.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn titles(entity: serde_json::Value, kind: &str, all: bool) -> Vec<&'static str> {
        let offered = Offered { github: all, clusters: all, registries: all };
        let entity: Entity = serde_json::from_value(entity).unwrap();
        of(&entity, kind, &offered).iter().map(|hint| hint.title).collect()
    }

    #[test]
    fn only_what_is_missing_and_offered_is_said() {
        let bare = json!({"kind": "Component", "metadata": {"name": "a"}, "spec": {}});
        assert_eq!(titles(bare.clone(), "component", false), ["An owner", "A description", "Docs"]);
        assert_eq!(
            titles(bare.clone(), "component", true),
            ["An owner", "A description", "Docs", "CI", "Kubernetes", "Image"]
        );
        assert_eq!(titles(bare.clone(), "group", true), Vec::<&str>::new());
        let full = json!({"kind": "Component", "metadata": {"name": "a", "description": "x", "annotations": {
            "backstage.io/techdocs-entity": "component:default/b", "backstage.io/kubernetes-id": "a",
            "github.com/project-slug": "acme/a", "goharbor.io/repository-slug": "acme/a",
        }}, "spec": {"owner": "x"}});
        assert_eq!(titles(full, "component", true), Vec::<&str>::new());
    }
}
