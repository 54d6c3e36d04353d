//! What the organisation tells everybody: a Markdown file, read again and again from where people edit it.
//!
//! A file that cannot be read any more stays as it was last; what is wrong with it is in the log, once.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::catalog::{LocationRef, Reader};

/// How often the file is looked at.
const EVERY: Duration = Duration::from_mins(1);
/// A longer text is cut.
const LONGEST: usize = 64 * 1024;

/// The announcements. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Announcements(Arc<Inner>);

struct Inner {
    reader: Reader,
    location: Option<LocationRef>,
    current: ArcSwapOption<Announcement>,
}

/// The file as it was read last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Announcement {
    /// Markdown.
    pub(crate) text: String,
    /// Differs when the text does.
    pub(crate) version: String,
    /// Where it is edited.
    pub(crate) page: Option<String>,
}

/// One piece of news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct News {
    /// Its heading.
    pub(crate) title: String,
    /// Markdown below it.
    pub(crate) text: String,
}

impl Announcement {
    /// The news, in the order of the file: one for each heading of the second level. A file without such headings is one
    /// piece of news.
    pub(crate) fn news(&self) -> Vec<News> {
        let mut news: Vec<News> = Vec::new();
        let mut is_code = false;
        for line in self.text.lines() {
            is_code ^= line.trim_start().starts_with("```");
            match line.strip_prefix("## ").filter(|_| !is_code) {
                Some(title) => news.push(News { title: title.trim().to_owned(), text: String::new() }),
                None => {
                    if let Some(last) = news.last_mut() {
                        last.text.push_str(line);
                        last.text.push('\n');
                    }
                }
            }
        }
        if news.is_empty() {
            let (title, text) = self.text.split_once('\n').unwrap_or((&self.text, ""));
            news.push(News { title: title.trim_start_matches('#').trim().to_owned(), text: text.to_owned() });
        }
        news
    }
}

impl Announcements {
    /// Those of a file: an address or a path; none without.
    pub(crate) fn new(reader: Reader, file: Option<&str>) -> Self {
        let location = file.map(|file| {
            let is_url = Url::parse(file).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            LocationRef::new(if is_url { "url" } else { "file" }, file)
        });
        Self(Arc::new(Inner { reader, location, current: ArcSwapOption::empty() }))
    }

    /// What is told now; none without a file, or with an empty one.
    pub(crate) fn current(&self) -> Option<Arc<Announcement>> {
        self.0.current.load_full()
    }

    /// Looks at the file now and then, until `shutdown`.
    pub(crate) async fn work(self, shutdown: CancellationToken) {
        let Some(location) = &self.0.location else { return };
        let (mut stamp, mut trouble) = (None, String::new());
        loop {
            match self.0.reader.changed(location, stamp.as_deref()).await {
                Ok(None) => trouble.clear(),
                Ok(Some(read)) => {
                    trouble.clear();
                    stamp.clone_from(&read.stamp);
                    self.0.current.store(self.announcement(location, &read.bytes, read.version).map(Arc::new));
                }
                Err(error) => {
                    let told = error.to_string();
                    if told != trouble {
                        tracing::warn!(error = told, file = %location, "the announcements cannot be read");
                        trouble = told;
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    fn announcement(&self, location: &LocationRef, bytes: &[u8], version: String) -> Option<Announcement> {
        let text: String = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]).trim().to_owned();
        let page = self.0.reader.browse(location).map(|(page, _)| page);
        (!text.is_empty()).then_some(Announcement { text, version, page })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::ReadingRules;
    use crate::forge::Forges;

    /// Reads the file once.
    async fn read(file: &std::path::Path) -> Option<Arc<Announcement>> {
        let reader = Reader::new(Forges::default(), ReadingRules::default());
        let announcements = Announcements::new(reader, file.to_str());
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        announcements.clone().work(shutdown).await;
        announcements.current()
    }

    #[test]
    fn each_heading_is_a_piece_of_news() {
        let told = |text: &str| {
            let version = String::new();
            let news = Announcement { text: text.to_owned(), version, page: None }.news();
            news.into_iter().map(|news| (news.title, news.text.trim().to_owned())).collect::<Vec<_>>()
        };
        let pair = |title: &str, text: &str| (title.to_owned(), text.to_owned());
        assert_eq!(
            told("# All\n\nintro\n## One\na\n```\n## no\n```\n## Two \n\nb"),
            [pair("One", "a\n```\n## no\n```"), pair("Two", "b")]
        );
        assert_eq!(told("# Alone\n\ntext"), [pair("Alone", "text")]);
        assert_eq!(told("just this"), [pair("just this", "")]);
    }

    #[tokio::test]
    async fn a_file_is_told_and_an_empty_or_missing_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("news.md");
        assert_eq!(read(&file).await, None);
        std::fs::write(&file, " \n").unwrap();
        assert_eq!(read(&file).await, None);
        std::fs::write(&file, "# News\n\nHello.\n").unwrap();
        let first = read(&file).await.unwrap();
        assert_eq!(first.text, "# News\n\nHello.");
        std::fs::write(&file, "# News\n\nOther.\n").unwrap();
        assert_ne!(read(&file).await.unwrap().version, first.version);
    }
}
