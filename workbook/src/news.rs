//! What open pages are told, as it happens.

use serde::Serialize;
use std::sync::Arc;
use tokio::sync::broadcast;

/// How many items a page may be behind before it has to ask for everything anew.
const BACKLOG: usize = 1024;

/// One thing that pages are told: what it is about, and the details as JSON.
#[derive(Debug, Clone)]
pub struct Item {
    /// `pane`, `state`, `output`, `closed`, `post`, `built` or `failed`.
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
