//! Webhooks as they come in.
