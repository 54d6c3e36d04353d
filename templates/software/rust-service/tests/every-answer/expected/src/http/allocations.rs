//! `POST /v1/allocations`: splits an amount by weights. Described in `openapi.yaml`.

use axum::Json;
use serde::{Deserialize, Serialize};

use super::problem::{Body, FieldError, Problem};
use crate::allocation::{AllocationError, allocate};

/// The question.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AllocationRequest {
    amount: u64,
    weights: Vec<u32>,
}

/// The answer; `shares` are in the order of the weights.
#[derive(Serialize)]
pub(crate) struct Allocation {
    amount: u64,
    shares: Vec<u64>,
}

/// `POST /v1/allocations`
pub(crate) async fn create(Body(request): Body<AllocationRequest>) -> Result<Json<Allocation>, Problem> {
    let AllocationRequest { amount, weights } = request;
    let shares = allocate(amount, &weights).map_err(refusal)?;
    tracing::debug!(amount, shares = shares.len(), "allocated");
    Ok(Json(Allocation { amount, shares }))
}

fn refusal(errors: Vec<AllocationError>) -> Problem {
    let errors = errors.into_iter().map(|error| FieldError { pointer: pointer(error), detail: error.to_string() });
    Problem::invalid("the amount cannot be split like this", errors.collect())
}

fn pointer(error: AllocationError) -> &'static str {
    match error {
        AllocationError::AmountTooLarge => "/amount",
        AllocationError::NoWeights | AllocationError::TooManyWeights | AllocationError::AllZero => "/weights",
    }
}
