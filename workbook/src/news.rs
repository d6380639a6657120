//! What open pages are told, as it happens.

use axum::response::sse::Event;
use futures_lite::{Stream, StreamExt, stream::once, stream::unfold};
use serde::Serialize;
use std::{convert::Infallible, sync::Arc};
use tokio::sync::broadcast::{self, error::RecvError};

/// How many items a page may be behind before it has to ask for everything anew.
const BACKLOG: usize = 1024;

/// One thing that pages are told: what it is about, and the details as JSON.
#[derive(Debug, Clone)]
pub struct Item {
    /// `pane`, `state`, `took`, `output`, `diagnostic`, `closed`, `post`, `built` or `failed`; `class` on the big screen of a class.
    pub kind: &'static str,
    /// The details.
    pub json: Arc<str>,
}

/// Tells all pages that listen.
#[derive(Debug, Clone)]
pub struct News(broadcast::Sender<Item>);

impl Default for News {
    fn default() -> Self {
        Self(broadcast::channel(BACKLOG).0)
    }
}

impl News {
    /// Tells every page that listens now.
    pub fn tell(&self, kind: &'static str, details: &impl Serialize) {
        let json = serde_json::to_string(details).unwrap_or_else(|error| format!("{:?}", error.to_string()));
        let _ = self.0.send(Item { kind, json: json.into() }); // an error means that no page is open
    }

    /// Everything that is told from now on.
    pub fn listen(&self) -> broadcast::Receiver<Item> {
        self.0.subscribe()
    }
}

/// What one page is sent: the first event, then the news. It ends when the page has missed something: then the page
/// connects again and gets everything anew.
pub fn stream(first: Event, news: broadcast::Receiver<Item>) -> impl Stream<Item = Result<Event, Infallible>> {
    let later = unfold(news, |mut news| async {
        match news.recv().await {
            Ok(item) => Some((Event::default().event(item.kind).data(&*item.json), news)),
            Err(RecvError::Lagged(_) | RecvError::Closed) => None,
        }
    });
    once(first).chain(later).map(Ok)
}
