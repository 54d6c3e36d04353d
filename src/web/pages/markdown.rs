//! Markdown of repositories, descriptors and templates as it is shown within a page, in GitHub's dialect.

pub(crate) use crate::markdown::Target;
use crate::markdown::{Alone, Dialect, Surroundings, render};

/// Where a relative link or image leads; `None` leaves it as it is.
pub(crate) type Rewrite<'a> = &'a dyn Fn(&str, Target) -> Option<String>;

struct Rewriting<'a>(Rewrite<'a>);

impl Surroundings for Rewriting<'_> {
    fn resolve(&self, url: &str, target: Target) -> Option<String> {
        (self.0)(url, target)
    }
}

/// A document on a page of its own, its links rewritten.
pub(crate) fn document(source: &str, rewrite: Rewrite<'_>) -> String {
    render(source, Dialect::GITHUB, &Rewriting(rewrite)).html
}

/// A short text among other things, such as a field's description.
pub(crate) fn note(source: &str) -> String {
    render(source, Dialect::GITHUB, &Alone).html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_is_taken_out() {
        let check = |source: &str, forbidden: &str| {
            let html = note(source).to_lowercase();
            assert!(!html.contains(forbidden), "{source} → {html}");
        };
        check("<script>alert(1)</script>", "<script");
        check("[x](javascript:alert(1))", "javascript:");
        check("<img src=x onerror=alert(1)>", "onerror");
        check("<p style='position:fixed'>x</p>", "style");
        check("<form action=/sign-out><button>x</button></form>", "<form");
        check("<svg><script>1</script></svg>", "svg");
        check("<iframe src=//evil.example></iframe>", "iframe");
    }

    #[test]
    fn headings_leave_the_page_its_own() {
        assert!(note("# One").contains("<h2"));
        assert!(!note("# One").contains("<h1"));
    }

    #[test]
    fn links_and_images_are_rewritten() {
        assert!(note("# One two\n[x](#one-two)").contains("href=\"#md-one-two\""));
        assert!(!note("![x](https://evil.example/x.png)").contains("evil"));
        let html = document("[a](docs/x.md) ![b](y.png)", &|url, target| match target {
            Target::Link => Some(format!("/blob/{url}")),
            Target::Image => Some(format!("/raw/{url}")),
        });
        assert!(html.contains("href=\"/blob/docs/x.md\""), "{html}");
        assert!(html.contains("src=\"/raw/y.png\""), "{html}");
    }

    #[test]
    fn github_flavour_is_known() {
        let html = note("| a |\n|---|\n| b |\n\n- [x] done\n\n~~gone~~");
        for part in ["<table", "\u{2611}", "<del>gone</del>"] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }
}
