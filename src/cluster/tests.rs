//! What is kept of objects, what is said about them, selectors; and the portal against a real API server.

mod objects;
mod server;
mod usage;
