//! The limit of what a handler can be: axum, tokio and the allocator as the portal has them, and one answer that never
//! changes.
//!
//! `bare STATUS CONTENT-TYPE FILE` answers every request with the bytes of FILE, on a free port of loopback that it
//! prints.

use std::net::Ipv4Addr;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [status, content_type, file] = arguments.as_slice() else {
        return Err("usage: bare STATUS CONTENT-TYPE FILE".into());
    };
    let status: StatusCode = status.parse()?;
    let content_type: HeaderValue = content_type.parse()?;
    let body = Bytes::from(std::fs::read(file)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(status, content_type, body))
}

async fn serve(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Result<(), Failure> {
    let answer = async move || (status, [(header::CONTENT_TYPE, content_type.clone())], body.clone());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?.port());
    let listener = listener.tap_io(|stream| {
        // Best effort, as in the portal.
        stream.set_nodelay(true).ok();
    });
    axum::serve(listener, Router::new().fallback(answer)).await?;
    Ok(())
}
