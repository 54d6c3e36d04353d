//! What the input of a step asks for.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::super::Delivery;
use super::super::text;
use super::refused;
use crate::cluster::Cluster;
use crate::forge::{Forge, Forges, RepoUrl, RepositoryId};
use crate::registry::{ImageName, Kind, Registry, split_image};
use crate::scaffolder::{ActionError, Outputs};

/// The secret in a namespace where the input names none.
const PULL_SECRET: &str = "registry";
/// What a quota's number may end with, and the bytes of one.
const UNITS: [(&str, i64); 8] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("K", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
];

/// What is to be.
pub(super) struct Wanted {
    pub(super) registry: Registry,
    pub(super) image: ImageName,
    /// Whether everybody may pull; none where nothing is asked for.
    pub(super) public: Option<bool>,
    /// Bytes of the project.
    pub(super) quota: Option<i64>,
    /// The tags that do not move.
    pub(super) immutable: Option<String>,
    /// Until accounts expire.
    pub(super) days: Option<i64>,
    /// Whose pipelines push, on a forge that has secrets.
    pub(super) pipelines: Option<(Arc<dyn Forge>, RepositoryId)>,
    /// Where it is pulled.
    pub(super) places: Vec<Place>,
    pub(super) pull_secret: String,
    /// What is left out, and why.
    pub(super) remarks: Vec<String>,
}

/// A namespace that pulls.
pub(super) struct Place {
    pub(super) environment: String,
    pub(super) namespace: String,
    pub(super) cluster: Cluster,
}

impl Wanted {
    /// Reads an input; what needs something that is not connected is left out with a remark. `Err` in it: why nothing is
    /// to be done at all.
    pub(super) fn of(
        delivery: &Delivery,
        forges: &Forges,
        input: &Outputs,
    ) -> Result<Result<Self, String>, ActionError> {
        let registry = match registry(delivery, input)? {
            Ok(registry) => registry,
            Err(why) => return Ok(Err(why)),
        };
        let path = split_image(text(input, "image")).filter(|(host, _)| *host == registry.host());
        let path = path.map_or_else(|| text(input, "image").to_owned(), |(_, name)| name.to_string());
        let image = image(&registry, &path, text(input, "project"))?;
        let mut wanted = Self {
            image,
            public: Some(text(input, "visibility")).filter(|text| !text.is_empty()).map(|text| text == "public"),
            quota: input.get("quota").map(quota).transpose()?.flatten(),
            immutable: immutable(input.get("immutableTags")),
            days: input.get("expiresInDays").and_then(Value::as_i64),
            pipelines: None,
            places: Vec::new(),
            pull_secret: Some(text(input, "pullSecret"))
                .filter(|name| !name.is_empty())
                .unwrap_or(PULL_SECRET)
                .to_owned(),
            remarks: Vec::new(),
            registry,
        };
        wanted.leave_out_what_only_harbor_has();
        wanted.find_pipelines(forges, text(input, "repoUrl"))?;
        wanted.find_places(delivery, input)?;
        Ok(Ok(wanted))
    }

    fn leave_out_what_only_harbor_has(&mut self) {
        if self.registry.harbor().is_some() {
            return;
        }
        let asked = [
            ("quota", self.quota.take().is_some()),
            ("visibility", self.public.take().is_some()),
            ("immutableTags", self.immutable.take().is_some()),
            ("expiresInDays", self.days.take().is_some()),
        ];
        let names: Vec<&str> = asked.into_iter().filter(|(_, is_asked)| *is_asked).map(|(name, _)| name).collect();
        if !names.is_empty() {
            let names = names.join(", ");
            self.remarks.push(format!(
                "Left out: {names}; registry {} is no Harbor, and has that set with its own tools",
                self.registry.name()
            ));
        }
    }

    fn find_pipelines(&mut self, forges: &Forges, repo_url: &str) -> Result<(), ActionError> {
        if repo_url.is_empty() {
            return Ok(());
        }
        let url: RepoUrl = repo_url.parse().map_err(|error| ActionError::input(format!("{error}")))?;
        let forge = Arc::clone(forges.by_repo_url(&url)?);
        let id = url.repository().map_err(|error| ActionError::input(error.to_string()))?;
        if forge.github().is_none() {
            self.remarks.push(format!("Left out: the forge {} has no secrets for the pipelines of {id}", forge.host()));
        } else if self.registry.harbor().is_some() || self.pushes()? {
            self.pipelines = Some((forge, id));
        } else if self.registry.kind() != Kind::Ghcr {
            // On GitHub's own registry, pipelines have a token of theirs.
            self.remarks.push(format!(
                "Left out: what the pipelines of {id} push with; give registry {} a `push` with `username` and `password`",
                self.registry.name()
            ));
        }
        Ok(())
    }

    fn pushes(&self) -> Result<bool, ActionError> {
        Ok(self.registry.push_login().map_err(|error| refused(&error))?.is_some())
    }

    fn find_places(&mut self, delivery: &Delivery, input: &Outputs) -> Result<(), ActionError> {
        let asked = input.get("environments").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if asked.is_empty() {
            return Ok(());
        }
        if !can_pull(&self.registry)? {
            self.remarks.push(format!(
                "Left out: the pull secrets; give registry {} a `pull` with `username` and `password`",
                self.registry.name()
            ));
            return Ok(());
        }
        for entry in asked {
            let key = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (name, namespace) = (key("name"), key("namespace"));
            let input = Outputs::from_iter([("environment".to_owned(), json!(name))]);
            match super::super::place(delivery, &input)? {
                Ok(cluster) => self.places.push(Place { environment: name, namespace, cluster }),
                Err(why) => self.remarks.push(why),
            }
        }
        Ok(())
    }

    /// What later steps see.
    pub(super) fn outputs(&self) -> Outputs {
        let secret = if self.places.is_empty() { "" } else { &self.pull_secret };
        let mut outputs = Outputs::from_iter([
            ("registry".to_owned(), json!(self.registry.host())),
            ("image".to_owned(), json!(format!("{}/{}", self.registry.host(), self.image))),
            ("repository".to_owned(), json!(self.image)),
            ("pullSecret".to_owned(), json!(secret)),
        ]);
        if let Some(page) = self.registry.page(&self.image) {
            outputs.insert("link".to_owned(), json!(page));
        }
        outputs
    }

    /// The project of the image.
    pub(super) fn project(&self) -> &str {
        self.image.project().unwrap_or_default()
    }
}

/// What the pull secret of an image is called where a step puts one into the namespaces; empty where it does not.
pub(in super::super) fn pull_secret(delivery: &Delivery, image: &str) -> Result<&'static str, ActionError> {
    let registry = split_image(image).and_then(|(host, _)| delivery.registries().by_host(host));
    let is_given = match registry {
        Some(registry) if !delivery.clusters().is_empty() => can_pull(registry)?,
        _ => false,
    };
    Ok(if is_given { PULL_SECRET } else { "" })
}

/// Whether there is something to give to clusters.
fn can_pull(registry: &Registry) -> Result<bool, ActionError> {
    Ok(registry.harbor().is_some() || registry.pull_login().map_err(|error| refused(&error))?.is_some())
}

/// The registry of an input: by its name, by the host of the image, or the only one. `Err` in it: why nothing is to be done,
/// where none is named and the portal knows none at all, or none of that host.
pub(super) fn registry(delivery: &Delivery, input: &Outputs) -> Result<Result<Registry, String>, ActionError> {
    let name = text(input, "registry");
    let known = delivery.registries();
    if name.is_empty() && known.all().is_empty() {
        return Ok(Err(
            "Left out: no registry is connected to this portal; one is configured in `registries`".to_owned()
        ));
    }
    if name.is_empty()
        && let Some((host, _)) = split_image(text(input, "image"))
    {
        let found = known.by_host(host).cloned();
        return Ok(found.ok_or_else(|| {
            format!("Left out: registry {host} is not connected to this portal; one is configured in `registries`")
        }));
    }
    known.get(name).cloned().map(Ok).map_err(|error| refused(&error))
}

/// The image with its project: the input's, its own, or the registry's.
pub(super) fn image(registry: &Registry, image: &str, project: &str) -> Result<ImageName, ActionError> {
    let path = match (project, registry.project()) {
        ("", None) => image.to_owned(),
        ("", Some(_)) if image.contains('/') => image.to_owned(),
        ("", Some(project)) | (project, _) => format!("{project}/{image}"),
    };
    // GitHub's owners have capitals, and images of theirs do not.
    let path = if registry.kind() == Kind::Ghcr { path.to_lowercase() } else { path };
    let name = ImageName::parse(&path).map_err(ActionError::input)?;
    if name.project().is_none() && matches!(registry.kind(), Kind::Harbor | Kind::Ghcr) {
        return Err(ActionError::input(format!(
            "image `{path}` needs a project: give the step a `project`, or registry `{}` one in `registries`",
            registry.name()
        )));
    }
    Ok(name)
}

fn immutable(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Bool(true) => Some("**".to_owned()),
        Value::String(pattern) if !pattern.trim().is_empty() => Some(pattern.trim().to_owned()),
        _ => None,
    }
}

/// Bytes of `10Gi`, `500M` or a number; none for an empty text.
fn quota(value: &Value) -> Result<Option<i64>, ActionError> {
    let wrong = || ActionError::input(format!("`quota`: {value} is no size; write bytes, or as in 10Gi"));
    let written = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.trim().trim_end_matches('B').to_owned(),
        other => other.to_string(),
    };
    if written.is_empty() {
        return Ok(None);
    }
    let unit = UNITS.iter().find_map(|(unit, bytes)| Some((written.strip_suffix(unit)?, *bytes)));
    let (number, bytes) = unit.unwrap_or((written.as_str(), 1));
    let number: i64 = number.trim().parse().map_err(|_| wrong())?;
    number.checked_mul(bytes).filter(|bytes| *bytes > 0).map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::registries;

    #[test]
    fn a_quota_is_a_size() {
        let cases = [
            (json!(1024), Some(1024)),
            (json!("10Gi"), Some(10 << 30)),
            (json!("10GiB"), Some(10 << 30)),
            (json!("500M"), Some(500_000_000)),
            (json!(" 2 Ti "), Some(2 << 40)),
            (json!(""), None),
        ];
        for (value, expected) in cases {
            assert_eq!(quota(&value).unwrap(), expected, "{value}");
        }
        for value in [json!("much"), json!(0), json!(-1), json!("9999999999Ti"), json!(1.5)] {
            assert!(quota(&value).unwrap_err().message.contains("is no size"), "{value}");
        }
    }

    #[test]
    fn an_image_is_in_the_project_that_is_said_nearest() {
        let harbor =
            json!({"name": "harbor", "kind": "harbor", "url": "https://harbor.acme.example", "project": "acme"});
        let ghcr = json!({"name": "ghcr", "kind": "ghcr"});
        let oci = json!({"name": "oci", "kind": "oci", "url": "https://registry.acme.example"});
        let all = registries(&[harbor, ghcr, oci]);
        let cases = [
            ("harbor", "web", "", Ok("acme/web")),
            ("harbor", "web", "payments", Ok("payments/web")),
            ("harbor", "payments/web", "", Ok("payments/web")),
            ("ghcr", "web", "Acme", Ok("acme/web")),
            ("ghcr", "web", "", Err("needs a project")),
            ("oci", "web", "", Ok("web")),
            ("oci", "Web", "", Err("is no name of an image")),
        ];
        for (registry, name, project, expected) in cases {
            let found = image(all.get(registry).unwrap(), name, project);
            match expected {
                Ok(path) => assert_eq!(found.unwrap().path(), path),
                Err(part) => assert!(found.unwrap_err().message.contains(part), "{registry} {name}"),
            }
        }
    }
}
