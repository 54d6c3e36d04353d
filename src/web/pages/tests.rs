//! The pages through the real router.

mod origins;
mod portal;
mod story;
