//! GitHub against the model of it in `tests/github`, which checks every request and answer against GitHub's own
//! description of its API.
//!
//! Runs when `GREENROOM_NODE_MODULES` names a folder with the model's npm packages, as `make test` does.

mod access;
mod commits;
mod hundred;
mod refusals;
mod repositories;
