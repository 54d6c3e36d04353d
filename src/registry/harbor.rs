//! What only Harbor has: projects with a quota, robot accounts (`robot`), tags that do not move (`rule`).
//!
//! Its API 2.0 takes the password with every request. Names of repositories stand escaped twice in paths.
//! Source: <https://goharbor.io/docs/2.12.0/build-customize-contribute/configure-swagger/>.

mod robot;
mod rule;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderName, Method};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) use self::robot::{NewRobot, Robot, Use};

use super::wire::{Answer, Ask};
use super::{ImageName, Registry, RegistryError};

/// Entries of one page of a list, the most there are, and pages that are read.
const PAGE: usize = 100;
const PAGES: usize = 20;
/// Says that a project is named and not numbered.
const BY_NAME: HeaderName = HeaderName::from_static("x-is-resource-name");
/// How Harbor writes that there is no quota.
const UNLIMITED: i64 = -1;

/// A Harbor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Harbor<'a>(pub(super) &'a Registry);

/// A project that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Project {
    id: i64,
    /// Its name.
    pub(crate) name: String,
    /// Whether everybody may pull.
    pub(crate) public: bool,
    /// Bytes that it may hold; none without a limit.
    pub(crate) quota: Option<i64>,
}

/// A project that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewProject<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Whether everybody may pull.
    pub(crate) public: bool,
    /// Bytes that it may hold; none without a limit.
    pub(crate) quota: Option<i64>,
}

/// An image as Harbor lists it, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::registry) struct Listed {
    pub(in crate::registry) digest: String,
    pub(in crate::registry) tags: Vec<String>,
    pub(in crate::registry) pushed: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct ToldProject {
    project_id: i64,
    name: String,
    #[serde(default)]
    metadata: ToldMetadata,
}

#[derive(Default, Deserialize)]
struct ToldMetadata {
    #[serde(default)]
    public: String,
}

#[derive(Deserialize)]
struct Summary {
    #[serde(default)]
    quota: Option<Quota>,
}

#[derive(Deserialize)]
struct Quota {
    #[serde(default)]
    hard: Option<Hard>,
}

#[derive(Deserialize)]
struct Hard {
    storage: i64,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Artifact {
    digest: String,
    #[serde(default)]
    push_time: Option<DateTime<Utc>>,
    #[serde(default)]
    tags: Option<Vec<Named>>,
}

/// One request to the API.
struct Call<'a> {
    method: Method,
    path: Vec<&'a str>,
    query: Vec<(&'a str, String)>,
    body: Option<Value>,
    doing: &'a str,
    what: &'a str,
}

impl<'a> Call<'a> {
    fn new(method: Method, path: &[&'a str], doing: &'a str, what: &'a str) -> Self {
        Self { method, path: path.to_vec(), query: Vec::new(), body: None, doing, what }
    }

    fn query(mut self, pairs: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        self.query.extend(pairs);
        self
    }

    fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

impl Harbor<'_> {
    async fn call(&self, call: Call<'_>) -> Result<Answer, RegistryError> {
        let mut url = self.0.wire().at(["api", "v2.0"].into_iter().chain(call.path));
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(call.query);
        }
        let mut ask = Ask::new(call.method, url, call.doing, call.what).header(BY_NAME, "true");
        if let Some(body) = call.body {
            ask = ask.body(Bytes::from(body.to_string()), "application/json");
        }
        self.0.wire().send_with_password(&ask).await
    }

    async fn read<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, RegistryError> {
        let doing = call.doing;
        let answer = self.call(call).await?;
        self.0.read_json(&answer.body, doing)
    }

    /// Every entry of a list.
    async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        doing: &str,
        what: &str,
    ) -> Result<Vec<T>, RegistryError> {
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let pages = [("page", page.to_string()), ("page_size", PAGE.to_string())];
            let call = Call::new(Method::GET, path, doing, what).query(query.iter().cloned().chain(pages));
            let found: Vec<T> = self.read(call).await?;
            let is_last = found.len() < PAGE;
            all.extend(found);
            if is_last {
                return Ok(all);
            }
        }
        let limit = PAGE * PAGES;
        let said = format!("there are more than {limit} of them");
        Err(RegistryError::Failed { registry: self.0.name().to_owned(), doing: doing.to_owned(), said })
    }

    /// A project by name; none where there is none. One that the portal's account may not see is an error.
    pub(crate) async fn project(&self, name: &str) -> Result<Option<Project>, RegistryError> {
        let what = format!("project {name}");
        let doing = format!("look for project {name}");
        let head = Call::new(Method::HEAD, &["projects"], &doing, &what).query([("project_name", name.to_owned())]);
        match self.call(head).await {
            Ok(_) => {}
            Err(RegistryError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        let doing = format!("use project {name}, which is there and somebody else's");
        let told: ToldProject = self.read(Call::new(Method::GET, &["projects", name], &doing, &what)).await?;
        let summary: Summary = self.read(Call::new(Method::GET, &["projects", name, "summary"], &doing, &what)).await?;
        let storage = summary.quota.and_then(|quota| quota.hard).map(|hard| hard.storage);
        Ok(Some(Project {
            id: told.project_id,
            name: told.name,
            public: told.metadata.public == "true",
            quota: storage.filter(|bytes| *bytes != UNLIMITED),
        }))
    }

    /// Makes a project; [`RegistryError::Conflict`] where there is one of that name.
    pub(crate) async fn create_project(&self, new: &NewProject<'_>) -> Result<(), RegistryError> {
        let doing = format!("create project {}", new.name);
        let body = json!({
            "project_name": new.name,
            "metadata": {"public": new.public.to_string()},
            "storage_limit": new.quota.unwrap_or(UNLIMITED),
        });
        self.call(Call::new(Method::POST, &["projects"], &doing, "projects").body(body)).await.map(drop)
    }

    /// Deletes a project without repositories; one that is gone already is no error.
    pub(crate) async fn delete_project(&self, name: &str) -> Result<(), RegistryError> {
        let (doing, what) = (format!("delete project {name}"), format!("project {name}"));
        gone(self.call(Call::new(Method::DELETE, &["projects", name], &doing, &what)).await)
    }

    /// The images of a project, by their names in it; none where there is no such project.
    pub(crate) async fn repositories(&self, project: &str) -> Result<Vec<String>, RegistryError> {
        let (doing, what) = (format!("list the images of project {project}"), format!("project {project}"));
        let found: Result<Vec<Named>, _> = self.list(&["projects", project, "repositories"], &[], &doing, &what).await;
        let found = match found {
            Err(RegistryError::NotFound { .. }) => Vec::new(),
            other => other?,
        };
        let within = |one: Named| one.name.split_once('/').map_or(one.name.clone(), |(_, rest)| rest.to_owned());
        Ok(found.into_iter().map(within).collect())
    }

    /// Deletes an image with all its tags; one that is gone already is no error.
    pub(crate) async fn delete_repository(&self, image: &ImageName) -> Result<(), RegistryError> {
        let (doing, what) = (format!("delete image {image}"), format!("image {image}"));
        let within = escaped(image);
        let path = ["projects", image.project().unwrap_or_default(), "repositories", &within];
        gone(self.call(Call::new(Method::DELETE, &path, &doing, &what)).await)
    }

    /// The newest artifacts of an image that have a tag, and how many artifacts there are.
    pub(in crate::registry) async fn newest(
        &self,
        image: &ImageName,
        count: usize,
    ) -> Result<(Vec<Listed>, usize), RegistryError> {
        let (doing, what) = (format!("list the tags of {image}"), format!("image {image}"));
        let within = escaped(image);
        let path = ["projects", image.project().unwrap_or_default(), "repositories", &within, "artifacts"];
        let query = [
            ("q", "tags=*".to_owned()),
            ("sort", "-push_time".to_owned()),
            ("page", "1".to_owned()),
            ("page_size", count.min(PAGE).to_string()),
            ("with_tag", "true".to_owned()),
        ];
        let answer = self.call(Call::new(Method::GET, &path, &doing, &what).query(query)).await?;
        let total = answer.headers.get("x-total-count").and_then(|text| text.to_str().ok()?.parse().ok());
        let artifacts: Vec<Artifact> = self.0.read_json(&answer.body, &doing)?;
        let listed = |one: Artifact| {
            let tags: Vec<String> = one.tags.unwrap_or_default().into_iter().map(|tag| tag.name).collect();
            (!tags.is_empty()).then_some(Listed { digest: one.digest, tags, pushed: one.push_time })
        };
        let listed: Vec<Listed> = artifacts.into_iter().filter_map(listed).collect();
        let total = total.unwrap_or(listed.len());
        Ok((listed, total))
    }
}

/// The name of an image in its project, escaped once: the address escapes it again.
fn escaped(image: &ImageName) -> String {
    image.within().replace('/', "%2F")
}

fn gone(done: Result<Answer, RegistryError>) -> Result<(), RegistryError> {
    match done {
        Ok(_) | Err(RegistryError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
