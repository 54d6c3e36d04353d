//! Objects as the watches read them: without what nobody keeps.
//!
//! A page of a list is read as a whole before any of it is trimmed (`object`). Most of a pod is its managed fields, its
//! environment, probes and volumes: those are passed over while the text is read, so that a page of hundreds of pods costs
//! a fraction of what it says.

use std::borrow::Cow;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::api::{ApiResource, DynamicObject};
use kube::core::DynamicResourceScope;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Keys whose values are passed over, wherever they are but among labels, whose keys are anybody's.
const PASSED_OVER: [&str; 24] = [
    "managedFields",
    "annotations",
    "env",
    "envFrom",
    "volumes",
    "volumeMounts",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
    "command",
    "args",
    "securityContext",
    "tolerations",
    "affinity",
    "topologySpreadConstraints",
    "matchLabels",
    "matchExpressions",
    "podIPs",
    "hostIPs",
    "syncResult",
    "comparedTo",
    "managedNamespaceMetadata",
    "containerID",
];
/// Where every key is kept.
const LABELS: &str = "labels";

/// An object without those.
#[derive(Debug, Clone)]
pub(super) struct Lean(pub(super) DynamicObject);

impl Resource for Lean {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::group(resource)
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::version(resource)
    }

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::kind(resource)
    }

    fn api_version(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::api_version(resource)
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::plural(resource)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.0.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.0.metadata
    }
}

impl<'de> serde::Deserialize<'de> for Lean {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Kept { whole: false }.deserialize(deserializer)?;
        serde_json::from_value(value).map(Self).map_err(D::Error::custom)
    }
}

/// A value of which only some keys are read.
#[derive(Clone, Copy)]
struct Kept {
    /// All of them after all.
    whole: bool,
}

impl<'de> DeserializeSeed<'de> for Kept {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Kept {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            kept.push(item);
        }
        Ok(Value::Array(kept))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while let Some(key) = entries.next_key::<Cow<'de, str>>()? {
            if !self.whole && PASSED_OVER.contains(&&*key) {
                entries.next_value::<IgnoredAny>()?;
            } else {
                let value = entries.next_value_seed(Self { whole: self.whole || key == LABELS })?;
                kept.insert(key.into_owned(), value);
            }
        }
        Ok(Value::Object(kept))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::{Thing, ThingKind};

    #[test]
    fn what_is_kept_of_an_object_is_the_same_as_of_the_whole() {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "api-1", "namespace": "shop", "uid": "u", "creationTimestamp": "2026-01-02T03:04:05Z",
                "labels": {"app": "api", "env": "prod", "volumes": "none"}, "annotations": {"checksum": "1"},
                "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:metadata": {}}}]},
            "spec": {"nodeName": "n1", "priority": 0, "tolerations": [{"key": "a"}], "volumes": [{"name": "tmp"}],
                "containers": [{"name": "api", "image": "r/api:1", "env": [{"name": "A", "value": "b"}],
                    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}}, "livenessProbe": {"httpGet": {"port": 1.5}}}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "lastProbeTime": null}],
                "containerStatuses": [{"name": "api", "ready": true, "restartCount": 2, "state": {"running": {}},
                    "containerID": "containerd://1", "imageID": "r/api@sha256:1"}]},
        });
        let lean: Lean = serde_json::from_str(&pod.to_string()).unwrap();
        let told = serde_json::to_string(&lean.0).unwrap();
        for word in ["managedFields", "checksum", "tolerations", "livenessProbe", "containerd"] {
            assert!(!told.contains(word), "{told}");
        }
        let whole = Thing::of(ThingKind::Pod, serde_json::from_value(pod).unwrap());
        let thing = Thing::of(ThingKind::Pod, lean.0);
        assert_eq!(thing, whole);
        assert_eq!((thing.label("env"), thing.label("volumes")), (Some("prod"), Some("none")));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        assert!(serde_json::from_str::<Lean>("[]").is_err());
        assert!(serde_json::from_str::<Lean>(r#"{"kind": "Pod", "apiVersion": "v1", "metadata": 5}"#).is_err());
    }
}
