//! Serves the built book on this machine, and builds it again when a page changes.

use crate::publish;
use anyhow::{Context, Result, bail};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderValue, header},
    middleware,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use futures_lite::{Stream, stream};
use notify_debouncer_full::{DebounceEventResult, new_debouncer, notify::RecursiveMode};
use std::{convert::Infallible, io, net::Ipv4Addr, path::PathBuf, sync::mpsc, thread, time::Duration};
use tokio::{net::TcpListener, sync::broadcast};
use tower_http::services::ServeDir;

const LIVE: &str = include_str!("live.js");
/// Between an editor's first write and the build; editors save in several steps.
const SETTLE: Duration = Duration::from_millis(150);
/// How many ports after the wanted one are tried.
const MORE_PORTS: u16 = 20;

/// What open pages are told.
#[derive(Debug, Clone)]
enum News {
    Built,
    Failed(String),
}

/// Builds the book in `root` into `dest`, serves it on 127.0.0.1 until the process ends, calls `ready` with the
/// address, and builds again whenever a page, listing or asset changes.
///
/// # Errors
/// When the first build fails or no port can be had. A later build that fails is reported and the pages stay as they are.
pub async fn serve(root: PathBuf, dest: PathBuf, port: u16, ready: impl FnOnce(&str)) -> Result<()> {
    publish::build(&root, &dest)?;
    let listener = listen(port).await?;
    let (news, _) = broadcast::channel(16);
    watch(root, dest.clone(), news.clone())?;

    let app = Router::new()
        .route("/workbook/live.js", get(|| async { ([(header::CONTENT_TYPE, "text/javascript")], LIVE) }))
        .route("/workbook/news", get(tell).with_state(news))
        .fallback_service(ServeDir::new(&dest))
        .layer(middleware::map_response(with_live_reload));
    ready(&format!("http://{}/", listener.local_addr()?));
    axum::serve(listener, app).await.context("the server stopped")
}

/// The wanted port on loopback, or the next free one.
async fn listen(wanted: u16) -> Result<TcpListener> {
    let last = wanted.saturating_add(MORE_PORTS);
    for port in wanted..=last {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error).with_context(|| format!("can't listen on 127.0.0.1:{port}")),
        }
    }
    bail!("the ports {wanted} to {last} on 127.0.0.1 are taken: choose another with --port")
}

async fn tell(State(news): State<broadcast::Sender<News>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = stream::unfold(news.subscribe(), |mut news| async {
        let event = match news.recv().await {
            Ok(News::Failed(why)) => Event::default().event("failed").data(why),
            // Whoever missed some news is as well served by the newest pages.
            Ok(News::Built) | Err(broadcast::error::RecvError::Lagged(_)) => Event::default().event("built").data(""),
            Err(broadcast::error::RecvError::Closed) => return None,
        };
        Some((Ok(event), news))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

/// Adds the script that reloads the page. Only the served copy has it: the files stay as a hosted copy needs them.
async fn with_live_reload(response: Response) -> Response {
    let is_html = |value: &HeaderValue| value.as_bytes().starts_with(b"text/html");
    if !response.headers().get(header::CONTENT_TYPE).is_some_and(is_html) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(html) = to_bytes(body, usize::MAX).await else {
        return axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(); // the file vanished while it was read
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let script = "<script src=\"/workbook/live.js\"></script>";
    Response::from_parts(parts, Body::from([&html[..], script.as_bytes()].concat()))
}

/// Builds again, on a thread of its own, whenever something that goes into the book changes.
fn watch(root: PathBuf, dest: PathBuf, news: broadcast::Sender<News>) -> Result<()> {
    let (changes, changed) = mpsc::channel();
    let mut debouncer = new_debouncer(SETTLE, None, move |result: DebounceEventResult| drop(changes.send(result)))?;
    let folders = ["src", "assets", "listings"].map(|folder| root.join(folder));
    for folder in folders.iter().filter(|folder| folder.exists()) {
        debouncer.watch(folder, RecursiveMode::Recursive)?;
    }
    debouncer.watch(&root, RecursiveMode::NonRecursive)?; // for book.toml and Cargo.toml
    let files = ["book.toml", "Cargo.toml"].map(|file| root.join(file));
    let belongs = move |path: &PathBuf| folders.iter().any(|folder| path.starts_with(folder)) || files.contains(path);

    thread::spawn(move || {
        let _keep = debouncer;
        for result in changed {
            match result {
                // A build reads every page, and reading is an event too.
                Ok(events) if !events.iter().any(|e| !e.kind.is_access() && e.paths.iter().any(&belongs)) => continue,
                Ok(_) => {}
                Err(errors) => {
                    errors.iter().for_each(|error| eprintln!("can't watch for changes: {error}"));
                    continue;
                }
            }
            let now = match publish::build(&root, &dest) {
                Ok(()) => {
                    println!("Built again.");
                    News::Built
                }
                Err(error) => {
                    eprintln!("Not built: {error:#}\nThe pages stay as they were.");
                    News::Failed(format!("{error:#}"))
                }
            };
            let _ = news.send(now); // an error means that no page is open
        }
    });
    Ok(())
}
