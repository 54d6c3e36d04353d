//! Objects that a run puts on a cluster: looked at before, applied, remembered, taken back.
//!
//! Before anything changes, the run notes which of the objects are there. So an attempt after a crash still knows what is
//! the run's own, and undoing deletes exactly that: by the server's names, never another object that took the place.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cluster::{Applied, Change, Cluster, ClusterError, Clusters, Manifest, ObjectId, Options, Rehearsed};
use crate::scaffolder::{ActionContext, ActionError, EffectKind, Inspection, Inverse, Made, Outputs};

/// Keys of the ledger.
const BEFORE: &str = "before";
const OBJECTS: &str = "objects";
/// Objects that one sentence names.
const NAMED: usize = 3;
/// How long what was deleted may take to be gone, and how often is looked.
const GOING: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(300);

/// What is to be on a cluster.
pub(super) struct Wanted {
    pub(super) cluster: Cluster,
    pub(super) manifests: Vec<Manifest>,
    pub(super) namespace: Option<String>,
    pub(super) force: bool,
}

/// What the ledger keeps.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    cluster: String,
    /// Each object that the run made, with the server's name for it.
    made: Vec<(ObjectId, String)>,
}

impl Wanted {
    pub(super) fn options(&self) -> Options<'_> {
        Options { namespace: self.namespace.as_deref(), force: self.force }
    }

    /// The plan: one effect for each object that changes, with its diff.
    pub(super) async fn inspect(&self, ctx: &ActionContext) -> Result<Inspection, ActionError> {
        let rehearsed =
            self.cluster.rehearse(&self.manifests, self.options()).await.map_err(|error| refused(&error))?;
        let same = rehearsed.iter().filter(|one| one.change == Change::Same).count();
        let mut inspection =
            Inspection { outputs: outputs(rehearsed.iter().map(|one| &one.id)), ..Inspection::default() };
        for one in rehearsed.iter().filter(|one| one.change != Change::Same) {
            let (sentence, conflict) = self.sentence(one);
            let mut effect = ctx.effect(EffectKind::Deploy, sentence, conflict);
            effect.diff = Some(one.diff.clone()).filter(|diff| !diff.is_empty());
            inspection.effects.push(effect);
        }
        if same > 0 {
            let cluster = self.cluster.name();
            inspection
                .warnings
                .push(format!("{same} of the objects are on cluster {cluster} already, just as written"));
        }
        Ok(inspection)
    }

    fn sentence(&self, one: &Rehearsed) -> (String, Option<String>) {
        use crate::cluster::Remark;
        let verb = if one.change == Change::New { "create" } else { "change" };
        let sentence = format!("{verb} {} on cluster {}", one.id, self.cluster.name());
        match &one.remark {
            Some(Remark::Unchecked(why)) => (format!("{sentence} (not checked by it: {why})"), None),
            Some(Remark::Refused(why)) => (sentence, Some(why.clone())),
            None => (sentence, None),
        }
    }

    /// Puts the objects there; another attempt goes on where one was cut off.
    pub(super) async fn apply(&self, ctx: &ActionContext) -> Result<Vec<Applied>, ActionError> {
        self.apply_as(ctx, "").await
    }

    /// The same for one of several sets of a step, which the ledger keeps under keys that begin so.
    pub(super) async fn apply_as(&self, ctx: &ActionContext, set: &str) -> Result<Vec<Applied>, ActionError> {
        let (before_key, objects_key) = (format!("{set}{BEFORE}"), format!("{set}{OBJECTS}"));
        let before: Vec<(ObjectId, Option<String>)> = if let Some(noted) = ctx.noted(&before_key).await? {
            serde_json::from_value(noted)
                .map_err(|error| ActionError::failed(format!("what the run noted cannot be read: {error}")))?
        } else {
            let present = self.cluster.present(&self.manifests, self.options()).await;
            let present = present.map_err(|error| refused(&error))?;
            ctx.note(&before_key, json!(present)).await?;
            present
        };
        let before: BTreeMap<&ObjectId, &Option<String>> = before.iter().map(|(id, uid)| (id, uid)).collect();
        let applied = self.cluster.apply(&self.manifests, self.options()).await;
        // What an error left half done is remembered all the same.
        let (applied, failed) = match applied {
            Ok(applied) => (applied, None),
            Err(error) => {
                let present = self.cluster.present(&self.manifests, self.options()).await.unwrap_or_default();
                let there =
                    present.into_iter().filter_map(|(id, uid)| Some(Applied { id, change: Change::New, uid: uid? }));
                (there.collect(), Some(error))
            }
        };
        let own = |one: &&Applied| match before.get(&one.id) {
            Some(Some(uid)) => *uid != one.uid,
            _ => true,
        };
        let made: Vec<(ObjectId, String)> =
            applied.iter().filter(own).map(|one| (one.id.clone(), one.uid.clone())).collect();
        if !made.is_empty() {
            let sentence = format!("{} on cluster {}", named(made.iter().map(|(id, _)| id)), self.cluster.name());
            let kept = Kept { cluster: self.cluster.name().to_owned(), made };
            ctx.made(&objects_key, &sentence, json!(kept)).await?;
        }
        if let Some(error) = failed {
            return Err(refused(&error));
        }
        for one in &applied {
            let verb = match one.change {
                Change::New => "Created",
                Change::Changed => "Changed",
                Change::Same => "Unchanged:",
            };
            ctx.log.info(format!("{verb} {} on cluster {}", one.id, self.cluster.name()));
        }
        Ok(applied)
    }
}

/// What undoing would do.
pub(super) fn inverse(clusters: &Clusters, made: &Made) -> Result<Inverse, ActionError> {
    let kept = kept(made)?;
    let mut sentence = format!("delete {} from cluster {}", named(kept.made.iter().map(|(id, _)| id)), kept.cluster);
    if kept.made.iter().any(|(id, _)| id.kind == "Namespace") {
        sentence.push_str(", with everything in it");
    }
    let obstacle = clusters.get(&kept.cluster).err().map(|error| error.to_string());
    Ok(Inverse { sentence, obstacle })
}

/// Deletes what the run made, newest first.
pub(super) async fn undo(clusters: &Clusters, made: &Made) -> Result<(), ActionError> {
    let kept = kept(made)?;
    let cluster = clusters.get(&kept.cluster).map_err(|error| refused(&error))?;
    for (id, uid) in kept.made.iter().rev() {
        cluster.delete(id, uid).await.map_err(|error| refused(&error))?;
    }
    Ok(())
}

/// Waits until what was deleted is gone, since others may hold it for a while.
pub(super) async fn until_gone(clusters: &Clusters, made: &Made) -> Result<(), ActionError> {
    let kept = kept(made)?;
    let cluster = clusters.get(&kept.cluster).map_err(|error| refused(&error))?;
    let end = tokio::time::Instant::now() + GOING;
    for (id, uid) in kept.made.iter().rev() {
        loop {
            let there = cluster.read(id).await.map_err(|error| refused(&error))?;
            if there.is_none_or(|object| object["metadata"]["uid"] != uid.as_str()) {
                break;
            }
            if tokio::time::Instant::now() >= end {
                return Err(ActionError::failed(format!(
                    "{id} on cluster {} is still being deleted; undo again when it is gone",
                    kept.cluster
                )));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(())
}

/// Whether a run made objects of a kind.
pub(super) fn is_of_kind(made: &Made, kind: &str) -> Result<bool, ActionError> {
    Ok(kept(made)?.made.iter().any(|(id, _)| id.kind == kind))
}

fn kept(made: &Made) -> Result<Kept, ActionError> {
    serde_json::from_value(made.value.clone())
        .map_err(|error| ActionError::failed(format!("what the run noted cannot be read: {error}")))
}

/// What later steps see.
pub(super) fn outputs<'a>(ids: impl Iterator<Item = &'a ObjectId>) -> Outputs {
    let objects: Vec<Value> = ids.map(|id| json!(id)).collect();
    Outputs::from_iter([("objects".to_owned(), Value::Array(objects))])
}

/// "Deployment payments/api, Service payments/api and 4 more".
fn named<'a>(ids: impl Iterator<Item = &'a ObjectId>) -> String {
    let all: Vec<String> = ids.map(ToString::to_string).collect();
    match all.len() {
        0 => "nothing".to_owned(),
        count if count <= NAMED + 1 => all.join(", "),
        count => format!("{} and {} more", all[..NAMED].join(", "), count - NAMED),
    }
}

/// A cluster's refusal as that of a step.
pub(super) fn refused(error: &ClusterError) -> ActionError {
    match error {
        ClusterError::Unknown { .. } | ClusterError::Invalid { .. } | ClusterError::UnknownKind { .. } => {
            ActionError::input(error.to_string())
        }
        ClusterError::Held { .. } | ClusterError::Conflict { .. } => ActionError::conflict(error.to_string()),
        ClusterError::NotFound { .. } => ActionError { name: "NotFoundError", message: error.to_string() },
        ClusterError::Forbidden { .. } | ClusterError::Unauthorized { .. } | ClusterError::Quota { .. } => {
            ActionError { name: "NotAllowedError", message: error.to_string() }
        }
        ClusterError::Away { .. } => ActionError { name: "ServiceUnavailableError", message: error.to_string() },
        ClusterError::Configuration { .. } | ClusterError::Certificate { .. } | ClusterError::Failed { .. } => {
            ActionError::failed(error.to_string())
        }
    }
}
