//! What the expressions of a form see: the answers so far, who fills it in, and the catalog through functions; and which
//! feature flags are on.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::expression::{Engine, ExpressionError, is_truthy_condition};

/// The engine with its functions, and the values that are the same for every field.
pub(crate) struct Sight {
    engine: Engine,
    surroundings: Map<String, Value>,
    /// The feature flags that are on.
    pub(super) flags: BTreeSet<String>,
}

impl Sight {
    /// A sight with these values beside `parameters`, where these feature flags are on.
    pub(crate) fn new(engine: Engine, surroundings: Map<String, Value>, flags: BTreeSet<String>) -> Self {
        Self { engine, surroundings, flags }
    }

    /// What a value with expressions becomes for these answers; none where it is undefined.
    pub(super) fn evaluate(
        &self,
        value: &Value,
        parameters: &Map<String, Value>,
    ) -> Result<Option<Value>, ExpressionError> {
        let mut context = self.surroundings.clone();
        context.insert("parameters".to_owned(), Value::Object(parameters.clone()));
        self.engine.evaluate_all(value, &context)
    }

    /// Whether a condition holds.
    pub(super) fn holds(&self, condition: &Value, parameters: &Map<String, Value>) -> Result<bool, ExpressionError> {
        Ok(is_truthy_condition(self.evaluate(condition, parameters)?.as_ref()))
    }
}
