//! What one render may use up, and the failure everything in this module shares.
//!
//! The numbers are those of Backstage's engine. Work is counted per evaluated node, per visited item of a container and
//! per stretch of text made, so time and memory are bounded whatever the template does.

use std::ops::{Deref, DerefMut};

use super::text::Text;

pub(super) const MAX_SOURCE: usize = 4 * 1024 * 1024;
pub(super) const MAX_NODES: usize = 1_000_000;
pub(super) const MAX_WORK: usize = 1_000_000;
pub(super) const MAX_DEPTH: usize = 512;
pub(super) const MAX_OUTPUT: usize = 16 * 1024 * 1024;
/// Units a single string may have.
pub(super) const MAX_TEXT: usize = 16 * 1024 * 1024;
/// Calls of filters and functions of the embedding program.
pub(super) const MAX_CALLS: usize = 4096;
/// Entries of one list or object.
pub(super) const MAX_ENTRIES: usize = 100_000;
/// Lists and objects inside each other.
pub(super) const MAX_VALUE_DEPTH: usize = 256;
/// Units of text that cost one unit of work.
const TEXT_PER_WORK: usize = 256;

pub(super) type Result<T> = std::result::Result<T, Fault>;

/// A failure. Small, so that results stay small.
#[derive(Debug)]
pub(super) struct Fault(Box<FaultParts>);

/// The message, and the byte offset in the source as soon as one is known.
#[derive(Debug)]
pub(super) struct FaultParts {
    pub(super) message: String,
    pub(super) at: Option<usize>,
}

impl Deref for Fault {
    type Target = FaultParts;

    fn deref(&self) -> &FaultParts {
        &self.0
    }
}

impl DerefMut for Fault {
    fn deref_mut(&mut self) -> &mut FaultParts {
        &mut self.0
    }
}

impl Fault {
    pub(super) fn new(message: impl Into<String>) -> Fault {
        Fault(Box::new(FaultParts { message: message.into(), at: None }))
    }

    pub(super) fn at(message: impl Into<String>, at: usize) -> Fault {
        Fault(Box::new(FaultParts { message: message.into(), at: Some(at) }))
    }

    /// A limit: said so that nobody looks for a mistake in the syntax.
    pub(super) fn limit(message: impl std::fmt::Display) -> Fault {
        Fault::new(format!("{message}: this is the limit for one expression or file, make it smaller"))
    }

    /// Adds a position unless a deeper one is known.
    pub(super) fn or_at(mut self, at: usize) -> Fault {
        self.at.get_or_insert(at);
        self
    }
}

/// What has been used up so far.
#[derive(Debug, Default)]
pub(super) struct Meter {
    work: usize,
    output: usize,
    calls: usize,
}

impl Meter {
    pub(super) fn work(&mut self, units: usize) -> Result<()> {
        self.work = self.work.saturating_add(units);
        if self.work > MAX_WORK {
            return Err(Fault::limit(format!("the template takes more than {MAX_WORK} steps")));
        }
        Ok(())
    }

    pub(super) fn depth(depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Fault::limit(format!("the template is nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(())
    }

    /// Charges for making a text of `length` units, before it is made.
    pub(super) fn text(&mut self, length: usize) -> Result<()> {
        if length > MAX_TEXT {
            return Err(Fault::limit(format!("a text is longer than {MAX_TEXT} units")));
        }
        self.work(length / TEXT_PER_WORK)
    }

    pub(super) fn made(&mut self, text: Text) -> Result<Text> {
        self.text(text.len())?;
        Ok(text)
    }

    pub(super) fn output(&mut self, length: usize) -> Result<()> {
        self.output = self.output.saturating_add(length);
        if self.output > MAX_OUTPUT {
            return Err(Fault::limit(format!("the output is longer than {MAX_OUTPUT} units")));
        }
        Ok(())
    }

    pub(super) fn call(&mut self) -> Result<()> {
        self.calls += 1;
        if self.calls > MAX_CALLS {
            return Err(Fault::limit(format!("more than {MAX_CALLS} filters and functions are called")));
        }
        Ok(())
    }
}

/// Stack for templates that nest as deep as the limits allow.
const DEEP_STACK: usize = 64 * 1024 * 1024;

/// Runs `work`, on a thread of its own with a large stack if `is_deep`.
pub(super) fn with_stack<T: Send>(is_deep: bool, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    if !is_deep {
        return work();
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("expression".to_owned()).stack_size(DEEP_STACK);
        match thread.spawn_scoped(scope, work) {
            Ok(running) => match running.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            },
            Err(error) => Err(Fault::new(format!("no thread for a deeply nested template: {error}"))),
        }
    })
}
