//! A running server, from its opening to its shutdown.

use crate::{
    broker::Broker,
    error::Error,
    listener::Listener,
    persistence,
    queue::Moment,
    shared::{Options, Shared, Stop},
    store::Ending,
    timer,
};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::task::AbortHandle;

/// A running server. Dropping it ends it at once.
pub(crate) struct Server {
    pub(crate) shared: Arc<Shared>,
    pub(crate) address: SocketAddr,
    listener: Listener,
    tasks: [AbortHandle; 2],
}

impl Server {
    pub(crate) async fn open(options: Options) -> Result<Self, Error> {
        if !options.address.ip().to_canonical().is_loopback() && !options.allow_remote {
            return Err(Error::NotLoopback(options.address));
        }
        let (listener, address) = Listener::bind(options.address).await?;
        let opened_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (broker, data) = match options.data.clone() {
            None => (Broker::new(options.limits), None),
            Some(path) => {
                let now = u64::try_from(opened_at.as_millis()).unwrap_or(Moment::MAX);
                let read = tokio::task::spawn_blocking(move || persistence::read(&path, options.limits, now));
                let (broker, data) = read.await.map_err(|_| Error::Interrupted)??;
                (broker, Some(data))
            }
        };
        let shared = Arc::new(Shared::new(options, broker, opened_at));
        if let Some(data) = data {
            persistence::start(&shared, data)?;
        }
        let tasks = [
            tokio::spawn(listener.clone().accept(shared.clone())).abort_handle(),
            tokio::spawn(timer::run(shared.clone())).abort_handle(),
        ];
        Ok(Self { shared, address, listener, tasks })
    }

    /// Ends without a word to anybody.
    pub(crate) async fn crash(&self, patience: Duration) {
        self.listener.close();
        let shared = self.shared.clone();
        let stored = tokio::task::spawn_blocking(move || shared.close_store(Ending::Abrupt));
        let _ = stored.await; // it runs to its end, whether or not somebody waits
        self.shared.end(Stop::Gone);
        let _ = tokio::time::timeout(patience, self.shared.all_left()).await; // a moment, unless one of them hangs
        self.shared.close_journals();
    }

    /// Tells each client, waits for them to leave, and ends.
    pub(crate) async fn close(&self, patience: Duration) {
        self.listener.close();
        self.shared.end(Stop::Shutdown);
        let _ = tokio::time::timeout(patience, self.shared.all_left()).await;
        self.shared.end(Stop::Gone); // for those who haven't left in time
        let _ = tokio::time::timeout(patience, self.shared.all_left()).await; // a moment, unless one of them hangs
        let shared = self.shared.clone();
        let stored = tokio::task::spawn_blocking(move || shared.close_store(Ending::Clean));
        let _ = stored.await; // it runs to its end, whether or not somebody waits
        self.shared.close_journals(); // they end with the server, though it can still be looked at
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listener.close();
        self.tasks.iter().for_each(AbortHandle::abort);
        self.shared.close_store(Ending::Abrupt); // before the clients go: what goes with them, a crash would have kept
        self.shared.end(Stop::Gone);
    }
}
