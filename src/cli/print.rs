//! What the command line says to people and scripts: the only place that writes to the standard streams.

use std::fmt::Display;
use std::io::Write;

use indicatif::{ProgressBar, ProgressStyle};

/// Writes one line of the answer.
pub(super) fn line(text: impl Display) {
    // A closed pipe (`greenroom catalog list | head`) is no failure of ours.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Writes one line beside the answer: progress, warnings.
pub(super) fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// `1 file`, `2 files`.
pub(super) fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Writes an error and everything that led to it.
pub(super) fn error(error: &anyhow::Error) {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Many errors repeat their cause in their own words.
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    note(format_args!("greenroom: {text}"));
}

/// A moving mark with a changing text: on a terminal only.
pub(super) fn spinner() -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    spinner.set_style(
        ProgressStyle::with_template("{spinner:.green} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    spinner.enable_steady_tick(std::time::Duration::from_millis(100));
    spinner
}
