//! The whole program, as several processes over one database.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::db::MIGRATOR;
use crate::db::testing::{TestDatabase, empty_database};

/// Tells [`program`] its arguments, one a line.
const ARGUMENTS: &str = "GREENROOM_TEST_ARGUMENTS";
/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_mins(2);

/// Not a test: the program itself, for tests that need it as a process.
#[test]
#[ignore = "not a test: the program that a test starts"]
fn program() {
    let Some(arguments) = std::env::var_os(ARGUMENTS).and_then(|arguments| arguments.into_string().ok()) else {
        return;
    };
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).unwrap();
    let arguments = std::iter::once("greenroom").chain(arguments.lines()).map(Into::into);
    crate::cli::start(arguments.collect::<Vec<_>>().into_iter());
}

/// A running portal that ends with this value.
struct Replica {
    process: Child,
    address: String,
}

impl Drop for Replica {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Replica {
    /// Starts one; what it says first is where it is.
    fn start(database: &TestDatabase, folder: &Path, name: &str) -> Child {
        let path = |name: &str| folder.join(name).display().to_string();
        let (config, data, url) = (path("app-config.yaml"), path(name), database.url());
        let arguments =
            ["serve", "--port", "0", "--config", &config, "--data-dir", &data, "--database-url", &url].join("\n");
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "--nocapture", "tests::replicas::program"])
            .env(ARGUMENTS, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Waits until it serves.
    async fn serving(mut process: Child) -> Self {
        let output = process.stdout.take().unwrap();
        let address = tokio::task::spawn_blocking(move || {
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            let address = lines.find_map(|line| Some(line.split_once("  open ")?.1.trim().to_owned()));
            // Nobody else reads what it says later.
            std::thread::spawn(move || lines.for_each(drop));
            address
        });
        let address = address.await.unwrap().expect("it says where it is reached");
        let replica = Self { process, address };
        until("it is ready", async || {
            let ready = reqwest::get(format!("{}/.backstage/health/v1/readiness", replica.address)).await;
            ready.is_ok_and(|answer| answer.status().is_success()).then_some(())
        })
        .await;
        replica
    }

    /// All components, sorted.
    async fn components(&self) -> Vec<Value> {
        let url = format!("{}/api/catalog/entities?filter=kind=component", self.address);
        let answer = reqwest::get(url).await.unwrap().error_for_status().unwrap();
        let mut components: Vec<Value> = answer.json().await.unwrap();
        components.sort_by_key(|component| component["metadata"]["name"].to_string());
        components
    }
}

/// Asks again and again until there is an answer.
async fn until<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("gave up waiting until {what}"))
}

fn component(name: &str, owner: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: {name} }}\n\
         spec: {{ type: service, lifecycle: production, owner: {owner} }}\n---\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_start_together_on_nothing_serve_the_same_and_follow_each_other() {
    const FILES: usize = 20;
    let database = empty_database().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |at: usize| folder.path().join(format!("catalog/{at}.yaml"));
    std::fs::create_dir(folder.path().join("catalog")).unwrap();
    for at in 0..FILES {
        std::fs::write(file(at), component(&format!("one-{at}"), "a") + &component(&format!("two-{at}"), "a")).unwrap();
    }
    let config = format!(
        "backend: {{ auth: {{ dangerouslyDisableDefaultAuthPolicy: true }} }}\n\
         catalog: {{ processingInterval: 1s, locations: [{{ type: file, target: {}/catalog/*.yaml }}] }}\n",
        folder.path().display()
    );
    std::fs::write(folder.path().join("app-config.yaml"), config).unwrap();

    let processes = ["first", "second"].map(|name| Replica::start(&database, folder.path(), name));
    let [first, second] = processes.map(Replica::serving);
    let (first, second) = tokio::join!(first, second);
    let mut shown = Vec::new();
    for replica in [&first, &second] {
        let whole = async || Some(replica.components().await).filter(|components| components.len() == 2 * FILES);
        shown.push(until("everything is shown", whole).await);
    }
    assert_eq!(shown[0], shown[1], "the same documents, uids and etags");
    let migrations: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM _sqlx_migrations WHERE success")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(usize::try_from(migrations).unwrap(), MIGRATOR.iter().count());
    let changes: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM catalog_change WHERE reference LIKE 'component:%'")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(usize::try_from(changes).unwrap(), 2 * FILES, "nothing is written twice");

    std::fs::write(file(0), component("one-0", "somebody-else")).unwrap();
    for replica in [&first, &second] {
        let components = until("the change is shown", async || {
            let components = replica.components().await;
            let changed = components.iter().any(|component| component["spec"]["owner"] == "somebody-else");
            changed.then_some(components)
        })
        .await;
        assert_eq!(components.len(), 2 * FILES - 1);
    }
    assert_eq!(first.components().await, second.components().await);
}
