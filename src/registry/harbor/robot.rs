//! Robot accounts: names and secrets for machines, each for one project.

use std::fmt;

use http::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, Harbor, Project, gone};
use crate::registry::{Login, RegistryError};

/// How Harbor writes that an account does not expire.
const FOR_EVER: i64 = -1;

/// What an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Use {
    /// Pipelines push, and pull what they build on.
    Push,
    /// Clusters pull.
    Pull,
}

/// An account that is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Robot {
    /// Harbor's number.
    pub(crate) id: i64,
    /// Its full name: `robot$acme+web-push`.
    pub(crate) name: String,
    /// What was written when it was made.
    #[serde(default)]
    pub(crate) description: String,
}

/// An account that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewRobot<'a> {
    /// Its name in the project: `web-push`.
    pub(crate) name: &'a str,
    /// Whose it is and why.
    pub(crate) description: &'a str,
    /// What it is for.
    pub(crate) purpose: Use,
    /// Days until it expires; none: never.
    pub(crate) days: Option<i64>,
}

#[derive(Deserialize)]
struct Created {
    id: i64,
    name: String,
    secret: SecretString,
}

#[derive(Deserialize)]
struct Renewed {
    secret: SecretString,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Push => "push",
            Self::Pull => "pull",
        })
    }
}

impl Use {
    fn access(self) -> Value {
        let actions: &[&str] = match self {
            Self::Push => &["pull", "push"],
            Self::Pull => &["pull"],
        };
        actions.iter().map(|action| json!({"resource": "repository", "action": action})).collect()
    }
}

impl Harbor<'_> {
    /// The account of a name in a project, if there is one.
    pub(crate) async fn robot(&self, project: &Project, name: &str) -> Result<Option<Robot>, RegistryError> {
        let doing = format!("list the robot accounts of project {}", project.name);
        let query = [("q", format!("Level=project,ProjectID={}", project.id))];
        let found: Vec<Robot> = self.list(&["robots"], &query, &doing, "robot accounts").await?;
        // What stands before the project is configured on the Harbor.
        let full = format!("{}+{name}", project.name);
        let is_it = |robot: &Robot| robot.name.strip_suffix(&full).is_some_and(|before| !before.contains('+'));
        Ok(found.into_iter().find(is_it))
    }

    /// Makes an account; the secret is told this once. [`RegistryError::Conflict`] where there is one of that name.
    pub(crate) async fn create_robot(
        &self,
        project: &Project,
        new: &NewRobot<'_>,
    ) -> Result<(Robot, Login), RegistryError> {
        let doing = format!("create robot account {} of project {}", new.name, project.name);
        let body = json!({
            "name": new.name,
            "description": new.description,
            "level": "project",
            "duration": new.days.unwrap_or(FOR_EVER),
            "disable": false,
            "permissions": [{"kind": "project", "namespace": project.name, "access": new.purpose.access()}],
        });
        let what = format!("project {}", project.name);
        let made: Created = self.read(Call::new(Method::POST, &["robots"], &doing, &what).body(body)).await?;
        let robot = Robot { id: made.id, name: made.name.clone(), description: new.description.to_owned() };
        Ok((robot, Login { username: made.name, password: made.secret }))
    }

    /// Gives an account a new secret: the one that it had is of no use any more.
    pub(crate) async fn renew(&self, robot: &Robot) -> Result<Login, RegistryError> {
        let (id, name) = (robot.id.to_string(), &robot.name);
        let (doing, what) = (format!("renew the secret of {name}"), format!("robot account {name}"));
        let call = Call::new(Method::PATCH, &["robots", &id], &doing, &what).body(json!({"secret": ""}));
        let renewed: Renewed = self.read(call).await?;
        Ok(Login { username: name.clone(), password: renewed.secret })
    }

    /// Deletes an account; one that is gone already is no error.
    pub(crate) async fn delete_robot(&self, id: i64, name: &str) -> Result<(), RegistryError> {
        let (doing, what) = (format!("delete robot account {name}"), format!("robot account {name}"));
        gone(self.call(Call::new(Method::DELETE, &["robots", &id.to_string()], &doing, &what)).await)
    }
}
