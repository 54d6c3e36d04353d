//! Server-side apply: a set of manifests, rehearsed on the server or put there.
//!
//! Flow: manifests in their order ([`super::manifest`]) → each one's kind is looked up → class by class, the objects of
//! one class at a time to the server. A rehearsal is the server's own dry run, compared with what is there. What cannot
//! be rehearsed because something of the same set must come first (its namespace, the definition of its kind) is told as
//! new and unchecked.
//!
//! Source: <https://kubernetes.io/docs/reference/using-api/server-side-apply/>.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::manifest::{self, Manifest};
use super::{Cluster, ClusterError, MANAGER, difference};

/// Objects under way at once.
const AT_ONCE: usize = 8;
/// How often the definition of a kind is looked at until the server serves it, and how many times.
const ESTABLISHING: (Duration, usize) = (Duration::from_millis(200), 75);

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ObjectId {
    /// `apps/v1`
    pub(crate) api_version: String,
    /// `Deployment`
    pub(crate) kind: String,
    /// None where the kind is in none.
    pub(crate) namespace: Option<String>,
    /// Its name.
    pub(crate) name: String,
}

impl std::fmt::Display for ObjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// How a set is applied.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Options<'a> {
    /// Where objects go that say no namespace; `default` without it.
    pub(crate) namespace: Option<&'a str>,
    /// Whether fields are taken over that other managers hold.
    pub(crate) force: bool,
}

/// What becomes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Change {
    /// It was not there.
    New,
    /// It is as it was.
    Same,
    /// It is there and gets other.
    Changed,
}

/// What applying an object would do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rehearsed {
    /// Which object.
    pub(crate) id: ObjectId,
    /// What would become of it.
    pub(crate) change: Change,
    /// Unified diff of YAML, without secrets.
    pub(crate) diff: String,
    /// Why the server did not check it, or why it would refuse.
    pub(crate) remark: Option<Remark>,
}

/// What a rehearsal has to say about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remark {
    /// Something must come first.
    Unchecked(String),
    /// The server would refuse it.
    Refused(String),
}

/// What was done with an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Applied {
    /// Which object.
    pub(crate) id: ObjectId,
    /// What became of it.
    pub(crate) change: Change,
    /// The server's name for this very object.
    pub(crate) uid: String,
}

/// A manifest and how its object is asked for.
struct Prepared<'a> {
    manifest: &'a Manifest,
    id: ObjectId,
    api: Api<DynamicObject>,
}

impl Cluster {
    /// What applying the set would do, in the order of applying. Nothing changes.
    pub(crate) async fn rehearse(
        &self,
        manifests: &[Manifest],
        options: Options<'_>,
    ) -> Result<Vec<Rehearsed>, ClusterError> {
        let mut ordered = manifests.to_vec();
        manifest::sort(&mut ordered);
        let defined = &definitions(&ordered);
        // Asked once, before many want to know.
        self.kinds(false).await?;
        let rehearse = |manifest| self.rehearse_written(manifest, options, defined).boxed();
        in_order(ordered.iter().map(rehearse).collect()).await
    }

    async fn rehearse_written(
        &self,
        manifest: &Manifest,
        options: Options<'_>,
        defined: &[String],
    ) -> Result<Rehearsed, ClusterError> {
        match self.prepare(manifest, options).await {
            Ok(prepared) => self.rehearse_one(&prepared, options.force).await,
            Err(ClusterError::UnknownKind { .. }) if defined.contains(&kind_of(manifest)) => {
                Ok(unchecked(guessed(manifest, options), manifest, "its kind is defined by the same step"))
            }
            Err(error @ ClusterError::UnknownKind { .. }) => {
                let remark = Some(Remark::Refused(error.to_string()));
                Ok(Rehearsed { remark, ..unchecked(guessed(manifest, options), manifest, "") })
            }
            Err(error) => Err(error),
        }
    }

    async fn rehearse_one(&self, prepared: &Prepared<'_>, force: bool) -> Result<Rehearsed, ClusterError> {
        let Prepared { manifest, id, api } = prepared;
        let object = id.to_string();
        let mut params = PatchParams::apply(MANAGER).dry_run();
        params.force = force;
        let patch = Patch::Apply(&manifest.object);
        let (before, after) = tokio::join!(
            self.answer(&object, api.get_opt(&id.name)),
            self.answer(&object, api.patch(&id.name, &params, &patch)),
        );
        let before = before?.map(|before| json(&before));
        match after {
            Ok(after) => {
                let diff = difference::unified(before.as_ref(), &json(&after));
                let change = match (&before, diff.is_empty()) {
                    (None, _) => Change::New,
                    (Some(_), true) => Change::Same,
                    (Some(_), false) => Change::Changed,
                };
                Ok(Rehearsed { id: id.clone(), change, diff, remark: None })
            }
            Err(error) if error.is_not_found() && before.is_none() => {
                let namespace = id.namespace.as_deref().unwrap_or_default();
                Ok(unchecked(id.clone(), manifest, &format!("namespace {namespace} is not there yet")))
            }
            Err(
                error @ (ClusterError::Held { .. }
                | ClusterError::Invalid { .. }
                | ClusterError::Forbidden { .. }
                | ClusterError::Quota { .. }),
            ) => {
                let diff = difference::unified(before.as_ref(), &manifest.object);
                let change = if before.is_some() { Change::Changed } else { Change::New };
                Ok(Rehearsed { id: id.clone(), change, diff, remark: Some(Remark::Refused(error.to_string())) })
            }
            Err(error) => Err(error),
        }
    }

    /// Which of the objects are there, with the server's names for them. For what a run must know before it changes
    /// anything.
    pub(crate) async fn present(
        &self,
        manifests: &[Manifest],
        options: Options<'_>,
    ) -> Result<Vec<(ObjectId, Option<String>)>, ClusterError> {
        self.kinds(false).await?;
        in_order(manifests.iter().map(|manifest| self.present_one(manifest, options).boxed()).collect()).await
    }

    async fn present_one(
        &self,
        manifest: &Manifest,
        options: Options<'_>,
    ) -> Result<(ObjectId, Option<String>), ClusterError> {
        match self.prepare(manifest, options).await {
            Ok(prepared) => {
                let object = prepared.id.to_string();
                let found = self.answer(&object, prepared.api.get_metadata_opt(&prepared.id.name)).await?;
                Ok((prepared.id, found.and_then(|found| found.metadata.uid)))
            }
            Err(ClusterError::UnknownKind { .. }) => Ok((guessed(manifest, options), None)),
            Err(error) => Err(error),
        }
    }

    /// Applies the set, class by class. What was applied before an error stays: applying again goes on.
    pub(crate) async fn apply(
        &self,
        manifests: &[Manifest],
        options: Options<'_>,
    ) -> Result<Vec<Applied>, ClusterError> {
        let mut ordered = manifests.to_vec();
        manifest::sort(&mut ordered);
        let mut applied = Vec::new();
        let mut rest = &ordered[..];
        self.kinds(false).await?;
        while let Some(first) = rest.first() {
            let end = rest.iter().position(|one| one.class() != first.class()).unwrap_or(rest.len());
            let (class, later) = rest.split_at(end);
            let apply = |manifest| self.apply_one(manifest, options).boxed();
            let done: Vec<Applied> = in_order(class.iter().map(apply).collect()).await?;
            if first.kind() == "CustomResourceDefinition" {
                for definition in &done {
                    self.established(&definition.id.name).await?;
                }
                self.kinds(true).await?;
            }
            applied.extend(done);
            rest = later;
        }
        Ok(applied)
    }

    async fn apply_one(&self, manifest: &Manifest, options: Options<'_>) -> Result<Applied, ClusterError> {
        let Prepared { manifest, id, api } = self.prepare(manifest, options).await?;
        let object = id.to_string();
        let before = self.answer(&object, api.get_opt(&id.name)).await?;
        let mut params = PatchParams::apply(MANAGER);
        params.force = options.force;
        let after = self.answer(&object, api.patch(&id.name, &params, &Patch::Apply(&manifest.object))).await?;
        let change = match before {
            None => Change::New,
            // The version alone says nothing: a controller may have written a status meanwhile.
            Some(before) if difference::essence(&json(&before)) == difference::essence(&json(&after)) => Change::Same,
            Some(_) => Change::Changed,
        };
        Ok(Applied { id, change, uid: after.metadata.uid.unwrap_or_default() })
    }

    /// Deletes exactly the object of this `uid`, with what belongs to it. `false` where it is gone already, or another of
    /// that name is there.
    pub(crate) async fn delete(&self, id: &ObjectId, uid: &str) -> Result<bool, ClusterError> {
        let (_, api) = match self.api(id).await {
            Ok(found) => found,
            // With the definition of a kind, its objects went.
            Err(ClusterError::UnknownKind { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        let only = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        // It is gone when what it made is.
        let params = if id.kind == "ApplicationSet" { DeleteParams::foreground() } else { DeleteParams::background() };
        let params = params.preconditions(only);
        match self.answer(&id.to_string(), api.delete(&id.name, &params)).await {
            Ok(_) => Ok(true),
            Err(ClusterError::NotFound { .. } | ClusterError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads one object.
    pub(crate) async fn read(&self, id: &ObjectId) -> Result<Option<Value>, ClusterError> {
        let (_, api) = self.api(id).await?;
        Ok(self.answer(&id.to_string(), api.get_opt(&id.name)).await?.map(|object| json(&object)))
    }

    /// Changes an object by a JSON merge patch (RFC 7386).
    pub(crate) async fn merge(&self, id: &ObjectId, patch: &Value) -> Result<Value, ClusterError> {
        let (_, api) = self.api(id).await?;
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let patched = self.answer(&id.to_string(), api.patch(&id.name, &params, &Patch::Merge(patch))).await?;
        Ok(json(&patched))
    }

    /// How an object is asked for.
    pub(super) async fn api(&self, id: &ObjectId) -> Result<(ApiResource, Api<DynamicObject>), ClusterError> {
        let (resource, namespaced) = self.kind(&id.api_version, &id.kind).await?;
        let client = self.client()?;
        let api = match &id.namespace {
            Some(namespace) if namespaced => Api::namespaced_with(client, namespace, &resource),
            _ => Api::all_with(client, &resource),
        };
        Ok((resource, api))
    }

    async fn prepare<'a>(&self, manifest: &'a Manifest, options: Options<'_>) -> Result<Prepared<'a>, ClusterError> {
        let (resource, namespaced) = self.kind(manifest.api_version(), manifest.kind()).await?;
        let mut id = guessed(manifest, options);
        if !namespaced {
            id.namespace = None;
        }
        let client = self.client()?;
        let api = match &id.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        Ok(Prepared { manifest, id, api })
    }

    /// Waits until the server serves a kind that was just defined.
    async fn established(&self, name: &str) -> Result<(), ClusterError> {
        let id = ObjectId {
            api_version: "apiextensions.k8s.io/v1".to_owned(),
            kind: "CustomResourceDefinition".to_owned(),
            namespace: None,
            name: name.to_owned(),
        };
        let (pause, times) = ESTABLISHING;
        for _ in 0..times {
            let definition = self.read(&id).await?.unwrap_or_default();
            let conditions = definition.pointer("/status/conditions").and_then(Value::as_array);
            let holds = |condition: &Value| condition["type"] == "Established" && condition["status"] == "True";
            if conditions.is_some_and(|conditions| conditions.iter().any(holds)) {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
        }
        let reason = format!("{id} is not served after {} s; look at its conditions", pause.as_secs_f32() * 75.0);
        Err(ClusterError::Failed { cluster: self.name().to_owned(), reason })
    }
}

/// Does what is to be done, some of it at once; the results are in its order.
async fn in_order<T>(work: Vec<BoxFuture<'_, Result<T, ClusterError>>>) -> Result<Vec<T>, ClusterError> {
    futures_util::stream::iter(work).buffered(AT_ONCE).try_collect().await
}

/// The id by what is written.
fn guessed(manifest: &Manifest, options: Options<'_>) -> ObjectId {
    ObjectId {
        api_version: manifest.api_version().to_owned(),
        kind: manifest.kind().to_owned(),
        namespace: Some(manifest.namespace().or(options.namespace).unwrap_or("default").to_owned()),
        name: manifest.name().to_owned(),
    }
}

fn unchecked(id: ObjectId, manifest: &Manifest, why: &str) -> Rehearsed {
    let diff = difference::unified(None, &manifest.object);
    Rehearsed { id, change: Change::New, diff, remark: Some(Remark::Unchecked(why.to_owned())) }
}

/// `group/Kind` of every definition in the set.
fn definitions(manifests: &[Manifest]) -> Vec<String> {
    let definitions = manifests.iter().filter(|one| one.kind() == "CustomResourceDefinition");
    let text =
        |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    definitions
        .map(|one| format!("{}/{}", text(&one.object, "/spec/group"), text(&one.object, "/spec/names/kind")))
        .collect()
}

fn kind_of(manifest: &Manifest) -> String {
    let group = manifest.api_version().split_once('/').map_or("", |(group, _)| group);
    format!("{group}/{}", manifest.kind())
}

fn json(object: &DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}
