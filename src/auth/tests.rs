//! Sessions, tokens and the guest against a real Postgres.
