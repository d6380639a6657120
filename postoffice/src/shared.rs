//! What the connections of one server share: the broker behind one mutex, the ways to wake each connection, the journal's
//! readers, and the clock. Accepting and closing sockets do not live here.
//!
//! The mutex is an ordinary one. It is never held across an `await`, and each connection takes it once for all that it has
//! read, so clients meet there seldom and briefly; an actor would add a hop to each message.

use crate::{
    broker::{Broker, Client, Limits},
    handshake::Credentials,
    journal::{Journal, Readers},
    queue::Moment,
    trace::{Trace, Tracer},
};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::Notify;

/// What a server is opened with.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) address: SocketAddr,
    pub(crate) credentials: Credentials,
    pub(crate) limits: Limits,
    pub(crate) allow_remote: bool,
    pub(crate) trace: Option<Trace>,
}

/// How the server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Each client is told.
    Shutdown,
    /// At once.
    Gone,
}

/// What all connections share.
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) options: Options,
    /// Whether publishers have to wait; a copy that can be read without the lock.
    is_full: AtomicBool,
    /// The timer task has something new to wait for.
    reset_timer: Notify,
    /// A connection has ended.
    has_left: Notify,
    opened: Instant,
    opened_at: Duration,
}

struct State {
    broker: Broker,
    /// How to wake each connection that is open, by its number in the broker.
    wakers: HashMap<u64, Arc<Notify>>,
    /// How to wake every connection there is, those in their handshake too.
    everyone: Vec<Arc<Notify>>,
    woken: Vec<u64>,
    readers: Readers,
    stop: Option<Stop>,
    /// What the timer task waits for.
    next_alarm: Option<Moment>,
}

impl Shared {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            state: Mutex::new(State {
                broker: Broker::new(options.limits),
                wakers: HashMap::new(),
                everyone: Vec::new(),
                woken: Vec::new(),
                readers: Readers::default(),
                stop: None,
                next_alarm: None,
            }),
            options,
            is_full: AtomicBool::new(false),
            reset_timer: Notify::new(),
            has_left: Notify::new(),
            opened: Instant::now(),
            opened_at: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in the broker panics on a client's account; were it to, the others' state is still what it was.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Moment {
        let now = self.opened_at + self.opened.elapsed();
        u64::try_from(now.as_millis()).unwrap_or(Moment::MAX)
    }

    /// Runs something against the broker, then wakes those whom it concerns, except the caller itself.
    pub(crate) fn with<T>(&self, caller: Option<u64>, run: impl FnOnce(&mut Broker, Moment) -> T) -> T {
        let mut guard = self.state();
        let state = &mut *guard;
        let result = run(&mut state.broker, self.now());
        state.broker.take_woken(&mut state.woken);
        for id in state.woken.drain(..) {
            if Some(id) != caller
                && let Some(wake) = state.wakers.get(&id)
            {
                wake.notify_one();
            }
        }
        self.is_full.store(state.broker.is_full(), Ordering::Relaxed);
        let events = state.broker.take_journal();
        if !events.is_empty() {
            state.readers.tell(events);
            let read = state.readers.any();
            state.broker.keep_journal(read);
        }
        let next_alarm = state.broker.next_alarm();
        if next_alarm != state.next_alarm {
            state.next_alarm = next_alarm;
            self.reset_timer.notify_one();
        }
        result
    }

    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    pub(crate) fn stop(&self) -> Option<Stop> {
        self.state().stop
    }

    pub(crate) fn tracer(&self, peer: SocketAddr) -> Option<Tracer> {
        self.options.trace.clone().map(|trace| Tracer::new(trace, peer))
    }

    pub(crate) fn journal(&self) -> Journal {
        let mut state = self.state();
        let journal = state.readers.join();
        let read = state.readers.any();
        state.broker.keep_journal(read);
        journal
    }

    /// Ends all journals, and those that are asked for from now on at once.
    pub(crate) fn close_journals(&self) {
        self.state().readers.close();
    }

    /// Tells every connection how the server ends.
    pub(crate) fn end(&self, stop: Stop) {
        let mut state = self.state();
        state.stop = Some(stop);
        state.everyone.iter().for_each(|wake| wake.notify_one());
    }

    /// Waits until there is no connection any more.
    pub(crate) async fn all_left(&self) {
        loop {
            let left = self.has_left.notified();
            if self.state().everyone.is_empty() {
                return;
            }
            left.await;
        }
    }

    /// What the timer task has to wait for.
    pub(crate) fn next_alarm(&self) -> Option<Moment> {
        self.state().next_alarm
    }

    /// Waits until [`Shared::next_alarm`] has changed.
    pub(crate) async fn timer_reset(&self) {
        self.reset_timer.notified().await;
    }
}

/// A connection's entry in the server. However the connection's task ends (by a return, a panic, an abort, or with its
/// runtime), this is dropped, and dropping it is what disconnects the client from the broker and makes the server forget
/// the socket. So nothing else has to remember to.
pub(crate) struct Registration {
    shared: Arc<Shared>,
    wake: Arc<Notify>,
    /// The broker's number for the connection, from `connection.open` on.
    id: Option<u64>,
}

impl Registration {
    /// Registers a socket that was accepted, unless there are `limit` already.
    pub(crate) fn new(shared: &Arc<Shared>, limit: usize) -> Option<Self> {
        let wake = Arc::new(Notify::new());
        let mut state = shared.state();
        if state.everyone.len() >= limit {
            return None;
        }
        state.everyone.push(wake.clone());
        if state.stop.is_some() {
            wake.notify_one();
        }
        drop(state);
        Some(Self { shared: shared.clone(), wake, id: None })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Notified when something has happened that concerns the connection.
    pub(crate) fn wake(&self) -> &Arc<Notify> {
        &self.wake
    }

    /// The broker's number for the connection, as long as it is open.
    pub(crate) fn id(&self) -> Option<u64> {
        self.id
    }

    /// The connection is open now: the broker knows it.
    pub(crate) fn connect(&mut self, client: Client) {
        let id = self.shared.with(None, |broker, _| broker.connect(client));
        self.shared.state().wakers.insert(id, self.wake.clone());
        self.id = Some(id);
    }

    /// The client has no more business with the broker. Its socket may still have last words to say.
    pub(crate) fn disconnect(&mut self) {
        let Some(id) = self.id.take() else { return };
        self.shared.with(Some(id), |broker, now| broker.disconnect(id, now));
        self.shared.state().wakers.remove(&id);
    }

    /// The server needn't wait for this socket any more when it closes.
    pub(crate) fn forget(&self) {
        self.shared.state().everyone.retain(|known| !Arc::ptr_eq(known, &self.wake));
        self.shared.has_left.notify_waiters();
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.disconnect();
        self.forget();
    }
}
