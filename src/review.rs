//! Checks on pull requests: what the catalog and the scaffolder would say of a change to a descriptor, before it is merged.
//!
//! Flow: a pull request that was opened or moved ([`Follower::hear`], from a verified webhook) → the files it changes, of
//! which some are descriptors (`subject`) → each at the head commit, checked as the command line does (`rules`) → one
//! check at that commit with remarks on the lines (`verdict`).
//!
//! Invariants:
//! - what is proposed is read from its own repository only: a file of somebody who may not read anything else must not
//!   bring in, through the portal, what only the portal may see;
//! - the same commit gets the same check, however often it is asked for; so whoever tells of it may do so again when GitHub
//!   could not be reached.

mod finding;
mod rules;
mod subject;
#[cfg(test)]
mod tests;
mod verdict;

use std::path::Path;
use std::sync::Arc;

use futures_util::future::BoxFuture;

pub(crate) use self::finding::{Finding, Severity};
pub(crate) use self::rules::Rules;
pub(crate) use self::subject::Subjects;
pub(crate) use self::verdict::Verdict;
use crate::catalog::{ELSEWHERE, ForgeEvent, LocationRef, Reader};
use crate::entity::Model;
use crate::event::Follower;
use crate::forge::{FileLocation, Forge as _, ForgeError, Forges, GitHub, Pulled, RepositoryId, Told};
use crate::scaffolder::{ActionRegistry, Care};
use crate::yaml;

/// Descriptors of one pull request that are looked at, and bytes of one.
const MOST_FILES: usize = 300;
const LARGEST: usize = 1024 * 1024;

/// A pull request at a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// The host of the GitHub.
    pub(crate) host: String,
    /// The repository it is for.
    pub(crate) repository: RepositoryId,
    /// Its number there.
    pub(crate) number: u64,
    /// The commit at its head.
    pub(crate) head: String,
}

/// Looks at pull requests. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Review {
    inner: Arc<Inner>,
}

struct Inner {
    forges: Forges,
    reader: Reader,
    actions: ActionRegistry,
    model: Model,
    subjects: Subjects,
}

impl Review {
    /// With what a portal knows: its forges and files, its actions, its kinds, and where descriptors are.
    pub(crate) fn new(
        forges: Forges,
        reader: Reader,
        actions: ActionRegistry,
        model: Model,
        subjects: Subjects,
    ) -> Self {
        Self { inner: Arc::new(Inner { forges, reader, actions, model, subjects }) }
    }

    /// Looks at a pull request now and writes the check; none where it touches no descriptor.
    pub(crate) async fn check(&self, proposal: &Proposal) -> Result<Option<Verdict>, ForgeError> {
        let forge = self.inner.forges.by_host(&proposal.host)?;
        let github = forge.github().ok_or_else(|| {
            ForgeError::Refused(format!("{} is no GitHub, and only GitHub has checks", proposal.host))
        })?;
        let verdict = self.look(github, proposal).await?;
        if verdict.files.is_empty() {
            return Ok(None);
        }
        github.check(&proposal.repository, &verdict.check(&proposal.head)).await?;
        Ok(Some(verdict))
    }

    async fn look(&self, github: &GitHub, proposal: &Proposal) -> Result<Verdict, ForgeError> {
        let Proposal { repository, number, head, .. } = proposal;
        let Inner { reader, actions, model, subjects, .. } = &*self.inner;
        let changed = github.changed_files(repository, *number).await?;
        let mut paths: Vec<String> = changed
            .into_iter()
            .filter(|file| file.is_there() && subjects.may_be(&file.path))
            .map(|file| file.path)
            .take(MOST_FILES)
            .collect();
        paths.sort();
        let rules = Rules::new(actions.clone(), model.clone(), reader.only(github.host(), repository));
        let mut verdict = Verdict { files: Vec::new(), findings: Vec::new() };
        for path in paths {
            let file = github.read(repository, head, &path).await?;
            if file.bytes.len() > LARGEST {
                continue;
            }
            let text = String::from_utf8_lossy(&file.bytes);
            if !subjects.is(&path, &text) {
                continue;
            }
            let location = github.canonical_url(&FileLocation::blob(repository.clone(), head.as_str(), path.as_str()));
            let location = LocationRef::new("url", location);
            let mut findings = Vec::new();
            for document in yaml::documents(&text) {
                findings.extend(rules.check_at(document, &text, Path::new(&path), &location, Care::Author).await);
            }
            findings.iter_mut().for_each(soften);
            findings.sort_by_key(|finding| (finding.line, finding.column, finding.severity));
            verdict.findings.extend(findings);
            verdict.files.push(path);
        }
        Ok(verdict)
    }
}

impl Follower for Review {
    fn hear<'a>(&'a self, event: &'a ForgeEvent) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            let Told::PullRequest(Pulled { repository, number, head, is_new: true }) = &event.told else {
                return Ok(());
            };
            let (host, head) = (event.host.clone(), head.clone());
            let verdict = self.check(&Proposal { host, repository: repository.clone(), number: *number, head }).await?;
            let files = verdict.map_or(0, |verdict| verdict.files.len());
            tracing::debug!(%repository, number, files, "looked at a pull request");
            Ok(())
        })
    }
}

/// What stands elsewhere is not known to be wrong.
fn soften(finding: &mut Finding) {
    if finding.message.contains(ELSEWHERE) {
        finding.severity = Severity::Warning;
        finding.message = format!("not checked further, for a part of it {ELSEWHERE}");
    }
}
