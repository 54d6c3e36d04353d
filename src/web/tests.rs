//! The whole router against a real Postgres.
