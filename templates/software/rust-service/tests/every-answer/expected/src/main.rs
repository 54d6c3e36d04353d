//! Starts the service: configuration from the environment, logs to standard output, then [`server::serve`] until told
//! to stop.

use std::process::ExitCode;

use service::{
    config::Config,
    server::{self, ServeError},
    telemetry,
};

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::from_env();
    telemetry::init(config.as_ref().ok().map(|config| &config.log));
    let outcome = match config {
        Ok(config) => run(&config).await,
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "stopped");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: &Config) -> Result<(), ServeError> {
    let listener = server::bind(config.address).await?;
    server::serve(listener, config, server::stop_signal()?).await
}
