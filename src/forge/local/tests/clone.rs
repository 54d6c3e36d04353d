//! Real Git against the transport, over a small HTTP server on loopback.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::*;
use crate::forge::{ProtocolVersion, Service, decode_body};

/// Largest request in these tests.
const LIMIT: usize = 1024 * 1024;

/// A forge that is served.
struct Served {
    fixture: Fixture,
    api: RepositoryId,
    address: String,
    /// The sizes of the answers to `POST git-upload-pack`.
    answers: Arc<Mutex<Vec<usize>>>,
    commits: AtomicUsize,
    work: TempDir,
}

impl Served {
    async fn new() -> Self {
        let (fixture, api) = Fixture::with_repository().await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answers = Arc::new(Mutex::new(Vec::new()));
        let state = (fixture.forge.clone(), Arc::clone(&answers));
        let router = Router::new().fallback(serve).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { fixture, api, address, answers, commits: AtomicUsize::new(0), work: tempfile::tempdir().unwrap() }
    }

    /// Commits `count` times, each commit changing the same file.
    async fn commits(&self, count: usize) -> String {
        let mut tip = String::new();
        for _ in 0..count {
            let n = self.commits.fetch_add(1, Ordering::Relaxed);
            let files = [("fixed/file", "same".to_owned()), ("changing", n.to_string())];
            let write = files.into_iter().map(|(path, text)| NewFile::regular(path, text)).collect();
            tip = self.fixture.commit(&self.api, Contents::Change { write, delete: Vec::new() }).await.id;
        }
        tip
    }

    /// Runs Git in the folder `at` on another thread, so that the server can answer.
    async fn git(&self, version: u8, at: &str, arguments: &[&str]) -> std::process::Output {
        let folder = self.work.path().join(at);
        let url = format!("http://{}/git/acme/api.git", self.address);
        let mut all = vec!["-c".to_owned(), format!("protocol.version={version}")];
        all.extend(arguments.iter().map(|argument| argument.replace("URL", &url)));
        tokio::task::spawn_blocking(move || git_output(&folder, &all.iter().map(String::as_str).collect::<Vec<_>>()))
            .await
            .unwrap()
    }

    async fn run(&self, version: u8, at: &str, arguments: &[&str]) -> String {
        let output = self.git(version, at, arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "v{version} git {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

async fn serve(State((forge, answers)): State<(LocalForge, Arc<Mutex<Vec<usize>>>)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let version = ProtocolVersion::from_header(header("git-protocol").as_deref());
    let encoding = header("content-encoding");
    let path = parts.uri.path().to_owned();
    let Some((id, rest)) = path.strip_prefix("/git/").and_then(|path| path.split_once(".git/")) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let id: RepositoryId = id.parse().unwrap();
    let answer = match rest {
        "info/refs" => {
            let service = parts.uri.query().unwrap().strip_prefix("service=").unwrap();
            forge.advertise(&id, service.parse::<Service>().unwrap(), version).await
        }
        "git-upload-pack" => {
            let body = to_bytes(body, LIMIT).await.unwrap();
            let body = decode_body(encoding.as_deref(), body, LIMIT as u64).unwrap();
            forge.upload_pack(&id, version, body).await
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match answer {
        Ok(answer) => {
            let Ok(bytes) = to_bytes(Body::from_stream(answer.body), usize::MAX).await else {
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            };
            if rest == "git-upload-pack" {
                answers.lock().unwrap().push(bytes.len());
            }
            ([(header::CONTENT_TYPE, answer.content_type)], bytes).into_response()
        }
        Err(error) => (StatusCode::NOT_FOUND, error.to_string()).into_response(),
    }
}

const VERSIONS: [u8; 3] = [0, 1, 2];

#[tokio::test]
async fn git_clones_fetches_and_finds_no_fault() {
    for version in VERSIONS {
        let served = Served::new().await;
        let noise =
            |n: u32| (0..n * 200).map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect::<Vec<_>>();
        let files: Vec<_> = (0..50).map(|n| NewFile::regular(format!("d{}/f{n}", n % 7), noise(n))).collect();
        let mut tree = files.clone();
        tree.push(NewFile::executable("run", "#!/bin/sh\n"));
        tree.push(NewFile::symlink("link", "d1/f1"));
        served.fixture.commit(&served.api, Contents::Tree(tree)).await;
        served.run(version, "", &["clone", "URL", "copy"]).await;
        served.run(version, "copy", &["fsck", "--strict"]).await;
        assert_eq!(std::fs::read(served.work.path().join("copy/d3/f45")).unwrap(), files[45].bytes);
        assert_eq!(served.run(version, "copy", &["status", "--porcelain", "--branch"]).await, "## main...origin/main");

        let tip = served.commits(3).await;
        served.run(version, "copy", &["pull", "--ff-only"]).await;
        assert_eq!(served.run(version, "copy", &["rev-parse", "HEAD"]).await, tip);
        served.run(version, "copy", &["fsck", "--strict"]).await;
        // Only what was new came: far less than the clone.
        let sizes = served.answers.lock().unwrap().clone();
        assert!(*sizes.last().unwrap() * 5 < *sizes.iter().max().unwrap(), "v{version}: {sizes:?}");
        served.run(version, "copy", &["fetch"]).await;
    }
}

#[tokio::test]
async fn an_empty_repository_is_cloned() {
    for version in VERSIONS {
        let served = Served::new().await;
        served.run(version, "", &["clone", "URL", "copy"]).await;
        assert_eq!(served.run(version, "copy", &["for-each-ref"]).await, "");
        if version == 2 {
            assert_eq!(served.run(version, "copy", &["symbolic-ref", "HEAD"]).await, "refs/heads/main");
        }
        let tip = served.commits(1).await;
        served.run(version, "copy", &["pull", "origin", "main"]).await;
        assert_eq!(served.run(version, "copy", &["rev-parse", "HEAD"]).await, tip);
    }
}

#[tokio::test]
async fn history_is_cut_and_lengthened() {
    for version in VERSIONS {
        let served = Served::new().await;
        served.commits(6).await;
        let count = async |at: &str| served.run(version, at, &["rev-list", "--count", "HEAD"]).await;
        served.run(version, "", &["clone", "--depth", "1", "URL", "copy"]).await;
        assert_eq!(count("copy").await, "1");
        served.run(version, "copy", &["fsck", "--strict"]).await;
        let tip = served.commits(2).await;
        served.run(version, "copy", &["pull", "--ff-only"]).await;
        assert_eq!(count("copy").await, "3");
        assert_eq!(served.run(version, "copy", &["rev-parse", "HEAD"]).await, tip);
        served.run(version, "copy", &["fetch", "--depth", "5"]).await;
        assert_eq!(count("copy").await, "5");
        served.run(version, "copy", &["fetch", "--deepen", "2"]).await;
        assert_eq!(count("copy").await, "7");
        served.run(version, "copy", &["fetch", "--unshallow"]).await;
        assert_eq!(count("copy").await, "8");
        served.run(version, "copy", &["fsck", "--strict"]).await;

        served.run(version, "", &["clone", "--depth", "2", "URL", "cut"]).await;
        served.run(version, "cut", &["fetch", "--depth", "1"]).await;
        assert_eq!(count("cut").await, "1");

        git(&served.fixture.path(&served.api), &["tag", "old", "HEAD~3"]);
        served.run(version, "", &["clone", "--shallow-exclude", "old", "URL", "recent"]).await;
        assert_eq!(count("recent").await, "3");
        // All commits of these tests are from one second in March 2026.
        served.run(version, "", &["clone", "--shallow-since", "2026-01-01", "URL", "since"]).await;
        assert_eq!(count("since").await, "8");
        let none = served.git(version, "", &["clone", "--shallow-since", "2027-01-01", "URL", "none"]).await;
        assert!(String::from_utf8_lossy(&none.stderr).contains("no commits selected"), "{none:?}");
    }
}

#[tokio::test]
async fn work_on_both_sides_is_negotiated() {
    for version in VERSIONS {
        let served = Served::new().await;
        served.commits(20).await;
        served.run(version, "", &["clone", "URL", "copy"]).await;
        // The client's own commits are unknown here, more than the 16 it names in its first round.
        for n in 0..20 {
            served.run(version, "copy", &["commit", "--allow-empty", "-q", "-m", &format!("mine {n}")]).await;
        }
        let tip = served.commits(10).await;
        served.answers.lock().unwrap().clear();
        served.run(version, "copy", &["fetch", "origin"]).await;
        assert_eq!(served.run(version, "copy", &["rev-parse", "origin/main"]).await, tip);
        let pack = *served.answers.lock().unwrap().last().unwrap();
        let whole = served.run(version, "", &["clone", "--bare", "URL", "again"]).await;
        assert!(pack < *served.answers.lock().unwrap().last().unwrap(), "v{version} {whole}");
        served.run(version, "copy", &["fsck", "--strict"]).await;
    }
}

#[tokio::test]
async fn branches_tags_and_commits_are_fetched_by_name() {
    for version in VERSIONS {
        let served = Served::new().await;
        let tip = served.commits(3).await;
        let server = served.fixture.path(&served.api);
        git(&server, &["tag", "-a", "-m", "One", "v1", "HEAD~1"]);
        git(&server, &["tag", "light", "HEAD~2"]);
        let fork =
            NewCommit { branch: "feature/x".to_owned(), ..new_commit(Parent::Fork(tip), tree(&[("only", "x")])) };
        let fork = served.fixture.forge.commit(&served.api, fork).await.unwrap();
        served.run(version, "", &["clone", "--branch", "feature/x", "URL", "copy"]).await;
        assert_eq!(served.run(version, "copy", &["rev-parse", "HEAD"]).await, fork.id);
        assert_eq!(served.run(version, "copy", &["tag"]).await, "light\nv1");
        served.run(version, "", &["clone", "--single-branch", "--branch", "v1", "--depth", "1", "URL", "tagged"]).await;
        assert_eq!(served.run(version, "tagged", &["describe", "--tags"]).await, "v1");

        let old = git(&server, &["rev-parse", "main~2"]);
        served.run(version, "", &["init", "-q", "bare"]).await;
        served.run(version, "bare", &["fetch", "-q", "URL", old.trim()]).await;
        git(&server, &["gc"]);
        served.run(version, "", &["clone", "--mirror", "URL", "mirror"]).await;
        served.run(version, "mirror", &["fsck", "--strict"]).await;
        assert_eq!(served.run(version, "mirror", &["for-each-ref"]).await, git(&server, &["for-each-ref"]).trim());
    }
}

#[tokio::test]
async fn what_is_refused_is_explained() {
    let served = Served::new().await;
    served.commits(1).await;
    let server = served.fixture.path(&served.api);
    let said = async |version: u8, at: &str, arguments: &[&str]| {
        let output = served.git(version, at, arguments).await;
        assert!(!output.status.success(), "v{version} {arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let hidden = git(&server, &["commit-tree", "-m", "hidden", "HEAD^{tree}"]);
    let blob = git(&server, &["hash-object", "-w", "config"]);
    for version in VERSIONS {
        let copy = format!("copy{version}");
        served.run(version, "", &["clone", "URL", &copy]).await;
        let push = said(version, &copy, &["push", "origin", "HEAD:other"]).await;
        assert!(push.contains("repository acme/api takes no pushes over HTTP"), "{push}");
        for id in [&hidden, &blob, &"1".repeat(40)] {
            let fetch = said(version, &copy, &["fetch", "origin", id.trim()]).await;
            assert!(fetch.contains("not our ref"), "v{version}: {fetch}");
        }
        served.run(version, &copy, &["fetch", "--filter=blob:none"]).await;
    }
}

#[tokio::test]
async fn a_pack_that_cannot_be_finished_is_not_taken_for_whole() {
    for version in VERSIONS {
        let served = Served::new().await;
        served.commits(1).await;
        let server = served.fixture.path(&served.api);
        let blob = git(&server, &["rev-parse", "HEAD:changing"]);
        let (folder, name) = blob.trim().split_at(2);
        std::fs::remove_file(server.join("objects").join(folder).join(name)).unwrap();
        assert!(!served.git(version, "", &["clone", "URL", "copy"]).await.status.success());
    }
}

/// A request as a client of protocol version 0 writes it; `FLUSH` is a flush packet.
fn request(lines: &[&str]) -> Bytes {
    let packet = |line: &&str| match *line {
        "FLUSH" => "0000".to_owned(),
        line => format!("{:04x}{line}\n", line.len() + 5),
    };
    lines.iter().map(packet).collect::<String>().into()
}

async fn answer(forge: &LocalForge, id: &RepositoryId, lines: &[&str]) -> Vec<u8> {
    let answer = forge.upload_pack(id, ProtocolVersion::V0, request(lines)).await.unwrap();
    to_bytes(Body::from_stream(answer.body), usize::MAX).await.unwrap().to_vec()
}

#[tokio::test]
async fn a_pack_is_wrapped_as_the_client_can_read_it() {
    let (fixture, api) = Fixture::with_repository().await;
    let noise: Vec<u8> = (0..200_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    let tip = fixture.commit(&api, Contents::Tree(vec![NewFile::regular("noise", noise)])).await.id;
    let mut packs = Vec::new();
    for (capability, largest) in [("", None), ("side-band", Some(1000)), ("side-band-64k", Some(65_520))] {
        let want = format!("want {tip} {capability}");
        let answered = answer(&fixture.forge, &api, &[want.trim(), "FLUSH", "done"]).await;
        let mut rest = answered.strip_prefix(b"0008NAK\n").unwrap();
        let Some(largest) = largest else {
            packs.push(rest.to_vec());
            continue;
        };
        let mut pack = Vec::new();
        while rest != b"0000" {
            let length = usize::from_str_radix(std::str::from_utf8(&rest[..4]).unwrap(), 16).unwrap();
            assert!(length <= largest && rest[4] == 1, "{capability}: {length}");
            pack.extend_from_slice(&rest[5..length]);
            rest = &rest[length..];
        }
        packs.push(pack);
    }
    assert!(packs[0].starts_with(b"PACK"));
    assert!(packs.iter().all(|pack| *pack == packs[0]));
    let file = fixture.folder.path().join("whole.pack");
    std::fs::write(&file, &packs[0]).unwrap();
    git(fixture.folder.path(), &["index-pack", "--strict", "whole.pack"]);
}

#[tokio::test]
async fn each_kind_of_acknowledgment_is_spoken() {
    let (fixture, api) = Fixture::with_repository().await;
    let first = fixture.commit(&api, tree(&[("a", "1")])).await.id;
    let tip = fixture.commit(&api, tree(&[("a", "2")])).await.id;
    let (have, other) = (format!("have {first}"), format!("have {}", "1".repeat(40)));
    let cases = [
        ("", vec![other.as_str(), "FLUSH"], "NAK\n".to_owned()),
        ("", vec![&have, &other, "FLUSH"], format!("ACK {first}\n")),
        ("multi_ack", vec![&have, "FLUSH"], format!("ACK {first} continue\nNAK\n")),
        ("multi_ack_detailed", vec![&other, "FLUSH"], "NAK\n".to_owned()),
        ("multi_ack_detailed", vec![&have, &other, "FLUSH"], format!("ACK {first} common\nACK {first} ready\nNAK\n")),
        ("multi_ack_detailed", vec![], String::new()),
    ];
    for (capability, lines, expected) in cases {
        let want = format!("want {tip} {capability}");
        let mut all = vec![want.trim(), "FLUSH"];
        all.extend(lines);
        let answered = answer(&fixture.forge, &api, &all).await;
        let text = String::from_utf8(answered).unwrap();
        let mut rest = text.as_str();
        let mut said = String::new();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(usize::from_str_radix(&rest[..4], 16).unwrap());
            said.push_str(&line[4..]);
            rest = after;
        }
        assert_eq!(said, expected, "{capability} {all:?}");
    }
}
