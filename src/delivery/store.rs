//! SQL of declared applications.

use sqlx::PgExecutor;
use uuid::Uuid;

use super::Application;

/// Inserts an application, or finds that the same run has inserted it; `false` when another run has.
pub(super) async fn declare(executor: impl PgExecutor<'_>, application: &Application) -> sqlx::Result<bool> {
    let adopted = sqlx::query(
        "INSERT INTO application
             (id, name, environment, cluster, namespace, project, repository, path, value_files, manifest, automated, task,
              values_repository)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT ON CONSTRAINT application_name_is_unique DO UPDATE
             SET environment = EXCLUDED.environment, namespace = EXCLUDED.namespace, project = EXCLUDED.project,
                 repository = EXCLUDED.repository, path = EXCLUDED.path, value_files = EXCLUDED.value_files,
                 manifest = EXCLUDED.manifest, automated = EXCLUDED.automated,
                 values_repository = EXCLUDED.values_repository
             WHERE application.task = EXCLUDED.task",
    )
    .bind(Uuid::now_v7())
    .bind(&application.name)
    .bind(&application.environment)
    .bind(&application.cluster)
    .bind(&application.namespace)
    .bind(&application.project)
    .bind(&application.repository)
    .bind(&application.path)
    .bind(sqlx::types::Json(&application.value_files))
    .bind(&application.manifest)
    .bind(application.automated)
    .bind(application.task)
    .bind(&application.values_repository)
    .execute(executor)
    .await?;
    Ok(adopted.rows_affected() == 1)
}

/// The application of a name on a cluster.
pub(super) async fn by_name(
    executor: impl PgExecutor<'_>,
    cluster: &str,
    name: &str,
) -> sqlx::Result<Option<Application>> {
    sqlx::query_as(
        "SELECT name, environment, cluster, namespace, project, repository, path, value_files, manifest, automated,
                task, declared_at, values_repository
         FROM application WHERE cluster = $1 AND name = $2",
    )
    .bind(cluster)
    .bind(name)
    .fetch_optional(executor)
    .await
}

/// All applications of a repository.
pub(super) async fn by_repository(executor: impl PgExecutor<'_>, repository: &str) -> sqlx::Result<Vec<Application>> {
    sqlx::query_as(
        "SELECT name, environment, cluster, namespace, project, repository, path, value_files, manifest, automated,
                task, declared_at, values_repository
         FROM application WHERE repository = $1 ORDER BY name",
    )
    .bind(repository)
    .fetch_all(executor)
    .await
}

/// The applications that come from some repositories.
pub(super) async fn by_repositories(
    executor: impl PgExecutor<'_>,
    repositories: &[String],
) -> sqlx::Result<Vec<Application>> {
    sqlx::query_as(
        "SELECT name, environment, cluster, namespace, project, repository, path, value_files, manifest, automated,
                task, declared_at, values_repository
         FROM application WHERE repository = ANY($1) ORDER BY name",
    )
    .bind(repositories)
    .fetch_all(executor)
    .await
}

/// All applications.
pub(super) async fn all(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<Application>> {
    sqlx::query_as(
        "SELECT name, environment, cluster, namespace, project, repository, path, value_files, manifest, automated,
                task, declared_at, values_repository
         FROM application ORDER BY name",
    )
    .fetch_all(executor)
    .await
}

/// Removes what `task` declared under this name.
pub(super) async fn withdraw(executor: impl PgExecutor<'_>, cluster: &str, name: &str, task: Uuid) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM application WHERE cluster = $1 AND name = $2 AND task = $3")
        .bind(cluster)
        .bind(name)
        .bind(task)
        .execute(executor)
        .await
        .map(drop)
}
