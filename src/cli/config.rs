//! `greenroom config`: the effective configuration, secrets masked.

use std::process::ExitCode;

use clap::Args;

use super::{Common, print};

/// `greenroom config`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Print JSON instead of YAML.
    #[arg(long)]
    json: bool,
}

/// Prints what was read, and warns of what looks wrong.
pub(super) fn run(common: &Common, options: &Options) -> anyhow::Result<ExitCode> {
    let loaded = common.load()?;
    if loaded.files.is_empty() {
        print::note("no configuration file was found; everything has its default");
    }
    for file in &loaded.files {
        print::note(format_args!("read {}", file.display()));
    }
    for warning in &loaded.warnings {
        print::note(format_args!("warning: {warning}"));
    }
    let redacted = crate::config::redacted(&loaded.document);
    let text = if options.json { serde_json::to_string_pretty(&redacted)? } else { serde_yaml::to_string(&redacted)? };
    print::line(text.trim_end());
    Ok(ExitCode::SUCCESS)
}
