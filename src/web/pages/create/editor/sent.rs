//! What the editor's form sends: the text, files beside it, answers, and which button was pressed.
//!
//! The editor's own fields begin with `_`, so that they meet no parameter of a template. Files travel with the page
//! (`_kept`), since nothing is stored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use crate::entity::EntityRef;
use crate::web::error::Error;
use crate::web::extract::{MixedForm, Upload};

/// The longest text, in bytes.
pub(super) const LONGEST_TEXT: usize = 256 * 1024;
/// Files beside the template.
pub(super) const MOST_FILES: usize = 200;
/// Their bytes together.
pub(super) const LARGEST_FILES: usize = 1024 * 1024;
/// Fields of the form.
const MOST_FIELDS: usize = 5000;
/// Names under which an uploaded file is the text itself.
const TEMPLATES: [&str; 2] = ["template.yaml", "template.yml"];

/// One posted editor.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) text: String,
    /// The catalog's template that the text began as.
    pub(super) base: Option<EntityRef>,
    pub(super) files: Vec<KeptFile>,
    /// The answers that the form was shown with.
    pub(super) before: Map<String, Value>,
    /// The answers that were asked for.
    pub(super) asked: Vec<String>,
    /// All pairs; the form's own among them.
    pub(super) pairs: Vec<(String, String)>,
    pub(super) wish: Wish,
    /// The file of the result to show.
    pub(super) file: Option<String>,
}

/// What the pressed button asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Wish {
    /// Look at the text only.
    #[default]
    Check,
    /// Run it without effect, too.
    Run,
    /// Give the text as a file.
    Download,
    /// Forget the files beside it.
    Forget,
}

/// One file beside the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeptFile {
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
}

impl Sent {
    /// Reads the form, within limits.
    pub(super) fn read(form: MixedForm) -> Result<Self, Error> {
        let MixedForm { pairs, uploads } = form;
        if pairs.len() > MOST_FIELDS {
            return Err(Error::Input(format!("the form has more than {MOST_FIELDS} fields")));
        }
        let mut sent = Self::default();
        for (name, value) in &pairs {
            match name.as_str() {
                "_text" => sent.text = value.replace("\r\n", "\n"),
                "_base" if !value.is_empty() => sent.base = Some(reference(value)?),
                "_kept" if !value.is_empty() => sent.files = kept(value)?,
                "_values" => sent.before = serde_json::from_str(value).unwrap_or_default(),
                "_asked" => sent.asked.push(value.clone()),
                "_open" if sent.file.is_none() && !value.is_empty() => sent.file = Some(value.clone()),
                // A file of the result was pressed, which is the result of a run.
                "_file" => (sent.file, sent.wish) = (Some(value.clone()), Wish::Run),
                "_do" => sent.wish = Wish::of(value),
                _ => {}
            }
        }
        sent.pairs = pairs;
        sent.add(uploads);
        if sent.wish == Wish::Forget {
            sent.files.clear();
        }
        sent.within_limits()?;
        Ok(sent)
    }

    /// Uploaded files take the place of those of the same path; a `template.yaml` at the top is the text.
    fn add(&mut self, uploads: Vec<Upload>) {
        let paths: Vec<String> = uploads.iter().map(|upload| upload.name.replace('\\', "/")).collect();
        let folder = shared_folder(&paths);
        for (upload, path) in uploads.into_iter().zip(&paths) {
            let path = path.strip_prefix(folder).unwrap_or(path).to_owned();
            match String::from_utf8(upload.bytes) {
                Ok(text) if TEMPLATES.contains(&path.as_str()) => self.text = text,
                Ok(text) => self.keep(path, text.into_bytes()),
                Err(binary) => self.keep(path, binary.into_bytes()),
            }
        }
    }

    fn keep(&mut self, path: String, bytes: Vec<u8>) {
        self.files.retain(|file| file.path != path);
        self.files.push(KeptFile { path, bytes });
    }

    fn within_limits(&self) -> Result<(), Error> {
        let size: usize = self.files.iter().map(|file| file.bytes.len()).sum();
        let over = if self.text.len() > LONGEST_TEXT {
            format!("the text has {} bytes, and at most {LONGEST_TEXT} are edited here", self.text.len())
        } else if self.files.len() > MOST_FILES {
            format!("{} files are beside the template, and at most {MOST_FILES} are taken here", self.files.len())
        } else if size > LARGEST_FILES {
            format!("the files beside the template have {size} bytes, and at most {LARGEST_FILES} are taken here")
        } else {
            return Ok(());
        };
        Err(Error::Input(format!("{over}; `greenroom template` on the command line has no such limit")))
    }

    /// The files as a dry run takes them.
    pub(super) fn contents(&self) -> Value {
        let file = |file: &KeptFile| json!({"path": file.path, "base64Content": BASE64.encode(&file.bytes)});
        self.files.iter().map(file).collect()
    }
}

impl Wish {
    fn of(button: &str) -> Self {
        match button {
            "run" => Self::Run,
            "download" => Self::Download,
            "forget" => Self::Forget,
            _ => Self::Check,
        }
    }
}

/// A written reference to a template.
pub(super) fn reference(text: &str) -> Result<EntityRef, Error> {
    text.parse().map_err(|_| Error::Input(format!("\"{text}\" is no reference such as template:default/service")))
}

/// The files that the page carried.
fn kept(text: &str) -> Result<Vec<KeptFile>, Error> {
    let unreadable = || Error::Input("the files beside the template got lost on the way; upload them again".to_owned());
    let files: Vec<Value> = serde_json::from_str(text).map_err(|_| unreadable())?;
    let file = |file: &Value| {
        let path = file.get("path").and_then(Value::as_str).ok_or_else(unreadable)?;
        let content = file.get("base64Content").and_then(Value::as_str).ok_or_else(unreadable)?;
        let bytes = BASE64.decode(content).map_err(|_| unreadable())?;
        Ok(KeptFile { path: path.to_owned(), bytes })
    };
    files.iter().map(file).collect()
}

/// `skeleton-folder/` when every path is below it: a folder was chosen, and its own name says nothing.
fn shared_folder(paths: &[String]) -> &str {
    let Some(first) = paths.first().and_then(|path| path.split_inclusive('/').next()) else { return "" };
    let is_shared = first.ends_with('/') && paths.iter().all(|path| path.starts_with(first));
    let is_root = is_shared && paths.iter().any(|path| TEMPLATES.iter().any(|name| path[first.len()..] == **name));
    if is_root { first } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(pairs: &[(&str, &str)], uploads: &[(&str, &str)]) -> Result<Sent, Error> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let upload = |(name, text): &(&str, &str)| Upload { name: (*name).to_owned(), bytes: text.as_bytes().to_vec() };
        Sent::read(MixedForm { pairs, uploads: uploads.iter().map(upload).collect() })
    }

    fn paths(sent: &Sent) -> Vec<&str> {
        sent.files.iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn an_uploaded_template_is_the_text_and_its_folder_is_left_out() {
        let folder = [("svc/template.yaml", "kind: Template"), ("svc/skeleton/a.txt", "a")];
        let read = sent(&[("_text", "old")], &folder).unwrap();
        assert_eq!((read.text.as_str(), paths(&read)), ("kind: Template", vec!["skeleton/a.txt"]));
        let skeleton = sent(&[("_text", "old")], &[("skeleton/a.txt", "a"), ("skeleton/b.txt", "b")]).unwrap();
        assert_eq!((skeleton.text.as_str(), paths(&skeleton)), ("old", vec!["skeleton/a.txt", "skeleton/b.txt"]));
    }

    #[test]
    fn files_travel_with_the_page_until_they_are_forgotten() {
        let first = sent(&[], &[("a", "1"), ("b", "2")]).unwrap();
        let carried = first.contents().to_string();
        let second = sent(&[("_kept", &carried)], &[("b", "3")]).unwrap();
        assert_eq!(paths(&second), ["a", "b"]);
        assert_eq!(second.files[1].bytes, b"3");
        assert!(sent(&[("_kept", &carried), ("_do", "forget")], &[]).unwrap().files.is_empty());
        assert!(sent(&[("_kept", "[1]")], &[]).is_err() && sent(&[("_kept", "nonsense")], &[]).is_err());
    }

    #[test]
    fn too_much_is_refused_with_its_limit() {
        let many: Vec<String> = (0..=MOST_FILES).map(|number| number.to_string()).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
        let (long, large) = ("x".repeat(LONGEST_TEXT + 1), "x".repeat(LARGEST_FILES + 1));
        for (read, expected) in [
            (sent(&[("_text", &long)], &[]), "at most 262144"),
            (sent(&[], &many), "at most 200"),
            (sent(&[], &[("a", &large)]), "at most 1048576"),
            (sent(&vec![("a", "b"); MOST_FIELDS + 1], &[]), "more than 5000"),
            (sent(&[("_base", "a/b/c")], &[]), "is no reference"),
        ] {
            let error = read.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
