//! What a run waits for somebody to decide, on its page.

use axum::extract::State as From;
use axum::response::{IntoResponse as _, Redirect};
use serde::Deserialize;
use uuid::Uuid;

use crate::catalog::Catalog;
use crate::scaffolder::{Approval, Scaffolder};
use crate::web::extract::{Answer, Form, Path};
use crate::web::pages::markdown;
use crate::web::pages::shown::{EntityLink, Moment};
use crate::web::session::Viewer;
use crate::web::url as link;

/// One question.
pub(super) struct Asked {
    /// Sanitised.
    pub(super) html: String,
    pub(super) approvers: Vec<EntityLink>,
    pub(super) since: Moment,
    /// Where the form posts to.
    pub(super) link: String,
    /// Why whoever looks may not decide.
    pub(super) obstacle: Option<String>,
}

/// Those that are not decided.
pub(super) fn open(catalog: &Catalog, viewer: &Viewer, run: Uuid, approvals: Vec<Approval>) -> Vec<Asked> {
    let shown = |approval: Approval| Asked {
        html: markdown::note(&approval.message),
        approvers: approval.approvers.iter().map(|approver| EntityLink::find(catalog, viewer, approver)).collect(),
        since: Moment(approval.asked_at),
        link: link::task_approval(run, &approval.step),
        obstacle: approval.obstacle,
    };
    approvals.into_iter().filter(|approval| approval.decision.is_none()).map(shown).collect()
}

#[derive(Deserialize)]
pub(super) struct Deciding {
    decision: Word,
    #[serde(default)]
    comment: String,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Word {
    Approve,
    Reject,
}

#[derive(Deserialize)]
pub(super) struct Question {
    id: Uuid,
    step: String,
}

/// `POST /create/tasks/{id}/approvals/{step}`
pub(super) async fn decide(
    From(scaffolder): From<Scaffolder>,
    viewer: Viewer,
    Path(Question { id, step }): Path<Question>,
    Form(Deciding { decision, comment }): Form<Deciding>,
) -> Answer {
    scaffolder.decide(&viewer.credentials, id, &step, (decision == Word::Approve, &comment)).await?;
    Ok(Redirect::to(&link::task(id)).into_response())
}
