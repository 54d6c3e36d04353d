//! Secrets and variables of pipelines.
//!
//! A secret leaves as a libsodium sealed box for the key of its repository or environment: only GitHub can open it.
//! Source: <https://docs.github.com/en/rest/guides/encrypting-secrets-for-the-rest-api>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_box::PublicKey;
use crypto_box::aead::OsRng;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::GitHub;
use super::client::{Call, Client};
use super::error::Failure;
use crate::forge::{ForgeError, RepositoryId};

/// Where a secret or a variable belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope<'a> {
    /// Every pipeline of the repository.
    Actions,
    /// Jobs that deploy to an environment.
    Environment(&'a str),
}

#[derive(Deserialize)]
struct Key {
    key_id: String,
    key: String,
}

impl<'a> Scope<'a> {
    fn segments(self, id: &'a RepositoryId, rest: &[&'a str]) -> Vec<&'a str> {
        let place: &[&str] = match self {
            Self::Actions => &["actions"],
            Self::Environment(name) => &["environments", name],
        };
        ["repos", id.owner(), id.name()].into_iter().chain(place.iter().copied()).chain(rest.iter().copied()).collect()
    }
}

impl GitHub {
    /// Sets secrets by name; one that is there gets the new value.
    pub(crate) async fn set_secrets(
        &self,
        id: &RepositoryId,
        scope: Scope<'_>,
        secrets: &[(String, String)],
    ) -> Result<(), ForgeError> {
        if secrets.is_empty() {
            return Ok(());
        }
        let doing = format!("set secrets of {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let key: Key = client.ask(Call::get(scope.segments(id, &["secrets", "public-key"]))).await.map_err(&failed)?;
        for (name, value) in secrets {
            let sealed = seal(&key.key, value.as_bytes()).map_err(|reason| failed(Failure::Unreadable(reason)))?;
            let body = json!({"encrypted_value": sealed, "key_id": key.key_id});
            client.tell(Call::put(scope.segments(id, &["secrets", name]), body)).await.map_err(&failed)?;
        }
        Ok(())
    }

    /// Sets variables by name; one that is there gets the new value.
    pub(crate) async fn set_variables(
        &self,
        id: &RepositoryId,
        scope: Scope<'_>,
        variables: &[(String, String)],
    ) -> Result<(), ForgeError> {
        if variables.is_empty() {
            return Ok(());
        }
        let doing = format!("set variables of {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        for (name, value) in variables {
            set_variable(&client, id, scope, name, value).await.map_err(&failed)?;
        }
        Ok(())
    }
}

async fn set_variable(
    client: &Client,
    id: &RepositoryId,
    scope: Scope<'_>,
    name: &str,
    value: &str,
) -> Result<(), Failure> {
    let body = json!({"name": name, "value": value});
    match client.tell(Call::post(scope.segments(id, &["variables"]), body.clone()).repeatable()).await {
        Err(failure) if failure.is(StatusCode::CONFLICT) || failure.says("already exists") => {
            client.tell(Call::patch(scope.segments(id, &["variables", name]), body)).await
        }
        other => other,
    }
}

/// A value as a sealed box for a key, both in base64.
fn seal(key: &str, value: &[u8]) -> Result<String, String> {
    let key = STANDARD.decode(key).map_err(|error| format!("the public key is no base64, {error}"))?;
    let key: [u8; 32] = key.try_into().map_err(|_| "the public key has not 32 bytes".to_owned())?;
    let sealed = PublicKey::from(key).seal(&mut OsRng, value).map_err(|error| error.to_string())?;
    Ok(STANDARD.encode(sealed))
}

#[cfg(test)]
mod tests {
    use crypto_box::SecretKey;

    use super::*;

    #[test]
    fn only_the_owner_of_the_key_can_open_a_box() {
        let secret = SecretKey::generate(&mut OsRng);
        let key = STANDARD.encode(secret.public_key().as_bytes());
        let sealed = STANDARD.decode(seal(&key, "pa$$wörd".as_bytes()).unwrap()).unwrap();
        assert_eq!(secret.unseal(&sealed).unwrap(), "pa$$wörd".as_bytes());
        assert!(SecretKey::generate(&mut OsRng).unseal(&sealed).is_err());
        assert!(seal("short", b"x").is_err());
    }
}
