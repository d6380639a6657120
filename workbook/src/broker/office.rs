//! The post office that the book opens for itself. A reader can stop it, start it again and have it crash; it keeps on disk
//! what survives that.

use anyhow::{Context, Result};
use postoffice::{Builder, Error, PostOffice};
use serde::{Deserialize, Serialize};
use std::{
    env,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
};
use tempfile::TempDir;
use tokio::sync::{Mutex, watch};

/// What a reader does to the broker. What is so already stays so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Shut down: every client is told `320 CONNECTION_FORCED`.
    Stop,
    /// Open again, with what was kept.
    Start,
    /// Stop, then start.
    Restart,
    /// End without a word to anybody.
    Crash,
}

/// A post office that can be stopped and started while programs and pages use it.
pub struct Office {
    builder: Builder,
    uri: String,
    state: watch::Sender<State>,
    /// What was in it when it ended, held by whoever starts or ends it.
    turn: Mutex<Counted>,
    /// The data of an office for which nobody has named a folder.
    _data: Option<TempDir>,
}

/// Whether the office is open, and what came of its last start.
#[derive(Clone, Default)]
pub struct State {
    /// The open office; none between its end and its start.
    pub open: Option<Arc<PostOffice>>,
    /// The office has ended without telling anybody.
    pub has_crashed: bool,
    /// What was there after the last start, of what had been there before; none if it has been started once.
    pub kept: Option<Kept>,
}

/// What has survived an end and a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Messages that are still there.
    pub messages: usize,
    /// Messages that are not.
    pub lost_messages: usize,
    /// Queues that are still there.
    pub queues: usize,
    /// Queues that are not.
    pub lost_queues: usize,
}

/// What is in an office.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    messages: usize,
    queues: usize,
}

impl Counted {
    fn in_office(office: &PostOffice) -> Self {
        let queues = office.queues();
        Self { messages: queues.iter().map(|queue| queue.ready + queue.unacknowledged).sum(), queues: queues.len() }
    }
}

impl Office {
    /// Opens a post office on a port of 127.0.0.1 (0 is a free one), which keeps its data in this folder; without one, for as
    /// long as it is there itself.
    ///
    /// # Errors
    /// As [`Builder::open`]; a folder for the data of a passing office may be refused.
    pub async fn open(port: u16, data: Option<&Path>) -> Result<Self, Error> {
        let (folder, passing) = match data {
            Some(folder) => (folder.to_owned(), None),
            None => {
                let failed = |source| Error::DataFolder { path: env::temp_dir(), source };
                let passing = tempfile::tempdir().map_err(failed)?;
                (passing.path().join("data"), Some(passing))
            }
        };
        let builder = PostOffice::builder().data(folder);
        let office = builder.clone().listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).open().await?;
        Ok(Self {
            builder: builder.listen(office.address()),
            uri: office.uri(),
            state: watch::Sender::new(State { open: Some(Arc::new(office)), ..State::default() }),
            turn: Mutex::default(),
            _data: passing,
        })
    }

    /// Where clients find it, while it is open.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The office, if it is open.
    pub fn now(&self) -> Option<Arc<PostOffice>> {
        self.state.borrow().open.clone()
    }

    /// The state from now on.
    pub fn states(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Does it, and returns when it is done.
    ///
    /// # Errors
    /// When the office can't be opened again: another program has taken its port, or the data can't be read.
    pub async fn act(&self, action: Action) -> Result<()> {
        let mut before = self.turn.lock().await;
        match action {
            Action::Stop => self.end(&mut before, false).await,
            Action::Crash => self.end(&mut before, true).await,
            Action::Start => self.start(&before).await?,
            Action::Restart => {
                self.end(&mut before, false).await;
                self.start(&before).await?;
            }
        }
        Ok(())
    }

    async fn end(&self, before: &mut Counted, is_crash: bool) {
        let Some(office) = self.now() else { return };
        *before = Counted::in_office(&office);
        self.state.send_replace(State { open: None, has_crashed: is_crash, kept: None });
        match is_crash {
            true => office.crash().await,
            false => office.close().await,
        }
    }

    async fn start(&self, before: &Counted) -> Result<()> {
        if self.now().is_some() {
            return Ok(());
        }
        let office = self.builder.clone().open().await.context("the broker could not be started")?;
        let after = Counted::in_office(&office);
        let kept = Kept {
            messages: after.messages,
            lost_messages: before.messages.saturating_sub(after.messages),
            queues: after.queues,
            lost_queues: before.queues.saturating_sub(after.queues),
        };
        self.state.send_replace(State { open: Some(Arc::new(office)), has_crashed: false, kept: Some(kept) });
        Ok(())
    }
}
