//! What the reader of URLs takes and refuses, on loopback.

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::*;

/// A server on loopback that answers by path; gives its `host:port`.
async fn server(answer: fn(path: &str, etag: Option<&str>) -> String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let (mut path, mut etag) = (String::new(), None);
            let mut line = String::new();
            while stream.read_line(&mut line).await.unwrap() > 2 {
                if let Some(rest) = line.strip_prefix("GET ") {
                    path = rest.split(' ').next().unwrap().to_owned();
                }
                if let Some((name, value)) = line.split_once(": ")
                    && name.eq_ignore_ascii_case("if-none-match")
                {
                    etag = Some(value.trim().to_owned());
                }
                line.clear();
            }
            let response = answer(&path, etag.as_deref());
            // The client may have gone: that is its right.
            let _ = stream.get_mut().write_all(response.as_bytes()).await;
        }
    });
    host
}

fn answer(path: &str, etag: Option<&str>) -> String {
    let plain = |status: &str, headers: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
    };
    match (path, etag) {
        ("/plain", _) => plain("200 OK", "", "kind: A"),
        ("/tagged", None) => plain("200 OK", "ETag: \"one\"\r\n", "kind: B"),
        ("/tagged", Some("\"one\"")) => "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned(),
        ("/moved", _) => plain("302 Found", "Location: /plain\r\n", ""),
        ("/away", _) => plain("302 Found", "Location: http://169.254.169.254/latest\r\n", ""),
        ("/loop", _) => plain("302 Found", "Location: /loop\r\n", ""),
        ("/huge", _) => "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\nConnection: close\r\n\r\nx".to_owned(),
        ("/broken", _) => plain("500 Internal Server Error", "", "no"),
        _ => plain("404 Not Found", "", "no"),
    }
}

#[tokio::test]
async fn allowed_hosts_are_read_within_limits() {
    // The program does this once at its start; a second time is not an error that matters here.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let host = server(answer).await;
    let web = Web::new(ReadingRules {
        allow: vec![AllowedHost { host: host.clone(), paths: None, private_addresses: false }],
        ..ReadingRules::default()
    });
    let cases = [
        ("/plain", Ok("kind: A")),
        ("/tagged", Ok("kind: B")),
        ("/tagged", Ok("kind: B")),
        ("/moved", Ok("kind: A")),
        ("/away", Err("Reading from 'http://169.254.169.254/latest' is not allowed")),
        ("/loop", Err("more than 5 redirects")),
        ("/huge", Err("is too large, at most 10 MiB are read")),
        ("/broken", Err("/broken, 500 Internal Server Error")),
        ("/gone", Err("/gone, 404 Not Found")),
    ];
    for (path, expected) in cases {
        let read = web.read(&Url::parse(&format!("http://{host}{path}")).unwrap(), None).await;
        match (read, expected) {
            (Ok(fetched), Ok(body)) => assert_eq!(fetched.unwrap().bytes, body, "{path}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{path}: {error}"),
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[test]
fn rules_name_hosts_ports_and_paths() {
    let rule = |host: &str, paths: Option<&str>| AllowedHost {
        host: host.to_owned(),
        paths: paths.map(|path| vec![path.to_owned()]),
        private_addresses: false,
    };
    let cases = [
        (rule("example.com", None), "https://example.com/x", true),
        (rule("example.com", None), "https://EXAMPLE.com/x", true),
        (rule("example.com", None), "https://a.example.com/x", false),
        (rule("example.com", None), "https://example.com:8443/x", false),
        (rule("example.com:8443", None), "https://example.com:8443/x", true),
        (rule("*.example.com", None), "https://a.example.com/x", true),
        (rule("*.example.com", None), "https://example.com/x", false),
        (rule("*.example.com", None), "https://badexample.com/x", false),
        (rule("*", None), "https://example.com/x", false),
        (rule("example.com", Some("/catalog/")), "https://example.com/catalog/a", true),
        (rule("example.com", Some("/catalog/")), "https://example.com/catalog/../a", false),
    ];
    for (rule, url, expected) in cases {
        assert_eq!(allows(&rule, &Url::parse(url).unwrap()), expected, "{rule:?} {url}");
    }
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_before_any_request() {
    let web = Web::new(ReadingRules {
        allow: vec![AllowedHost { host: "*.1".into(), paths: None, private_addresses: false }],
        ..ReadingRules::default()
    });
    for url in ["https://example.com/x.yaml", "http://127.0.0.1/x", "http://0.0.0.1/", "http://[::1]/x"] {
        let error = web.read(&Url::parse(url).unwrap(), None).await.unwrap_err();
        assert!(matches!(error, ReadError::NotAllowed(_)), "{url}: {error}");
    }
}
