//! Serves the built book on this machine, runs listings for it, and builds it again when a page changes.

use crate::{
    auth::{Auth, content_security_policy, guard, refuse, refuse_page},
    broker::{Broker, Watch, office::Action, shown_queues},
    edition::Edition,
    exercises::Exercise,
    listings::Listing,
    news::{News, stream},
    panes::{Note, Pane},
    runs::{Order, Places, Refusal, Runs},
    site::Site,
    supervisor::{Supervised, Supervisor, until_signal},
};
use anyhow::{Context, Result, bail};
use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{DefaultBodyLimit, Path as UrlPath, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{
        IntoResponse, Redirect, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures_lite::Stream;
use postoffice::Signals;
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    select,
};
use tower_http::services::{ServeDir, ServeFile};

/// How many ports after the wanted one are tried.
const MORE_PORTS: u16 = 20;
/// The most bytes of a request: room for a long listing.
const LARGEST_REQUEST: usize = 256 << 10;

/// What only served pages have: styles and scripts.
const FILES: [(&str, &str); 18] = [
    ("words.js", include_str!("../../assets/words.js")),
    ("live.css", include_str!("page/live.css")),
    ("live.js", include_str!("page/live.js")),
    ("server.js", include_str!("page/server.js")),
    ("terminal.js", include_str!("page/terminal.js")),
    ("pane.js", include_str!("page/pane.js")),
    ("dock.js", include_str!("page/dock.js")),
    ("strip.js", include_str!("page/strip.js")),
    ("exercise.js", include_str!("page/exercise.js")),
    ("verdict.js", include_str!("page/verdict.js")),
    ("editor.js", include_str!("page/editor.js")),
    ("difference.js", include_str!("page/difference.js")),
    ("board.css", include_str!("page/board.css")),
    ("board.js", include_str!("page/board.js")),
    ("power.js", include_str!("page/power.js")),
    ("queues.js", include_str!("page/queues.js")),
    ("events.js", include_str!("page/events.js")),
    ("events-worker.js", include_str!("page/events-worker.js")),
];

/// What `cargo workbook serve` was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The project's folder.
    pub root: PathBuf,
    /// The folder of the built book.
    pub dest: PathBuf,
    /// cargo's target folder.
    pub target: PathBuf,
    /// The wanted port on 127.0.0.1.
    pub port: u16,
    /// The wanted port of the post office on 127.0.0.1; 0 is a free one.
    pub office_port: u16,
    /// The folder in which the post office keeps its data; without one, it keeps them as long as the server runs.
    pub data: Option<PathBuf>,
    /// The `workbook` program.
    pub program: PathBuf,
}

/// Everything that the routes need.
struct Desk {
    root: PathBuf,
    broker: Broker,
    watch: Watch,
    runs: Arc<Runs>,
    site: Arc<Site>,
    news: News,
}

/// Builds the book, opens the post office (unless a broker is there), serves the book on 127.0.0.1 until CTRL+C or another
/// signal to end, and calls `ready` with the address and a sentence about the broker. Builds again whenever something
/// changes.
///
/// # Errors
/// When the first build fails or no port can be had. A later build that fails is reported and the pages stay as they are.
pub async fn serve(options: Options, ready: impl FnOnce(&str, &str)) -> Result<()> {
    let site = Arc::new(Site::build(&options.root, &options.dest)?);
    let listener = listen(options.port).await?;
    let auth = Auth::new(listener.local_addr()?.port())?;
    let news = News::default();
    site.clone().watch(news.clone())?;
    let broker = Broker::find(options.office_port, options.data.as_deref()).await?;
    let introduction = broker.introduce();
    let places = Places {
        root: options.root.clone(),
        target: options.target,
        supervisor: Supervisor::new(options.program),
        broker: broker.addr(),
    };
    tokio::spawn(prebuild(places.clone(), news.clone()));
    let runs = Runs::new(places, news.clone())?;
    let desk = Arc::new(Desk { root: options.root, broker, watch: Watch::default(), runs, site: site.clone(), news });

    let watched = desk.clone();
    tokio::spawn(async move { watched.watch.follow(&watched.broker, &watched.news).await });
    let app = app(desk.clone(), auth.clone());
    let signals = Signals::listen()?; // not a moment later than CTRL+C is announced
    ready(&auth.address(), &introduction);
    until_signal(signals, async |stopped| {
        select! {
            served = axum::serve(listener, app) => served.context("the server stopped")?,
            _ = stopped => {}
        }
        desk.broker.close().await;
        site.close();
        Ok(())
    })
    .await
}

fn app(desk: Arc<Desk>, auth: Auth) -> Router {
    let [newest, former] = desk.site.folders();
    let not_found = ServeFile::new(newest.join("404.html"));
    let book = ServeDir::new(newest).fallback(ServeDir::new(former).not_found_service(not_found));
    let finishing = (auth.clone(), desk.site.clone());
    let files = FILES.iter().fold(Router::new(), |router, (name, text)| {
        let kind = if name.ends_with(".css") { "text/css" } else { "text/javascript" };
        router.route(&format!("/workbook/{name}"), get(async move || ([(header::CONTENT_TYPE, kind)], *text)))
    });
    files
        .route("/workbook/news", get(tell))
        .route("/workbook/state", get(show_state))
        .route("/workbook/runs", post(start))
        .route("/workbook/runs/{id}/stop", post(stop))
        .route("/workbook/runs/{id}/close", post(close))
        .route("/workbook/exercises/{name}", get(show_exercise))
        .route("/workbook/queues", get(show_queues))
        .route("/workbook/queues/{action}", post(change_queue))
        .route("/workbook/broker/{action}", post(change_broker))
        .route("/queues", get(queues))
        .route("/counter", get(async || Redirect::permanent("/queues"))) // as it was called once
        .with_state(desk)
        .fallback_service(book)
        .layer(DefaultBodyLimit::max(LARGEST_REQUEST))
        .layer(middleware::from_fn_with_state(finishing, finish_page))
        .layer(middleware::from_fn_with_state(auth, guard))
}

/// The wanted port on loopback, or the next free one.
pub(crate) async fn listen(wanted: u16) -> Result<TcpListener> {
    let last = if wanted == 0 { 0 } else { wanted.saturating_add(MORE_PORTS) };
    for port in wanted..=last {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error).with_context(|| format!("can't listen on 127.0.0.1:{port}")),
        }
    }
    bail!("the ports {wanted} to {last} on 127.0.0.1 are taken: choose another with --port")
}

/// Compiles all listings, so that the first Run doesn't have to, and tells the pages how far it is.
async fn prebuild(places: Places, news: News) {
    let mut listings = Listing::all(&places.root).unwrap_or_default(); // an error is reported by whoever needs them
    listings.retain(|listing| !listing.is_python);
    let mut cargo = places.supervisor.command(Path::new("cargo"));
    cargo
        .args(Listing::build_arguments(listings.iter().map(|listing| listing.name.as_str())))
        .current_dir(&places.root)
        .env("CARGO_TARGET_DIR", &places.target)
        .env("CARGO_TERM_COLOR", "never")
        .stderr(Stdio::piped());
    let Ok(mut cargo) = Supervised::start(cargo) else { return };
    if let Some(stderr) = cargo.stderr.take() {
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            news.tell("prebuild", &line.trim());
        }
    }
    let _ = cargo.wait().await;
    news.tell("prebuild", &"");
}

/// The whole state, then everything that changes it.
async fn tell(State(desk): State<Arc<Desk>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (panes, news) = desk.runs.panes().watch(News::listen);
    let first = Event::default().event("whole").data(whole(&desk, panes).to_string());
    Sse::new(stream(first, news)).keep_alive(KeepAlive::default())
}

/// The whole state, and the number of the last item that is in it.
async fn show_state(State(desk): State<Arc<Desk>>) -> Response {
    let (panes, number) = desk.runs.panes().watch(News::last_number);
    Json(json!({ "number": number, "whole": whole(&desk, panes) })).into_response()
}

/// The rest is asked later than the panes: it may be newer than the last item, and being told of it again does no harm.
fn whole(desk: &Desk, panes: Vec<Pane>) -> Value {
    let exercises: Vec<_> = desk.runs.exercises().iter().map(|exercise| exercise.name.as_str()).collect();
    let done = Exercise::done_in_rustlings(&desk.root);
    json!({
        "panes": panes, "post": desk.watch.now(), "listings": desk.runs.listings(), "build": desk.site.newest(),
        "exercises": exercises, "done_in_rustlings": done,
    })
}

async fn start(State(desk): State<Arc<Desk>>, Json(order): Json<Order>) -> Response {
    match desk.runs.start(order) {
        Ok(id) => (StatusCode::CREATED, Json(json!({ "id": id }))).into_response(),
        Err(full @ Refusal::TooManyRunning(_)) => (StatusCode::TOO_MANY_REQUESTS, Json(full)).into_response(),
        Err(refusal) => (StatusCode::BAD_REQUEST, Json(refusal)).into_response(),
    }
}

async fn stop(State(desk): State<Arc<Desk>>, UrlPath(id): UrlPath<u64>) -> Response {
    found(desk.runs.panes().stop(id))
}

async fn close(State(desk): State<Arc<Desk>>, UrlPath(id): UrlPath<u64>) -> Response {
    found(desk.runs.panes().close(id))
}

fn found(yes: bool) -> Response {
    match yes {
        true => StatusCode::NO_CONTENT.into_response(),
        false => refuse_page(StatusCode::NOT_FOUND, "run_gone", "no such program runs"),
    }
}

async fn show_exercise(State(desk): State<Arc<Desk>>, UrlPath(name): UrlPath<String>) -> Response {
    let Some(exercise) = desk.runs.exercises().iter().find(|exercise| exercise.name == name) else {
        return (StatusCode::NOT_FOUND, Json(Refusal::NoSuchListing(name))).into_response();
    };
    let runs = desk.runs.clone();
    tokio::spawn(async move { runs.prepare_exercises().await }); // what goes wrong there is said with the first verdict
    match exercise.sheet(&desk.root) {
        Ok(sheet) => Json(sheet).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, Json(Note::Failed(format!("{error:#}")))).into_response(),
    }
}

async fn queues() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], include_str!("page/queues.html")).into_response()
}

async fn show_queues(State(desk): State<Arc<Desk>>) -> Response {
    let Broker::Office(office) = &desk.broker else {
        return Json(json!({ "console": "http://localhost:15672" })).into_response();
    };
    match office.now() {
        Some(office) => Json(json!({ "queues": shown_queues(&office) })).into_response(),
        None => Json(json!({ "is_stopped": true })).into_response(),
    }
}

async fn change_broker(State(desk): State<Arc<Desk>>, UrlPath(action): UrlPath<Action>) -> Response {
    // A task of its own: a page that is closed meanwhile leaves nothing half done.
    let acting = tokio::spawn(async move {
        match &desk.broker {
            Broker::Office(office) => Some(office.act(action).await),
            Broker::Other { .. } => None,
        }
    });
    match acting.await {
        Ok(Some(Ok(()))) => StatusCode::NO_CONTENT.into_response(),
        Ok(Some(Err(error))) => {
            let refusal = json!({ "code": "not_started", "detail": format!("{error:#}") });
            (StatusCode::CONFLICT, Json(refusal)).into_response()
        }
        Ok(None) => refuse_others(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(), // it has panicked, or the server ends
    }
}

fn refuse_others() -> Response {
    refuse(StatusCode::CONFLICT, "the broker is not ours: use its own console")
}

/// Which queue an action is about; none for all of them.
#[derive(serde::Deserialize)]
struct Which {
    name: Option<String>,
}

async fn change_queue(
    State(desk): State<Arc<Desk>>,
    UrlPath(action): UrlPath<String>,
    Json(which): Json<Which>,
) -> Response {
    let Broker::Office(office) = &desk.broker else { return refuse_others() };
    let Some(office) = office.now() else {
        return refuse(StatusCode::CONFLICT, "the broker is stopped: start it first");
    };
    let done = match (action.as_str(), which.name) {
        ("purge", Some(name)) => office.purge(&name).map(drop),
        ("delete", Some(name)) => office.delete(&name),
        ("reset", None) => {
            office.reset();
            Ok(())
        }
        _ => return refuse(StatusCode::NOT_FOUND, "there is no such action"),
    };
    match done {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse(StatusCode::NOT_FOUND, &error.to_string()),
    }
}

/// Adds to a page what only the served copy has: a policy, and, for the person who started the server, the script that
/// runs listings and reloads. The files stay as a hosted copy needs them.
async fn finish_page(State((auth, site)): State<(Auth, Arc<Site>)>, request: Request, next: Next) -> Response {
    let build = site.newest().id; // before the page is read: a page that is newer than it says reloads once too often
    let path = request.uri().path();
    let is_book = Edition::ALL.iter().any(|edition| path.trim_start_matches('/').starts_with(edition.folder()));
    let may_run = is_book && auth.knows(request.headers());
    let response = next.run(request).await;
    let is_html = |value: &HeaderValue| value.as_bytes().starts_with(b"text/html");
    if !response.headers().get(header::CONTENT_TYPE).is_some_and(is_html) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(html) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response(); // the file vanished while it was read
    };
    let mut html = String::from_utf8_lossy(&html).into_owned();
    if let Ok(policy) = HeaderValue::from_str(&content_security_policy(&html)) {
        parts.headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if may_run && parts.status.is_success() {
        html += "<link rel=\"stylesheet\" href=\"/workbook/live.css\"><link rel=\"stylesheet\" href=\"/workbook/board.css\">";
        html += &format!("<script src=\"/workbook/live.js\" type=\"module\" data-build=\"{build}\"></script>");
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Response::from_parts(parts, Body::from(html))
}
