//! The pages through the real router.

mod claims;
mod portal;
mod story;
