//! Protection of a branch, with Backstage's names and defaults.

use serde_json::{Value, json};

use super::super::{Outputs, flag, texts};
use crate::forge::{Fixture, RepositoryId};

/// Set unless the input says otherwise.
fn unless_off(input: &Outputs, key: &str) -> bool {
    input.get(key).and_then(Value::as_bool).unwrap_or(true)
}

/// The protection that an input asks for; `admins` is the key that binds administrators to it.
pub(in super::super) fn wanted(id: &RepositoryId, branch: &str, input: &Outputs, admins: &str) -> Fixture {
    let object = |key: &str| input.get(key).filter(|value| value.is_object()).cloned();
    let mut reviews = json!({
        "required_approving_review_count": super::input::count(input, "requiredApprovingReviewCount").unwrap_or(1),
        "require_code_owner_reviews": flag(input, "requireCodeOwnerReviews"),
        "dismiss_stale_reviews": flag(input, "dismissStaleReviews"),
        "require_last_push_approval": flag(input, "requireLastPushApproval"),
    });
    if let Some(allowances) = object("bypassPullRequestAllowances") {
        reviews["bypass_pull_request_allowances"] = allowances;
    }
    let body = json!({
        "required_status_checks": {
            "strict": unless_off(input, "requireBranchesToBeUpToDate"),
            "contexts": texts(input, "requiredStatusCheckContexts"),
        },
        "enforce_admins": unless_off(input, admins),
        "required_pull_request_reviews": reviews,
        "restrictions": object("restrictions"),
        "required_conversation_resolution": flag(input, "requiredConversationResolution"),
        "required_linear_history": flag(input, "requiredLinearHistory"),
        "block_creations": flag(input, "blockCreations"),
    });
    Fixture::protection(id, branch, body, flag(input, "requiredCommitSigning"))
}
