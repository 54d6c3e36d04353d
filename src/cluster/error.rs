//! Why a cluster did not do something: what is wrong, with which cluster, and what to change where.

use std::time::Duration;

use kube::core::Status;

/// Why a cluster did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClusterError {
    /// No cluster of that name.
    #[error("cluster `{name}` is not configured; {known}. Clusters stand in `kubernetes.clusterLocatorMethods`")]
    Unknown {
        /// The name.
        name: String,
        /// "there are east, west", or "there is none".
        known: String,
    },
    /// Its configuration cannot be used.
    #[error("cluster `{cluster}`: {reason}")]
    Configuration {
        /// Which cluster.
        cluster: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Nothing answers.
    #[error("cluster `{cluster}` cannot be reached: {reason}")]
    Away {
        /// Which cluster.
        cluster: String,
        /// What the system said.
        reason: String,
    },
    /// The certificate is nobody's that is trusted.
    #[error(
        "the certificate of cluster `{cluster}` is not trusted ({reason}); give its authority as `caData` or `caFile`"
    )]
    Certificate {
        /// Which cluster.
        cluster: String,
        /// What TLS said.
        reason: String,
    },
    /// 401.
    #[error(
        "cluster `{cluster}` does not accept the portal's token: it is wrong or has expired; make a new one for its service account"
    )]
    Unauthorized {
        /// Which cluster.
        cluster: String,
    },
    /// 403.
    #[error(
        "cluster `{cluster}` forbids it: {reason}. Let a Role or ClusterRole of the portal's service account allow it"
    )]
    Forbidden {
        /// Which cluster.
        cluster: String,
        /// The server's words.
        reason: String,
    },
    /// 403 by a quota.
    #[error("a quota of cluster `{cluster}` does not allow it: {reason}")]
    Quota {
        /// Which cluster.
        cluster: String,
        /// The server's words.
        reason: String,
    },
    /// 404.
    #[error("cluster `{cluster}` has no {what}")]
    NotFound {
        /// Which cluster.
        cluster: String,
        /// "Deployment payments/api", or the server's words.
        what: String,
    },
    /// The kind is not served.
    #[error("cluster `{cluster}` does not know {kind} of {api_version}; install its CustomResourceDefinition first")]
    UnknownKind {
        /// Which cluster.
        cluster: String,
        /// `argoproj.io/v1alpha1`
        api_version: String,
        /// `Application`
        kind: String,
    },
    /// Another field manager owns what was to be changed.
    #[error(
        "{object} on cluster `{cluster}` is held by {managers}: {fields}. Leave these fields out, or set `force` to take them over"
    )]
    Held {
        /// Which cluster.
        cluster: String,
        /// "Deployment payments/api"
        object: String,
        /// `kubectl`, …
        managers: String,
        /// `.spec.replicas`, …
        fields: String,
    },
    /// 409 of another kind.
    #[error("cluster `{cluster}`: {reason}")]
    Conflict {
        /// Which cluster.
        cluster: String,
        /// The server's words.
        reason: String,
    },
    /// 400 and 422.
    #[error("cluster `{cluster}` refuses {object}: {reason}")]
    Invalid {
        /// Which cluster.
        cluster: String,
        /// "Deployment payments/api"
        object: String,
        /// The server's words.
        reason: String,
    },
    /// 429, 5xx and what cannot be read.
    #[error("cluster `{cluster}` failed: {reason}")]
    Failed {
        /// Which cluster.
        cluster: String,
        /// What it said.
        reason: String,
    },
}

impl ClusterError {
    /// No answer in time.
    pub(super) fn late(cluster: &str, limit: Duration) -> Self {
        Self::Away { cluster: cluster.to_owned(), reason: format!("no answer within {} s", limit.as_secs()) }
    }

    /// What an API server said about `object`.
    pub(super) fn of(cluster: &str, object: &str, error: &kube::Error) -> Self {
        let cluster = cluster.to_owned();
        match error {
            kube::Error::Api(status) => Self::told(cluster, object, status),
            kube::Error::Auth(reason) => Self::Configuration { cluster, reason: reason.to_string() },
            kube::Error::Discovery(kube::error::DiscoveryError::MissingKind(kind)) => {
                Self::NotFound { cluster, what: format!("kind {kind}") }
            }
            kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => {
                Self::Failed { cluster, reason: format!("its answer cannot be read ({error})") }
            }
            _ => {
                let reason = root(error);
                // rustls says so in words only, several errors deep.
                if reason.contains("certificate") || reason.contains("UnknownIssuer") {
                    return Self::Certificate { cluster, reason };
                }
                Self::Away { cluster, reason }
            }
        }
    }

    fn told(cluster: String, object: &str, status: &Status) -> Self {
        let reason = status.message.clone();
        match status.code {
            401 => Self::Unauthorized { cluster },
            403 if reason.contains("exceeded quota") => Self::Quota { cluster, reason },
            403 => Self::Forbidden { cluster, reason },
            404 => Self::NotFound { cluster, what: if object.is_empty() { reason } else { object.to_owned() } },
            409 => match held(status) {
                Some((managers, fields)) => Self::Held { cluster, object: object.to_owned(), managers, fields },
                None => Self::Conflict { cluster, reason },
            },
            400 | 413 | 415 | 422 => Self::Invalid { cluster, object: object.to_owned(), reason },
            code => Self::Failed { cluster, reason: format!("{reason} ({code})") },
        }
    }

    /// Whether the object or its namespace is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether another attempt may go well with nothing changed.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Failed { .. })
    }
}

/// Who holds which fields, of the causes of a conflict between field managers.
fn held(status: &Status) -> Option<(String, String)> {
    let causes = &status.details.as_ref()?.causes;
    let conflicts: Vec<_> = causes.iter().filter(|cause| cause.reason == "FieldManagerConflict").collect();
    let manager = |message: &str| message.split('"').nth(1).unwrap_or("another manager").to_owned();
    let mut managers: Vec<String> = conflicts.iter().map(|cause| manager(&cause.message)).collect();
    managers.sort();
    managers.dedup();
    let fields: Vec<&str> = conflicts.iter().map(|cause| cause.field.as_str()).collect();
    (!conflicts.is_empty()).then(|| (managers.join(", "), fields.join(", ")))
}

/// The innermost reason, which is the one that tells something.
fn root(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(inner) = error.source() {
        error = inner;
    }
    error.to_string()
}
