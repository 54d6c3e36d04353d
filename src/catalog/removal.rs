//! What unregistering a location would do, told before it is done.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::{Catalog, CatalogError, Problem, Record, store};
use crate::permission::Credentials;

/// The effect of unregistering a location. References are canonical, sources `type:target`.
#[derive(Debug, Default)]
pub(crate) struct Removal {
    /// Entities that go, sorted; they stay if something else names the location too.
    pub(crate) goes: Vec<Arc<Record>>,
    /// Entities that the location declares too, and the source that has them and keeps them.
    pub(crate) stays: Vec<(String, String)>,
    /// Of the names that become free, those that another source claims, and that source, which then gets them.
    pub(crate) freed: Vec<(String, String)>,
    /// Configuration or a provider names the location too, so everything stays as it is.
    pub(crate) is_fixed: bool,
}

impl Catalog {
    /// What [`Catalog::unregister`] would do now.
    pub(crate) async fn removal(&self, who: &Credentials, id: Uuid) -> Result<Removal, CatalogError> {
        let source = self.location(who, id).await?.reference();
        let is_fixed = store::is_fixed(&self.inner.pool, &source).await?;
        let index = self.index();
        let mut goes: Vec<Arc<Record>> = index.records().filter(|record| *record.source == *source).cloned().collect();
        goes.sort_by_cached_key(|record| record.reference.to_string());
        let names: BTreeSet<String> = goes.iter().map(|record| record.reference.to_string()).collect();
        let problems = store::problems(&self.inner.pool, None).await?;
        let claims = problems.into_iter().filter(Problem::is_claim);
        let (own, others): (Vec<Problem>, Vec<Problem>) = claims.partition(|claim| claim.source == source);
        let holder = |claim: Problem| {
            let reference = claim.entity?;
            let source = index.get_exact(&reference)?.source.to_string();
            Some((reference, source))
        };
        let stays: Vec<_> = own.into_iter().filter_map(holder).filter(|(_, holder)| *holder != source).collect();
        let claimed =
            |claim: Problem| Some((claim.entity.filter(|reference| names.contains(reference))?, claim.source));
        Ok(Removal { stays, freed: others.into_iter().filter_map(claimed).collect(), goes, is_fixed })
    }
}
