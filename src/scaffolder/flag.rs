//! Feature flags: parts of a form that are asked only of those who want them, or of everybody once configuration says so.
//!
//! A flag is nothing but a name that templates use (`backstage:featureFlag`). It is on for everybody where
//! `scaffolder.featureFlags` names it, and for a person who switched it on for themselves; Backstage keeps that choice in
//! the browser, here it is the person's, so that the API and another browser ask the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::template::Template;
use super::{Scaffolder, ScaffolderError, form, store};
use crate::permission::Credentials;

/// The longest name of a flag, as Backstage has it.
const LONGEST: usize = 150;

/// The feature flags that are on for somebody.
pub(crate) type Flags = BTreeSet<String>;

/// One flag, as its page shows it.
#[derive(Debug, Clone)]
pub(crate) struct FlagState {
    /// Its name.
    pub(crate) name: String,
    /// The templates that ask for more where it is on.
    pub(crate) templates: Vec<Arc<Template>>,
    /// Whether configuration has it on for everybody.
    pub(crate) for_all: bool,
    /// Whether the person has it on.
    pub(crate) own: bool,
}

impl Template {
    /// The feature flags that its form asks for.
    pub(crate) fn flags(&self) -> Flags {
        let mut found = Flags::new();
        self.schemas.iter().for_each(|schema| form::flags_in(schema, &mut found));
        found
    }
}

impl Scaffolder {
    /// The flags that are on for everybody.
    pub(super) fn common_flags(&self) -> Flags {
        self.config().feature_flags.iter().cloned().collect()
    }

    /// The flags of a template that are on for somebody. Templates without any cost no question to the database.
    pub(crate) async fn flags(&self, who: &Credentials, template: &Template) -> Result<Flags, ScaffolderError> {
        let asked = template.flags();
        let mut flags = self.common_flags();
        if !asked.is_subset(&flags)
            && let Some(user) = who.user_ref()
        {
            flags.extend(store::flags(self.pool(), &user.to_string()).await?);
        }
        Ok(flags.intersection(&asked).cloned().collect())
    }

    /// Every flag that a template uses or configuration names, by name.
    pub(crate) async fn all_flags(&self, who: &Credentials) -> Result<Vec<FlagState>, ScaffolderError> {
        let mut known: BTreeMap<String, Vec<Arc<Template>>> =
            self.common_flags().into_iter().map(|name| (name, Vec::new())).collect();
        for template in self.templates(who) {
            for name in template.flags() {
                known.entry(name).or_default().push(Arc::clone(&template));
            }
        }
        let own: Flags = match who.user_ref() {
            Some(user) => store::flags(self.pool(), &user.to_string()).await?.into_iter().collect(),
            None => Flags::new(),
        };
        let common = self.common_flags();
        let state = |(name, templates)| {
            let (for_all, own) = (common.contains(&name), own.contains(&name));
            FlagState { name, templates, for_all, own }
        };
        Ok(known.into_iter().map(state).collect())
    }

    /// Switches a flag on or off for the person themselves.
    pub(crate) async fn switch_flag(&self, who: &Credentials, name: &str, on: bool) -> Result<(), ScaffolderError> {
        let Some(user) = who.user_ref() else {
            return Err(ScaffolderError::Invalid("only a person has feature flags of their own; sign in".to_owned()));
        };
        let user = user.to_string();
        if !on {
            return Ok(store::lower_flag(self.pool(), &user, name).await?);
        }
        if name.is_empty() || name.len() > LONGEST || name.contains('\0') {
            let message = format!("the name of a feature flag has 1 to {LONGEST} characters");
            return Err(ScaffolderError::Invalid(message));
        }
        Ok(store::raise_flag(self.pool(), &user, name).await?)
    }
}
