//! Processes that are killed while they work on a run: at every boundary of a step, and before and after everything that
//! an action notes, so also between what it does outside and the note of it.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use futures_util::stream;

use super::runs::{SERVICE, answers, files};
use super::*;

/// At which moment the process is to be killed.
const MOMENT: &str = "GREENROOM_TEST_KILLED_AT";
/// The database and the folder of the world that the process works in, and its run.
const WORLD: &str = "GREENROOM_TEST_WORLD";
/// The moments of a run are fewer than this.
const MOST: usize = 60;

/// A moment at which a process may be killed.
pub(in crate::scaffolder) fn moment() {
    static PASSED: AtomicUsize = AtomicUsize::new(1);
    let Some(fatal) = told(MOMENT).and_then(|moment| moment.parse::<usize>().ok()) else { return };
    if PASSED.fetch_add(1, Ordering::SeqCst) == fatal {
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
        // It comes when it comes.
        std::thread::sleep(Duration::from_mins(1));
    }
}

/// What the test tells the process.
fn told(name: &str) -> Option<String> {
    std::env::var_os(name).and_then(|value| value.into_string().ok())
}

/// An action that can tell nothing of what an earlier attempt did: it adds a line to a file.
struct Append(std::path::PathBuf);

impl Action for Append {
    fn description(&self) -> ActionDescription {
        let input = json!({"type": "object"});
        ActionDescription { id: "test:append", description: "Adds a line.", input, output: None, examples: Vec::new() }
    }

    fn effect(&self) -> EffectClass {
        EffectClass::Outside
    }

    fn run<'a>(&'a self, _: &'a mut ActionContext, _: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async {
            moment();
            let text = std::fs::read_to_string(&self.0).unwrap_or_default();
            std::fs::write(&self.0, text + "line\n").unwrap();
            moment();
            Ok(Outputs::new())
        })
    }
}

fn template_files() -> Vec<(&'static str, String)> {
    let steps = SERVICE.replace("  output:", "    - id: append\n      action: test:append\n  output:");
    let mut files = files();
    files[0].1 = template("service", &steps);
    files
}

/// The same world for whoever opens it.
async fn open(pool: &PgPool, folder: &Path) -> (Catalog, Scaffolder) {
    let locations = ["organisation.yaml", "service/template.yaml"].map(|name| location(folder, name)).to_vec();
    let base = Url::parse("http://localhost:7007").unwrap();
    let forge = Arc::new(LocalForge::open(folder.join("repositories"), base).unwrap());
    let forges = Forges::new([forge as Arc<dyn Forge>]);
    let config = CatalogConfig { locations, ..CatalogConfig::default() };
    let catalog = Catalog::open(pool.clone(), forges.clone(), config).await.unwrap();
    let mut registry = ActionRegistry::builtin(&catalog, &forges, &Author::default());
    registry.register(Arc::new(Append(folder.join("lines"))));
    let config = ScaffolderConfig::default();
    let scaffolder = Scaffolder::new(pool.clone(), catalog.clone(), forges, registry, config, json!([]));
    (catalog, scaffolder)
}

/// Not a test: a process that works on a run until that ends, or it is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "not a test: the process that a test kills"]
async fn worker() {
    let Some(world) = told(WORLD) else { return };
    let [database, folder, run] = world.lines().collect::<Vec<_>>().try_into().unwrap();
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).unwrap();
    let pool = PgPool::connect(database).await.unwrap();
    let (_, scaffolder) = open(&pool, Path::new(folder)).await;
    let stop = CancellationToken::new();
    let working = tokio::spawn(scaffolder.clone().work(stop.clone()));
    let who = Credentials::service("test");
    scaffolder.follow(&who, run.parse().unwrap(), None).for_each(async |_| {}).await;
    stop.cancel();
    working.await.unwrap();
}

/// Whether a worker that is killed at a moment lived that long.
async fn kill(database: &TestDatabase, folder: &Path, run: Uuid, moment: usize) -> bool {
    let world = format!("{}\n{}\n{run}", database.url(), folder.display());
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "scaffolder::tests::killed::worker"])
        .envs([(MOMENT, moment.to_string()), (WORLD, world)])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let ended = tokio::task::spawn_blocking(move || process.wait().unwrap()).await.unwrap();
    assert!(ended.success() || ended.code().is_none(), "it ends well or is killed: {ended}");
    ended.code().is_none()
}

/// Kills a worker at a moment and lets another one go on. Whether there is such a moment.
async fn survives(moment: usize) -> bool {
    let files = template_files();
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let world = World::at_rest(&files, Limits::default()).await;
    let (_, scaffolder) = open(world.database.pool(), world.folder.path()).await;
    let template = EntityRef::new("template", "default", "service");
    let secrets = map(json!({"hush": "x-secret"}));
    let run = StartRun { template, values: map(answers("pay")), secrets };
    let id = scaffolder.start(&world.who, run).await.unwrap();
    let was_killed = kill(&world.database, world.folder.path(), id, moment).await;

    scaffolder.settle_abandoned(Duration::ZERO).await.unwrap();
    let stop = CancellationToken::new();
    let working = tokio::spawn(scaffolder.clone().work(stop.clone()));
    let (mut status, mut events) = world.end(id).await;
    let lines = || std::fs::read_to_string(world.folder.path().join("lines")).unwrap_or_default().lines().count();
    let told = messages(&events);
    if status == "failed" {
        let error = &events.last().unwrap()["error"];
        assert_eq!(error["name"], "InterruptedError", "moment {moment}: {told:#?}");
        assert!(error["message"].as_str().unwrap().contains("test:append"), "moment {moment}: {error}");
        assert!(lines() <= 1, "moment {moment}: nobody did it again unasked");
        std::fs::remove_file(world.folder.path().join("lines")).ok();
        scaffolder.retry(&world.who, id, Map::new()).await.unwrap();
        (status, events) = world.end(id).await;
    }
    let told = messages(&events);
    assert_eq!(status, "completed", "moment {moment}: {told:#?}");
    assert_eq!(lines(), 1, "moment {moment}");
    assert_eq!(world.files("acme/pay").await.len(), 3, "moment {moment}");
    let repository = "acme/pay".parse().unwrap();
    let query = crate::forge::LogQuery { revision: "main".to_owned(), path: None, skip: 0, limit: 10 };
    assert_eq!(world.forge.log(&repository, query).await.unwrap().len(), 1, "moment {moment}: one commit");
    let made = scaffolder.made(&world.who, id).await.unwrap();
    assert_eq!(made, ["repository acme/pay", "catalog entry component:default/pay"], "moment {moment}");
    let created = told.iter().filter(|message| message.contains("Created repository")).count();
    assert!(created <= 1, "moment {moment}: {told:#?}");
    if was_killed {
        assert_eq!(
            told.iter().filter(|message| message.contains("It goes on.")).count(),
            1,
            "moment {moment}: {told:#?}"
        );
    }
    let secrets: Option<String> = sqlx::query_scalar("SELECT secrets::text FROM scaffolder_task WHERE id = $1")
        .bind(id)
        .fetch_one(world.database.pool())
        .await
        .unwrap();
    assert_eq!(secrets, None, "moment {moment}: kept until the end and not longer");
    stop.cancel();
    working.await.unwrap();
    was_killed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_survives_the_death_of_its_server_at_any_moment() {
    let moments = stream::iter(1..MOST).map(|moment| async move { (moment, survives(moment).await) }).buffered(2);
    let lived: Vec<usize> =
        moments.take_while(|(_, was_killed)| std::future::ready(*was_killed)).map(|(moment, _)| moment).collect().await;
    // Five steps, six notes of the actions on the outside with a moment before and after each, and the end.
    assert!(lived.len() > 15 && lived.len() < MOST - 1, "{}", lived.len());
}
