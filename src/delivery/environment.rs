//! An environment of the configuration, and where a service lands in it.

use serde::{Deserialize, Serialize};

/// API server address that Argo CD uses for the cluster it runs in.
const IN_CLUSTER: &str = "https://kubernetes.default.svc";
/// Kubernetes' limit for a namespace's name (a DNS label, RFC 1123).
const MAX_LABEL: usize = 63;

/// One entry of `environments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Environment {
    /// `dev`; a DNS label.
    pub(crate) name: String,
    /// `Development`; the name without one.
    #[serde(default)]
    pub(crate) title: Option<String>,
    /// Name of the cluster.
    #[serde(default = "local")]
    pub(crate) cluster: String,
    /// API server of the cluster as Argo CD knows it.
    #[serde(default = "in_cluster")]
    pub(crate) server: String,
    /// Rule for the namespace, with `{owner}`, `{service}`, `{system}` and `{environment}`.
    #[serde(default = "namespace_rule")]
    pub(crate) namespace: String,
    /// How changes get there.
    #[serde(default)]
    pub(crate) sync: Sync,
    /// The installation of Argo CD that deploys there; the only one, or that of the cluster itself, without it.
    #[serde(default)]
    pub(crate) argocd: Option<String>,
    /// How a version gets there.
    #[serde(default)]
    pub(crate) promotion: PromotionRule,
    /// A CSS-safe colour name for badges: one of the design's accents.
    #[serde(default)]
    pub(crate) colour: Option<String>,
}

/// `promotion` of an environment: from where, and what must hold before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PromotionRule {
    /// The environment it comes from; the one before without it.
    pub(crate) from: Option<String>,
    /// Whether the pipeline of the commit must have succeeded.
    pub(crate) pipeline: bool,
    /// Minutes for which the environment it comes from must have been healthy.
    pub(crate) healthy_for: u32,
    /// Entity references of users and groups, one of whom must agree.
    pub(crate) approvers: Vec<String>,
}

/// How a change reaches an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sync {
    /// As soon as it is in the repository.
    Automated,
    /// Through a pull request to the environment's values.
    #[default]
    PullRequest,
}

/// Where one service lands in one environment: what templates loop over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Placement {
    /// Environment name.
    pub(crate) name: String,
    /// Environment title.
    pub(crate) title: String,
    /// Position in the order of promotion, from 0.
    pub(crate) order: usize,
    /// Cluster name.
    pub(crate) cluster: String,
    /// API server of the cluster.
    pub(crate) server: String,
    /// Namespace on the cluster.
    pub(crate) namespace: String,
    /// Name of the Argo CD application.
    pub(crate) application: String,
    /// Whether a change goes out without a pull request.
    pub(crate) automated: bool,
    /// Colour of its badge.
    pub(crate) colour: String,
}

/// What is wrong with an environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EnvironmentError {
    /// Not a DNS label.
    #[error("environment name `{0}` must be at most 20 lower-case letters, digits and inner hyphens")]
    Name(String),
    /// Named twice.
    #[error("environment `{0}` is configured twice")]
    Twice(String),
    /// A word in braces that is no part of the rule's language.
    #[error(
        "environment `{environment}`: the namespace rule `{rule}` knows {{owner}}, {{service}}, {{system}} and {{environment}} only"
    )]
    Rule {
        /// Which environment.
        environment: String,
        /// The rule as written.
        rule: String,
    },
    /// The rule gives no valid namespace for a service.
    #[error(
        "environment `{environment}`: namespace `{namespace}` for service `{service}` is not a DNS label of at most 63 characters; change the rule `{rule}` or the names"
    )]
    Namespace {
        /// Which environment.
        environment: String,
        /// What the rule gave.
        namespace: String,
        /// For which service.
        service: String,
        /// The rule as written.
        rule: String,
    },
}

/// Who and what a placement is for; names without kind and namespace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// Service name.
    pub(crate) service: &'a str,
    /// Name of the owning group or user.
    pub(crate) owner: &'a str,
    /// Name of the system; the service's own name stands in for none.
    pub(crate) system: &'a str,
}

fn local() -> String {
    "local".to_owned()
}

fn in_cluster() -> String {
    IN_CLUSTER.to_owned()
}

fn namespace_rule() -> String {
    "{owner}-{environment}".to_owned()
}

impl Environment {
    /// What there is when configuration names none: dev, staging and prod on the local cluster.
    pub(crate) fn defaults() -> Vec<Self> {
        [
            ("dev", "Development", Sync::Automated, "blue"),
            ("staging", "Staging", Sync::PullRequest, "amber"),
            ("prod", "Production", Sync::PullRequest, "green"),
        ]
        .map(|(name, title, sync, colour)| Self {
            name: name.to_owned(),
            title: Some(title.to_owned()),
            cluster: local(),
            server: in_cluster(),
            namespace: namespace_rule(),
            sync,
            argocd: None,
            promotion: PromotionRule::default(),
            colour: Some(colour.to_owned()),
        })
        .into()
    }

    /// What to call it on a page.
    pub(crate) fn title(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }

    /// Where `subject` lands here; `order` is this environment's position.
    pub(crate) fn place(&self, order: usize, subject: Subject<'_>) -> Result<Placement, EnvironmentError> {
        let namespace = self.namespace_for(subject);
        if !is_label(&namespace, MAX_LABEL) {
            return Err(EnvironmentError::Namespace {
                environment: self.name.clone(),
                namespace,
                service: subject.service.to_owned(),
                rule: self.namespace.clone(),
            });
        }
        Ok(Placement {
            name: self.name.clone(),
            title: self.title().to_owned(),
            order,
            cluster: self.cluster.clone(),
            server: self.server.clone(),
            namespace,
            application: format!("{}-{}", subject.service, self.name),
            automated: self.sync == Sync::Automated,
            colour: self.colour.clone().unwrap_or_else(|| "grey".to_owned()),
        })
    }

    fn namespace_for(&self, subject: Subject<'_>) -> String {
        let system = if subject.system.is_empty() { subject.service } else { subject.system };
        let filled = self
            .namespace
            .replace("{owner}", subject.owner)
            .replace("{service}", subject.service)
            .replace("{system}", system)
            .replace("{environment}", &self.name);
        // Catalog names may hold dots, underscores and capitals; namespaces may not.
        filled.to_lowercase().replace(['.', '_'], "-")
    }
}

/// Checks names and rules of all environments at once.
pub(super) fn check(environments: &[Environment]) -> Result<(), EnvironmentError> {
    let mut seen = std::collections::BTreeSet::new();
    for environment in environments {
        let name = &environment.name;
        if !is_label(name, 20) {
            return Err(EnvironmentError::Name(name.clone()));
        }
        if !seen.insert(name) {
            return Err(EnvironmentError::Twice(name.clone()));
        }
        let plain = environment.namespace_for(Subject { service: "s", owner: "o", system: "y" });
        if plain.contains(['{', '}']) {
            return Err(EnvironmentError::Rule { environment: name.clone(), rule: environment.namespace.clone() });
        }
    }
    Ok(())
}

fn is_label(text: &str, limit: usize) -> bool {
    let inner = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    !text.is_empty() && text.len() <= limit && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}
