//! The actions there are, by id, and the check of their input.
//!
//! Input is checked by the action's schema: types strictly, in Backstage's words; keys that the schema does not know
//! only warn.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::super::template::KnownActions;
use super::{
    Action, ActionDescription, ActionError, Author, EffectClass, Outputs, archive, catalog, cookiecutter, debug, fetch,
    fs, github, input, merge, provenance, publish, render, replace, serialize, text_file, transform, unregister, wait,
};
use crate::catalog::Catalog;
use crate::forge::Forges;

/// An action with the check of its input.
pub(in super::super) struct Registered {
    pub(in super::super) action: Arc<dyn Action>,
    pub(in super::super) description: ActionDescription,
    input: input::InputCheck,
}

impl Registered {
    /// Checks a step's input; what is merely unknown is returned as warnings.
    pub(in super::super) fn check(&self, name: &str, input: &Outputs) -> Result<Vec<String>, ActionError> {
        self.input.check(&self.description.input, name, input)
    }

    /// The keys that its input may have; empty if any.
    pub(in super::super) fn input_keys(&self) -> &BTreeSet<String> {
        self.input.keys()
    }
}

/// The actions, by id.
#[derive(Clone, Default)]
pub(crate) struct ActionRegistry {
    actions: BTreeMap<&'static str, Arc<Registered>>,
}

impl ActionRegistry {
    /// The built-in actions.
    pub(crate) fn builtin(catalog: &Catalog, forges: &Forges, author: &Author) -> Self {
        let reader = catalog.reader();
        let mut registry = Self::default();
        let groups = [
            fetch::actions(reader),
            render::actions(),
            cookiecutter::actions(reader),
            fs::actions(),
            text_file::actions(),
            merge::actions(),
            serialize::actions(),
            archive::actions(),
            transform::actions(),
            replace::actions(),
            debug::actions(),
            catalog::actions(catalog),
            publish::actions(forges, author),
            github::actions(forges, catalog),
            wait::actions(),
        ];
        for action in groups.into_iter().flatten() {
            registry.register(action);
        }
        registry.register(Arc::new(unregister::Unregister::new(catalog)));
        registry.register(Arc::new(provenance::WriteProvenance::new(reader.clone())));
        registry
    }

    /// Adds an action; one of the same id is replaced.
    pub(crate) fn register(&mut self, action: Arc<dyn Action>) {
        let description = action.description();
        let input = input::InputCheck::new(&description.input);
        self.actions.insert(description.id, Arc::new(Registered { action, description, input }));
    }

    /// What is told about every action, by id.
    pub(crate) fn descriptions(&self) -> Vec<ActionDescription> {
        self.actions.values().map(|registered| registered.description.clone()).collect()
    }

    /// Whether an action stays in the workspace; none for one that is not there.
    pub(crate) fn effect(&self, id: &str) -> Option<EffectClass> {
        self.actions.get(id).map(|registered| registered.action.effect())
    }

    pub(in super::super) fn get(&self, id: &str) -> Option<&Arc<Registered>> {
        self.actions.get(id)
    }
}

impl KnownActions for ActionRegistry {
    fn knows(&self, id: &str) -> bool {
        self.actions.contains_key(id)
    }

    fn like(&self, id: &str) -> Option<String> {
        let near = |known: &&&'static str| input::distance(known, id) <= 2;
        self.actions.keys().find(near).map(|known| (*known).to_owned())
    }

    fn required(&self, id: &str) -> Vec<String> {
        let schema = self.actions.get(id).map(|registered| &registered.description.input);
        let keys = schema.and_then(|schema| schema.get("required")).and_then(Value::as_array);
        keys.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }
}
