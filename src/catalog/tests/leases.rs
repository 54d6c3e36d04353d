//! Who reads a source while it is slow, and after its reader died.

use std::process::{Command, Stdio};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::catalog::lease::Lease;

/// Tell [`reader`] its database and the host it reads from.
const DATABASE: &str = "GREENROOM_TEST_DATABASE";
const HOST: &str = "GREENROOM_TEST_HOST";

/// A web server whose answers wait until they are let go.
struct Server {
    listener: TcpListener,
    host: String,
}

impl Server {
    async fn start() -> Self {
        // The program does this once at its start; a second time is not an error that matters here.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        Self { listener, host }
    }

    /// The next request, not answered yet.
    async fn asked(&self) -> TcpStream {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let read = stream.read(&mut request).await.unwrap();
        assert!(request[..read].starts_with(b"GET /pay.yaml"));
        stream
    }
}

async fn answer(mut stream: TcpStream) {
    let body = component("pay", "");
    let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// A process's catalog of one file on a server.
async fn catalog(pool: PgPool, host: &str, lease: Lease) -> Catalog {
    let location = json!({ "type": "url", "target": format!("http://{host}/pay.yaml") });
    let mut config: CatalogConfig = serde_json::from_value(json!({ "locations": [location] })).unwrap();
    config.reading = serde_json::from_value(json!({ "allow": [{ "host": host }] })).unwrap();
    config.lease = lease;
    Catalog::open(pool, Forges::default(), config).await.unwrap()
}

async fn is_claimed(database: &TestDatabase) -> bool {
    let sql = "SELECT COALESCE(claimed_until > CLOCK_TIMESTAMP(), FALSE) FROM catalog_source";
    sqlx::query_scalar(sql).fetch_one(database.pool()).await.unwrap()
}

/// Not a test: the process that the next test kills while it reads.
#[tokio::test]
#[ignore = "not a test: the process that a test kills"]
async fn reader() {
    let (Some(database), Some(host)) = (std::env::var_os(DATABASE), std::env::var_os(HOST)) else {
        return;
    };
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let options = crate::db::Database::options(database.to_str().unwrap()).unwrap();
    let pool = crate::db::Database::connect(options, 4).await.unwrap().pool().clone();
    let lease = Lease { length: Duration::from_secs(1), renewal: Duration::from_millis(100) };
    catalog(pool, host.to_str().unwrap(), lease).await.run(CancellationToken::new()).await;
}

#[tokio::test]
async fn what_a_dead_process_was_reading_is_read_by_another() {
    let (database, server) = (database().await, Server::start().await);
    // Before the other claims anything: a start makes what is configured due.
    let survivor = catalog(database.pool().clone(), &server.host, Lease::default()).await;
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "catalog::tests::leases::reader"])
        .env(DATABASE, database.url())
        .env(HOST, &server.host)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let unanswered = server.asked().await;
    assert!(is_claimed(&database).await);
    process.kill().unwrap();
    process.wait().unwrap();
    drop(unanswered);

    let shutdown = CancellationToken::new();
    let mut seen = survivor.watch();
    let running = tokio::spawn(survivor.clone().run(shutdown.clone()));
    answer(server.asked().await).await;
    seen.wait_for(|_| references(&survivor) == ["component:default/pay"]).await.unwrap();
    shutdown.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_slow_reader_keeps_its_claim() {
    let (database, server) = (database().await, Server::start().await);
    let other = catalog(database.pool().clone(), &server.host, Lease::default()).await;
    let lease = Lease { renewal: Duration::from_millis(20), ..Lease::default() };
    let slow = catalog(database.pool().clone(), &server.host, lease).await;
    let reading = tokio::spawn(async move { slow.read_due().await.unwrap() });
    let asked = server.asked().await;
    // As if the claim had been made long ago: only who renews it keeps it.
    sqlx::query("UPDATE catalog_source SET claimed_until = CLOCK_TIMESTAMP()").execute(database.pool()).await.unwrap();
    while !is_claimed(&database).await {
        tokio::task::yield_now().await;
    }
    assert_eq!(other.read_due().await.unwrap(), 0);
    answer(asked).await;
    assert_eq!(reading.await.unwrap(), 1);
    assert!(!is_claimed(&database).await);
    other.advance().await.unwrap();
    assert_eq!(references(&other), ["component:default/pay"]);
}

#[tokio::test]
async fn who_stops_lets_go_of_what_it_was_reading() {
    let (database, server) = (database().await, Server::start().await);
    let first = catalog(database.pool().clone(), &server.host, Lease::default()).await;
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(first.run(shutdown.clone()));
    let unanswered = server.asked().await;
    assert!(is_claimed(&database).await);
    shutdown.cancel();
    running.await.unwrap();
    assert!(!is_claimed(&database).await);
    drop(unanswered);
}

#[tokio::test]
async fn a_source_that_somebody_wants_now_is_claimed_while_it_is_read() {
    let (database, server) = (database().await, Server::start().await);
    let other = catalog(database.pool().clone(), &server.host, Lease::default()).await;
    let wanted = other.clone();
    let source = format!("url:http://{}/pay.yaml", server.host);
    let reading = tokio::spawn(async move { wanted.read_source(&source).await.unwrap() });
    let asked = server.asked().await;
    assert_eq!(other.read_due().await.unwrap(), 0);
    answer(asked).await;
    reading.await.unwrap();
    assert_eq!(references(&other), ["component:default/pay"]);
}
