//! Carrying items out: registering locations, opening pull requests, and following these to their end.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, join_all};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{DESCRIPTOR, Import, ImportError, Imports, Item, ItemState, store};
use crate::catalog::{CatalogError, ForgeEvent, Registration};
use crate::event::Follower;
use crate::forge::{
    Contents, FileLocation, Forge, ForgeError, NewCommit, NewFile, NewPullRequest, Parent, PullRequest, RepositoryId,
    Signature, Told,
};
use crate::scaffolder::Author;

/// The branch that a descriptor is proposed on.
pub(super) const BRANCH: &str = "greenroom/add-catalog-info";
/// What the pull request is called.
const TITLE: &str = "Add catalog-info.yaml";
/// Items in hand at a time.
const AT_ONCE: usize = 4;
/// How long one item may be in hand.
const IN_HAND: chrono::Duration = chrono::Duration::minutes(15);
/// How often it is looked for something to do where nobody says that there is.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How often an item is tried while its forge cannot be reached.
const TRIES: i32 = 8;
/// How soon a pull request is looked at again; an old one rarely.
const SOONEST: chrono::Duration = chrono::Duration::seconds(30);
const LATEST: chrono::Duration = chrono::Duration::hours(1);
/// How long the page of an import waits for its pull requests.
const AT_A_LOOK: usize = 40;

impl Imports {
    /// Carries out what is due, until `shutdown`.
    pub(crate) async fn work(self, shutdown: CancellationToken) {
        loop {
            match shutdown.run_until_cancelled(self.work_due(usize::MAX)).await {
                None => return,
                Some(Ok(())) => {}
                Some(Err(error)) => tracing::warn!(%error, "cannot go on with imports"),
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.inner.due.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Carries out what is due now, so many items at most.
    pub(crate) async fn work_due(&self, most: usize) -> Result<(), ImportError> {
        let mut left = most;
        while left > 0 {
            let mut claimed = Vec::new();
            while claimed.len() < AT_ONCE.min(left) {
                let now = Utc::now();
                match store::claim(&self.inner.pool, now, now + IN_HAND).await? {
                    Some(item) => claimed.push(item),
                    None => break,
                }
            }
            if claimed.is_empty() {
                return Ok(());
            }
            left -= claimed.len();
            for done in join_all(claimed.into_iter().map(|item| self.carry_out(item))).await {
                done?;
            }
        }
        Ok(())
    }

    /// Looks at the open pull requests of an import now.
    pub(crate) async fn look(&self, id: Uuid) -> Result<(), ImportError> {
        let due = store::hasten(&self.inner.pool, id, Utc::now()).await?;
        let most = usize::try_from(due).unwrap_or(usize::MAX).min(AT_A_LOOK);
        self.work_due(most).await
    }

    /// Looks at a pull request soon, if it belongs to an import: something happened to it.
    async fn stirred(&self, host: &str, repository: &RepositoryId, number: u64) -> Result<(), ImportError> {
        let Ok(number) = i64::try_from(number) else { return Ok(()) };
        let repository = repository.to_string();
        let due = store::hasten_pull_request(&self.inner.pool, host, &repository, number, Utc::now()).await?;
        if due > 0 {
            self.inner.due.notify_one();
        }
        Ok(())
    }

    async fn carry_out(&self, mut item: Item) -> Result<(), ImportError> {
        let Some(import) = store::import(&self.inner.pool, item.import_id).await? else { return Ok(()) };
        let now = Utc::now();
        let due = match self.next(&import, &item).await {
            Ok(step) => {
                item.state = step.state;
                item.pull_request = step.pull_request.or(item.pull_request);
                item.message = step.message;
                item.attempts = 0;
                // A young pull request moves sooner than an old one.
                now + ((now - item.updated_at) / 10).clamp(SOONEST, LATEST)
            }
            Err(error @ (ImportError::Store(_) | ImportError::Catalog(CatalogError::Store(_)))) => return Err(error),
            Err(error) => put_off(&mut item, &error, now),
        };
        store::settle(&self.inner.pool, &item, due, Utc::now()).await?;
        Ok(())
    }

    /// The next step of an item.
    async fn next(&self, import: &Import, item: &Item) -> Result<Step, ImportError> {
        if let Some(target) = &item.target {
            self.register(import, target).await?;
            return Ok(Step::to(ItemState::Registered));
        }
        let (forge, repository) = self.forge(item)?;
        match (item.state, item.number()) {
            (ItemState::Open, Some(number)) => self.follow(import, item, forge, &repository, number).await,
            _ => self.propose(import, item, forge, &repository).await,
        }
    }

    async fn register(&self, import: &Import, target: &str) -> Result<(), ImportError> {
        let who = Self::asker(import);
        self.inner.catalog.register(&who, "url", target, Registration::Refresh).await?;
        Ok(())
    }

    /// Looks how a pull request stands; a merged one's file is registered.
    async fn follow(
        &self,
        import: &Import,
        item: &Item,
        forge: &Arc<dyn Forge>,
        repository: &RepositoryId,
        number: u64,
    ) -> Result<Step, ImportError> {
        let pull = forge.pull_request(repository, number).await?;
        if pull.is_merged() {
            let file = FileLocation::blob(repository.clone(), pull.base, item.path.as_str());
            self.register(import, forge.canonical_url(&file).as_str()).await?;
            return Ok(Step::to(ItemState::Merged));
        }
        Ok(Step::to(if pull.is_open() { ItemState::Open } else { ItemState::Closed }))
    }

    /// Opens the pull request with a descriptor, or takes up what an earlier try left.
    async fn propose(
        &self,
        import: &Import,
        item: &Item,
        forge: &Arc<dyn Forge>,
        repository: &RepositoryId,
    ) -> Result<Step, ImportError> {
        let found = forge.find(repository).await?;
        let base = found.default_branch;
        let content = item.content.clone().unwrap_or_default();
        let tip = match forge.resolve(repository, &format!("refs/heads/{base}")).await {
            Err(ForgeError::NotFound(_)) => {
                return Err(ForgeError::Refused(format!(
                    "{repository} has no commit on `{base}` yet, so nothing can be proposed to it; push something first"
                ))
                .into());
            }
            tip => tip?,
        };
        match forge.read(repository, &tip, &item.path).await {
            // Somebody was quicker.
            Ok(_) => {
                let file = FileLocation::blob(repository.clone(), base, item.path.as_str());
                self.register(import, forge.canonical_url(&file).as_str()).await?;
                return Ok(Step {
                    message: Some(format!("it has a {DESCRIPTOR} by now, which is registered")),
                    ..Step::to(ItemState::Registered)
                });
            }
            Err(ForgeError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        self.push(forge, repository, item, &tip, content).await?;
        let new = NewPullRequest {
            title: TITLE.to_owned(),
            body: format!(
                "This file tells the catalog what is in this repository and who owns it. {} asked for it; change what is not right before merging.\n\nOnce it is merged, the catalog reads it.",
                import.created_by
            ),
            head: BRANCH.to_owned(),
            base: base.clone(),
            draft: false,
            created_by: Some(import.created_by.clone()),
        };
        let pull = match forge.propose(repository, new).await {
            Ok(pull) => pull,
            Err(ForgeError::Refused(reason)) => {
                let open = open(forge, repository, &base).await?;
                open.ok_or(ForgeError::Refused(reason))?
            }
            Err(error) => return Err(error.into()),
        };
        let number = i64::try_from(pull.number).ok();
        Ok(Step { pull_request: number, ..Step::to(ItemState::Open) })
    }

    /// Brings the branch to what is proposed.
    async fn push(
        &self,
        forge: &Arc<dyn Forge>,
        repository: &RepositoryId,
        item: &Item,
        tip: &str,
        content: String,
    ) -> Result<(), ForgeError> {
        let parent = match forge.resolve(repository, &format!("refs/heads/{BRANCH}")).await {
            Ok(there) => {
                let read = forge.read(repository, &there, &item.path).await;
                if read.is_ok_and(|file| file.bytes == content.as_bytes()) {
                    return Ok(());
                }
                Parent::Tip(there)
            }
            Err(ForgeError::NotFound(_)) => Parent::Fork(tip.to_owned()),
            Err(error) => return Err(error),
        };
        let (author, default) = (&self.inner.author, Author::default());
        let who = Signature { name: author.name.clone(), email: author.email.clone(), time: Utc::now().fixed_offset() };
        let commit = NewCommit {
            branch: BRANCH.to_owned(),
            parent,
            contents: Contents::Change {
                write: vec![NewFile::regular(item.path.as_str(), content)],
                delete: Vec::new(),
            },
            message: TITLE.to_owned(),
            author: who.clone(),
            committer: who,
            // Who did not name anybody does not mind who commits.
            any_author: (&author.name, &author.email) == (&default.name, &default.email),
        };
        forge.commit(repository, commit).await?;
        Ok(())
    }
}

impl Follower for Imports {
    fn hear<'a>(&'a self, event: &'a ForgeEvent) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            if let Told::PullRequest(pulled) = &event.told {
                self.stirred(&event.host, &pulled.repository, pulled.number).await?;
            }
            Ok(())
        })
    }
}

/// Says why an item was not carried out; gives when it is tried again.
fn put_off(item: &mut Item, error: &ImportError, now: DateTime<Utc>) -> DateTime<Utc> {
    item.message = Some(error.to_string());
    let pause = SOONEST * 2_i32.pow(u32::try_from(item.attempts).unwrap_or_default().min(7));
    let passing = match error {
        ImportError::Forge(ForgeError::Unavailable { retry_after, .. }) => {
            Some(retry_after.and_then(|wait| chrono::Duration::from_std(wait).ok()).unwrap_or(pause).min(LATEST))
        }
        // Somebody pushed at the same moment.
        ImportError::Forge(ForgeError::Conflict { .. }) => Some(chrono::Duration::seconds(1)),
        _ => None,
    };
    match passing {
        Some(pause) if item.attempts < TRIES || item.state == ItemState::Open => now + pause,
        // What is open stays open: only its forge says how it ends.
        _ if item.state == ItemState::Open => now + LATEST,
        _ => {
            item.state = ItemState::Failed;
            now
        }
    }
}

/// What became of an item.
struct Step {
    state: ItemState,
    pull_request: Option<i64>,
    message: Option<String>,
}

impl Step {
    fn to(state: ItemState) -> Self {
        Self { state, pull_request: None, message: None }
    }
}

/// The open pull request from our branch.
async fn open(
    forge: &Arc<dyn Forge>,
    repository: &RepositoryId,
    base: &str,
) -> Result<Option<PullRequest>, ForgeError> {
    let all = forge.pull_requests(repository).await?;
    Ok(all.into_iter().find(|pull| pull.is_open() && pull.head == BRANCH && pull.base == base))
}
