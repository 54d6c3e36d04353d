//! Follows a run: a moving line on a terminal, plain lines everywhere else.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use futures_util::StreamExt as _;
use indicatif::ProgressBar;
use serde_json::Value;

use super::super::portal::Portal;
use super::super::print;

/// How often a broken stream is taken up again before it counts as lost.
const RECONNECTS: usize = 5;
/// Wait before taking it up again.
const RECONNECT_AFTER: Duration = Duration::from_millis(500);

/// What the events say so far.
struct Progress {
    /// Set on a terminal.
    spinner: Option<ProgressBar>,
    /// Id of the last event.
    last: Option<i64>,
    /// The completion, once it came.
    completion: Option<Value>,
}

/// Shows the events of a task until it completes; fails if it does not complete well.
pub(super) async fn to_the_end(portal: &Portal, task: &str) -> anyhow::Result<ExitCode> {
    let spinner = std::io::stderr().is_terminal().then(print::spinner);
    let mut progress = Progress { spinner, last: None, completion: None };
    for attempt in 0..=RECONNECTS {
        if attempt > 0 {
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
        if let Err(error) = progress.read(portal, task).await
            && attempt == RECONNECTS
        {
            return Err(error);
        }
        if progress.completion.is_some() {
            break;
        }
    }
    if let Some(spinner) = &progress.spinner {
        spinner.finish_and_clear();
    }
    let Some(completion) = progress.completion else {
        bail!("lost sight of the run; see {}create/tasks/{task}", portal.url());
    };
    conclude(portal, task, &completion).await
}

impl Progress {
    async fn read(&mut self, portal: &Portal, task: &str) -> anyhow::Result<()> {
        let after = self.last.map_or_else(String::new, |id| format!("?after={id}"));
        let response = portal.stream(&format!("/api/scaffolder/v2/tasks/{task}/eventstream{after}")).await?;
        let mut chunks = response.bytes_stream();
        let mut buffer = Vec::new();
        while let Some(chunk) = chunks.next().await {
            buffer.extend_from_slice(&chunk?);
            // An event is a block of lines that ends with an empty one; ours have one `data:` line each.
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                if let Some(data) = line.strip_prefix(b"data:") {
                    self.show(&serde_json::from_slice(data)?);
                }
            }
        }
        Ok(())
    }

    fn show(&mut self, event: &Value) {
        self.last = event.get("id").and_then(Value::as_i64).or(self.last);
        let message = event.pointer("/body/message").and_then(Value::as_str).unwrap_or_default();
        if event.get("type").and_then(Value::as_str) == Some("completion") {
            self.completion = Some(event.clone());
        }
        let step = event.pointer("/body/stepId").and_then(Value::as_str);
        let line = step.map_or_else(|| message.to_owned(), |step| format!("{step}: {message}"));
        match &self.spinner {
            Some(spinner) => {
                let ended = matches!(
                    event.pointer("/body/status").and_then(Value::as_str),
                    Some("completed" | "failed" | "skipped")
                );
                if ended && step.is_some() {
                    spinner.println(&line);
                }
                spinner.set_message(line);
            }
            None => print::note(without_colours(&line)),
        }
    }
}

/// A log line without the escape sequences that colour it: `ESC [ … m`.
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or(part, |(_, rest)| rest));
    }
    plain
}

async fn conclude(portal: &Portal, task: &str, completion: &Value) -> anyhow::Result<ExitCode> {
    let output = completion.pointer("/body/output").cloned().unwrap_or_default();
    for link in output.get("links").and_then(Value::as_array).into_iter().flatten() {
        let title = link.get("title").and_then(Value::as_str).unwrap_or("Link");
        let target = link.get("url").or_else(|| link.get("entityRef")).and_then(Value::as_str).unwrap_or_default();
        print::line(format_args!("{title}: {target}"));
    }
    let state = portal.get(&format!("/api/scaffolder/v2/tasks/{task}")).await?;
    match state.get("status").and_then(Value::as_str) {
        Some("completed") => Ok(ExitCode::SUCCESS),
        status => {
            let reason = completion.pointer("/body/error/message").or_else(|| completion.pointer("/body/message"));
            let reason = reason.and_then(Value::as_str).unwrap_or("no reason was given");
            bail!("the run {}: {reason}", status.unwrap_or("ended in no known state"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::without_colours;

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(without_colours("a: \u{1b}[32minfo\u{1b}[39m: made"), "a: info: made");
        assert_eq!(without_colours("plain"), "plain");
    }
}
