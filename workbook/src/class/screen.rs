//! The big screen: one page for the teacher's projector, on loopback, behind the token. It shows, resets and removes.

use super::Told;
use crate::{
    auth::{Auth, content_security_policy, guard, refuse},
    news::{News, stream},
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    middleware,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures_lite::Stream;
use serde::Deserialize;
use serde_json::json;
use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{mpsc, oneshot};

/// The most bytes of a request: a name, and what stands around it.
const LARGEST_REQUEST: usize = 4 << 10;
const PAGE: &str = include_str!("../page/class.html");

/// Everything that the routes need.
#[derive(Clone)]
pub(super) struct Screen {
    pub(super) news: News,
    pub(super) now: Arc<Mutex<Told>>,
    pub(super) addrs: Arc<[String]>,
    pub(super) password: Arc<str>,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) auth: Auth,
}

/// What the teacher wants done, and where to say whether there was anything to do.
pub(super) enum Order {
    /// All queues go, and everybody begins anew.
    Reset(oneshot::Sender<bool>),
    /// A student goes: connections, queue and row.
    Remove {
        /// As the student has written it.
        name: String,
        /// Whether there was such a student.
        done: oneshot::Sender<bool>,
    },
}

impl Order {
    pub(super) fn answer(self, known: bool) {
        let (Self::Reset(done) | Self::Remove { done, .. }) = self;
        let _ = done.send(known); // who asked may have closed the page
    }
}

pub(super) fn app(screen: Screen) -> Router {
    let file = |kind: &'static str, text: &'static str| get(async move || ([(header::CONTENT_TYPE, kind)], text));
    let auth = screen.auth.clone();
    Router::new()
        .route("/", get(page))
        .route("/workbook/class.js", file("text/javascript", include_str!("../page/class.js")))
        .route("/workbook/class-words.js", file("text/javascript", include_str!("../page/class-words.js")))
        .route("/workbook/class.css", file("text/css", include_str!("../page/class.css")))
        .route("/workbook/class/news", get(tell))
        .route("/workbook/class/reset", post(reset))
        .route("/workbook/class/remove", post(remove))
        .with_state(screen)
        .layer(DefaultBodyLimit::max(LARGEST_REQUEST))
        .layer(middleware::from_fn_with_state(auth, guard))
}

async fn page(State(screen): State<Screen>, headers: HeaderMap) -> Response {
    if !screen.auth.knows(&headers) {
        return refuse(StatusCode::FORBIDDEN, "open the address that `cargo workbook class` has printed");
    }
    let head = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, &content_security_policy(PAGE)),
    ];
    (head, PAGE).into_response()
}

/// How to connect and the whole state, then each new state.
async fn tell(State(screen): State<Screen>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let news = screen.news.listen(); // first, so that nothing is missed in between
    let told = screen.now.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let whole = json!({ "addrs": &*screen.addrs, "password": &*screen.password, "told": told });
    let first = Event::default().event("whole").data(whole.to_string());
    Sse::new(stream(first, news)).keep_alive(KeepAlive::default())
}

async fn reset(State(screen): State<Screen>) -> StatusCode {
    carried_out(&screen, Order::Reset).await
}

/// Who is meant.
#[derive(Deserialize)]
struct Whom {
    name: String,
}

async fn remove(State(screen): State<Screen>, Json(Whom { name }): Json<Whom>) -> StatusCode {
    carried_out(&screen, |done| Order::Remove { name, done }).await
}

async fn carried_out(screen: &Screen, order: impl FnOnce(oneshot::Sender<bool>) -> Order) -> StatusCode {
    let (done, is_done) = oneshot::channel();
    let _ = screen.orders.send(order(done)).await; // it fails when the class closes, and then so does the next line
    match is_done.await {
        Ok(true) => StatusCode::NO_CONTENT,
        Ok(false) => StatusCode::NOT_FOUND,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
