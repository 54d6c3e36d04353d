//! Servers that are slow, wrong or hostile: an error on the source, and the others are as if nothing were.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::*;

/// A web server on loopback that behaves badly.
struct Server {
    host: String,
    /// How many answers had a body.
    bodies: Arc<AtomicUsize>,
    /// Each permit lets one answer of `/held` end.
    held: Arc<Semaphore>,
}

impl Server {
    async fn start() -> Self {
        // The program does this once at its start; a second time is not an error that matters here.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let (bodies, held) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let (counted, gate) = (Arc::clone(&bodies), Arc::clone(&held));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (counted, gate) = (Arc::clone(&counted), Arc::clone(&gate));
                // The client may hang up: that is its right.
                tokio::spawn(async move { answer(stream, &counted, &gate).await });
            }
        });
        Self { host, bodies, held }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }
}

async fn answer(stream: TcpStream, bodies: &AtomicUsize, held: &Semaphore) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut path, mut has_tag, mut line) = (String::new(), false, String::new());
    while stream.read_line(&mut line).await? > 2 {
        if let Some(rest) = line.strip_prefix("GET ") {
            path = rest.split([' ', '?']).next().unwrap_or_default().to_owned();
        }
        has_tag |= line.to_ascii_lowercase().starts_with("if-none-match: \"one\"");
        line.clear();
    }
    let plain = |status: &str, headers: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
    };
    let endless = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    let good = component("good", "");
    let response = match &*path {
        "/tagged.yaml" if has_tag => "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned(),
        "/tagged.yaml" => {
            bodies.fetch_add(1, Ordering::SeqCst);
            plain("200 OK", "ETag: \"one\"\r\n", &good)
        }
        "/good.yaml" => plain("200 OK", "", &good),
        "/many.yaml" => {
            plain("200 OK", "", &(0..10_000).map(|at| component(&format!("m-{at}"), "")).collect::<String>())
        }
        "/html" => plain(
            "200 OK",
            "Content-Type: text/html\r\n",
            "<!doctype html>\n<html><body>Sign in: please</body></html>\n",
        ),
        "/binary" => plain("200 OK", "", "\u{0}\u{1}\u{2}"),
        "/loop" => plain("302 Found", "Location: /loop\r\n", ""),
        "/away" => plain("302 Found", "Location: http://other.example/x\r\n", ""),
        "/inside" => plain("302 Found", "Location: http://169.254.169.254/latest\r\n", ""),
        "/500" => plain("500 Internal Server Error", "", "no"),
        "/announced" => "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\nConnection: close\r\n\r\nx".to_owned(),
        "/flood" => {
            stream.get_mut().write_all(endless.as_bytes()).await?;
            let chunk = vec![b'#'; 1 << 20];
            for _ in 0..100 {
                stream.get_mut().write_all(&chunk).await?;
            }
            return Ok(());
        }
        "/drip" => {
            stream.get_mut().write_all(endless.as_bytes()).await?;
            loop {
                stream.get_mut().write_all(b"#").await?;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        "/held" => {
            held.acquire().await.map_err(std::io::Error::other)?.forget();
            plain("200 OK", "", "")
        }
        _ => plain("404 Not Found", "", "no"),
    };
    stream.get_mut().write_all(response.as_bytes()).await
}

async fn fixture(server: &Server, timeout: &str) -> Fixture {
    let reading = json!({"allow": [{"host": server.host}], "timeout": timeout});
    Fixture::with_config(&[("a.yaml", &component("one", ""))], json!({"reading": reading})).await
}

#[tokio::test]
async fn a_server_that_never_ends_is_given_up() {
    let server = Server::start().await;
    let fixture = fixture(&server, "300ms").await;
    let problems = fixture.register(&server.url("/drip")).await.unwrap().problems;
    let told = "it took longer than 0.3 seconds, which is the limit at 'backend.reading.timeout'";
    assert!(problems[0].message.contains(told), "{}", problems[0].message);
    assert_eq!(fixture.references(), ["component:default/one"]);
}

#[tokio::test]
async fn whatever_a_server_does_is_an_error_of_its_source_alone() {
    let server = Server::start().await;
    let fixture = fixture(&server, "60s").await;
    let cases = [
        ("/announced", "is too large, at most 10 MiB are read"),
        ("/flood", "is too large, at most 10 MiB are read"),
        ("/loop", "more than 5 redirects"),
        ("/away", "Reading from 'http://other.example/x' is not allowed"),
        ("/inside", "Reading from 'http://169.254.169.254/latest' is not allowed"),
        ("/500", "/500, 500 Internal Server Error"),
        ("/html", "is an HTML page, not a descriptor"),
        ("/binary", "Expected object at root, got string"),
        ("/gone", "no matching files found"),
        ("/many.yaml", "at most 1048576 are read"),
    ];
    for (path, expected) in cases {
        let registered = fixture.register(&server.url(path)).await.unwrap();
        let problems = registered.problems;
        assert_eq!(problems.len(), 1, "{path}: {problems:?}");
        assert!(problems[0].message.contains(expected), "{path}: {}", problems[0].message);
        assert_eq!(problems[0].source, format!("url:{}", server.url(path)));
    }
    let elsewhere = fixture.register("http://elsewhere.example/x.yaml").await.unwrap().problems;
    assert!(elsewhere[0].message.contains("'backend.reading.allow'"), "{}", elsewhere[0].message);
    assert_eq!(fixture.references(), ["component:default/one"]);
    fixture.register(&server.url("/good.yaml")).await.unwrap();
    assert_eq!(fixture.references(), ["component:default/good", "component:default/one"]);
}

#[tokio::test]
async fn an_unchanged_url_is_asked_for_without_its_body_also_after_a_restart() {
    let server = Server::start().await;
    let fixture = fixture(&server, "5s").await;
    let location = fixture.register(&server.url("/tagged.yaml")).await.unwrap().location;
    assert_eq!(server.bodies.load(Ordering::SeqCst), 1);
    fixture.catalog.read_source(&location.reference()).await.unwrap();
    let reading = json!({"reading": {"allow": [{"host": server.host}]}});
    let other = open(&fixture.database, &fixture.forge, fixture.folder.path(), reading).await;
    other.read_source(&location.reference()).await.unwrap();
    assert_eq!(server.bodies.load(Ordering::SeqCst), 1);
    assert_eq!(references(&other), ["component:default/good", "component:default/one"]);
    assert_eq!(fixture.operations("component:default/good").await, [Operation::Insert]);
}

#[tokio::test]
async fn slow_sources_leave_room_for_others() {
    let server = Server::start().await;
    let fixture = fixture(&server, "1h").await;
    let pool = fixture.database.pool();
    for at in 0..20 {
        let location = LocationRef::new("url", server.url(&format!("/held?{at}")));
        store::add_source(pool, &location, false, Utc::now()).await.unwrap();
    }
    // They took long the last time.
    sqlx::query("UPDATE catalog_source SET is_slow = TRUE WHERE type = 'url'").execute(pool).await.unwrap();
    let mut seen = fixture.catalog.watch();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(fixture.catalog.clone().run(shutdown.clone()));
    fixture.write("b.yaml", &component("two", ""));
    let location = LocationRef::parse(&fixture.source()).unwrap();
    store::add_source(pool, &location, true, Utc::now()).await.unwrap();
    fixture.catalog.inner.due.notify_one();
    seen.changed().await.unwrap();
    assert_eq!(fixture.references(), ["component:default/one", "component:default/two"]);
    shutdown.cancel();
    running.await.unwrap();
    server.held.close();
}
