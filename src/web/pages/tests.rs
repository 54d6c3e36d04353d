//! The pages through the real router.

mod portal;
mod story;
