//! Configuration, read once from environment variables. Every variable has a default that suits a developer's machine;
//! the chart sets the ones that matter in a cluster.

use std::{
    env,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use thiserror::Error;
use tracing_subscriber::filter::Targets;

const DEFAULT_PORT: u16 = 9000;

/// What can be set from outside.
#[derive(Debug)]
pub struct Config {
    /// `HOST` and `PORT`: where to listen.
    pub address: SocketAddr,
    /// `LOG`: level, or levels by module, such as `info,service=debug`.
    pub log: Targets,
    /// `REQUEST_TIMEOUT_SECONDS`: how long one request may take.
    pub request_timeout: Duration,
    /// `DRAIN_SECONDS`: how long to go on serving, while not ready, after being told to stop.
    pub drain: Duration,
    /// `SHUTDOWN_SECONDS`: how long open requests may take to finish after that.
    pub shutdown: Duration,
}

/// A variable that cannot be used.
#[derive(Debug, Error)]
#[error("{name}={value:?} is not valid: {reason}")]
pub struct ConfigError {
    name: &'static str,
    value: String,
    reason: String,
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    ///
    /// Names the first variable that does not parse.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(|name| env::var(name).ok())
    }

    /// Reads variables from `lookup`; empty ones count as not set.
    ///
    /// # Errors
    ///
    /// Names the first variable that does not parse.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let seconds = |name, default| parse(&lookup, name, default).map(Duration::from_secs);
        let host = parse(&lookup, "HOST", IpAddr::V4(Ipv4Addr::UNSPECIFIED))?;
        let port = parse(&lookup, "PORT", DEFAULT_PORT)?;
        Ok(Self {
            address: SocketAddr::new(host, port),
            log: parse(&lookup, "LOG", Targets::new().with_default(tracing::Level::INFO))?,
            request_timeout: seconds("REQUEST_TIMEOUT_SECONDS", 10)?,
            drain: seconds("DRAIN_SECONDS", 0)?,
            shutdown: seconds("SHUTDOWN_SECONDS", 15)?,
        })
    }
}

fn parse<T>(lookup: impl Fn(&str) -> Option<String>, name: &'static str, default: T) -> Result<T, ConfigError>
where
    T: FromStr<Err: ToString>,
{
    match lookup(name).filter(|value| !value.is_empty()) {
        None => Ok(default),
        Some(value) => value.parse().map_err(|error: T::Err| ConfigError { name, value, reason: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn defaults_apply_to_missing_and_empty_variables() {
        for variables in [&[][..], &[("PORT", ""), ("LOG", "")]] {
            let config = read(variables).unwrap();
            assert_eq!(config.address, SocketAddr::from(([0, 0, 0, 0], DEFAULT_PORT)));
            assert_eq!(config.drain, Duration::ZERO);
        }
    }

    #[test]
    fn variables_override_defaults() {
        let config = read(&[("HOST", "::1"), ("PORT", "9"), ("LOG", "warn,service=debug"), ("DRAIN_SECONDS", "3")]);
        let config = config.unwrap();
        assert_eq!(config.address.to_string(), "[::1]:9");
        assert_eq!(config.drain, Duration::from_secs(3));
        assert!(config.log.would_enable("service::http", &tracing::Level::DEBUG));
        assert!(!config.log.would_enable("tower_http", &tracing::Level::INFO));
    }

    #[test]
    fn an_error_names_the_variable_and_its_value() {
        let error = read(&[("PORT", "http")]).unwrap_err();
        assert_eq!(error.to_string(), r#"PORT="http" is not valid: invalid digit found in string"#);
    }
}
