//! An entity without its definition: what stands at the top of every tab, quickly.
//!
//! The definition of an API may have megabytes, which a page about anything else need not take apart.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::Record;
use crate::entity::Entity;

impl Record {
    /// The finished document, with an empty text at `spec.definition` if there is something.
    pub(crate) fn outline(&self) -> Entity {
        serde_json::from_slice::<Document>(&self.json).map_or_else(|_| self.entity(), |document| Entity(document.0))
    }
}

/// A whole document.
struct Document(Map<String, Value>);

/// Its `spec`.
struct Spec(Value);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Map<String, Value>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an entity")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Map::new();
                while let Some(key) = map.next_key::<String>()? {
                    let value = if key == "spec" { map.next_value::<Spec>()?.0 } else { map.next_value()? };
                    fields.insert(key, value);
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(Fields).map(Self)
    }
}

impl<'de> Deserialize<'de> for Spec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Map<String, Value>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the spec of an entity")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Map::new();
                while let Some(key) = map.next_key::<String>()? {
                    let value = if key == "definition" {
                        map.next_value::<IgnoredAny>()?;
                        Value::String(String::new())
                    } else {
                        map.next_value()?
                    };
                    fields.insert(key, value);
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(Fields).map(|fields| Self(Value::Object(fields)))
    }
}
