//! The limit of what a handler can be: axum, tokio and the allocator as the portal has them, and one answer that never
//! changes.
//!
//! `bare STATUS HEADERS BODY` answers every request with the headers of the first file, one in each line, and the bytes
//! of the second, on a free port of loopback that it prints.

use std::net::Ipv4Addr;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [status, headers, body] = arguments.as_slice() else {
        return Err("usage: bare STATUS HEADERS BODY".into());
    };
    let status: StatusCode = status.parse()?;
    let headers = read_headers(&std::fs::read_to_string(headers)?)?;
    let body = Bytes::from(std::fs::read(body)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(status, headers, body))
}

fn read_headers(text: &str) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        let (name, value) = line.split_once(':').ok_or("a header is `name: value`")?;
        headers.append(name.parse::<HeaderName>()?, value.trim().parse::<HeaderValue>()?);
    }
    Ok(headers)
}

async fn serve(status: StatusCode, headers: HeaderMap, body: Bytes) -> Result<(), Failure> {
    let answer = async move || (status, headers.clone(), body.clone());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?.port());
    let listener = listener.tap_io(|stream| {
        // Best effort, as in the portal.
        stream.set_nodelay(true).ok();
    });
    axum::serve(listener, Router::new().fallback(answer)).await?;
    Ok(())
}
