//! Looking again and again until something holds, without keeping a worker for long.
//!
//! What changes within seconds is seen within one attempt of the step. After that the run is let go between two looks,
//! and the end of the wait, noted at the first, is the same for every attempt.

use std::time::Duration;

use chrono::Utc;

use crate::scaffolder::{ActionContext, ActionError};

/// Pause between two looks of one attempt.
const PAUSE: Duration = Duration::from_secs(1);
/// How long one attempt looks.
const ATTEMPT: Duration = Duration::from_secs(20);
/// After how long the next attempt looks.
const LET_GO: Duration = Duration::from_secs(5);
/// Thirty days.
const LONGEST_MINUTES: f64 = 30.0 * 24.0 * 60.0;

/// What one look found.
pub(super) enum Look<T> {
    /// It holds.
    Done(T),
    /// It does not yet; what is so instead.
    NotYet(String),
}

/// The minutes of an input's `timeout`.
pub(super) fn minutes(value: Option<f64>, default: f64) -> Result<Duration, ActionError> {
    let minutes = value.unwrap_or(default);
    if (0.01..=LONGEST_MINUTES).contains(&minutes) {
        return Ok(Duration::from_secs_f64(minutes * 60.0));
    }
    Err(ActionError::input(format!("`timeout` is {minutes}; between 0.01 and {LONGEST_MINUTES} minutes are possible")))
}

/// Looks until it holds. `what` is the end of "did not …".
pub(super) async fn until<T, F: Future<Output = Result<Look<T>, ActionError>>>(
    ctx: &mut ActionContext,
    timeout: Duration,
    what: &str,
    mut look: impl FnMut() -> F,
) -> Result<Option<T>, ActionError> {
    let until = ctx.deadline(timeout).await?;
    let begun = tokio::time::Instant::now();
    let mut told = String::new();
    loop {
        let found = match look().await? {
            Look::Done(done) => return Ok(Some(done)),
            Look::NotYet(found) => found,
        };
        if found != told {
            ctx.log.info(found.clone());
            told = found;
        }
        if Utc::now() >= until {
            let minutes = timeout.as_secs_f64() / 60.0;
            let unit = if timeout == Duration::from_mins(1) { "minute" } else { "minutes" };
            let message = format!("{what} within {minutes} {unit}: {told}");
            return Err(ActionError { name: "TimeoutError", message });
        }
        if begun.elapsed() >= ATTEMPT {
            ctx.wake_at = Some((Utc::now() + LET_GO).min(until));
            return Err(ActionError::waiting());
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = ctx.cancelled.cancelled() => return Ok(None),
            () = ctx.stopping.cancelled() => return Err(ActionError::interrupted()),
        }
    }
}
