//! What open pages are told, as it happens.

use axum::response::sse::Event;
use futures_lite::{Stream, StreamExt, stream::once, stream::unfold};
use serde::Serialize;
use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::broadcast::{self, error::RecvError};

/// How many items a page may be behind before it has to ask for everything anew.
const BACKLOG: usize = 1024;

/// One thing that pages are told: what it is about, and the details as JSON.
#[derive(Debug, Clone)]
pub struct Item {
    /// One more than that of the item before.
    pub number: u64,
    /// `pane`, `state`, `took`, `output`, `diagnostic`, `closed`, `post`, `built` or `failed`; `class` on the big screen of a class.
    pub kind: &'static str,
    /// The details.
    pub json: Arc<str>,
}

/// Tells all pages that listen.
#[derive(Debug, Clone)]
pub struct News {
    sender: broadcast::Sender<Item>,
    /// The number of the last item. Held while an item is sent, so that items come in the order of their numbers.
    last: Arc<Mutex<u64>>,
}

impl Default for News {
    fn default() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0, last: Arc::default() }
    }
}

impl News {
    /// Tells every page that listens now.
    pub fn tell(&self, kind: &'static str, details: &impl Serialize) {
        let json = serde_json::to_string(details).unwrap_or_else(|error| format!("{:?}", error.to_string()));
        let mut last = self.last();
        *last += 1;
        let _ = self.sender.send(Item { number: *last, kind, json: json.into() }); // an error means that no page is open
    }

    /// Everything that is told from now on.
    pub fn listen(&self) -> broadcast::Receiver<Item> {
        self.sender.subscribe()
    }

    /// The number of the last item that was told.
    pub fn last_number(&self) -> u64 {
        *self.last()
    }

    fn last(&self) -> MutexGuard<'_, u64> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner) // a number is never half changed
    }
}

/// What one page is sent: the first event, then the news. It ends when the page has missed something: then the page
/// connects again and gets everything anew.
pub fn stream(first: Event, news: broadcast::Receiver<Item>) -> impl Stream<Item = Result<Event, Infallible>> {
    let later = unfold(news, |mut news| async {
        match news.recv().await {
            Ok(item) => {
                let event = Event::default().id(item.number.to_string()).event(item.kind).data(&*item.json);
                Some((event, news))
            }
            Err(RecvError::Lagged(_) | RecvError::Closed) => None,
        }
    });
    once(first).chain(later).map(Ok)
}
