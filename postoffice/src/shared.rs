//! What the connections of one server share: the broker behind one mutex, the ways to wake each connection, the journal's
//! readers, and the clock. Accepting and closing sockets do not live here.
//!
//! The mutex is an ordinary one. It is never held across an `await`, and each connection takes it once for all that it has
//! read, so clients meet there seldom and briefly; an actor would add a hop to each message.

use crate::{
    broker::{Broker, Client, Limits},
    error::Refusal,
    handshake::Credentials,
    journal::{Journal, Readers},
    ledger::Ledger,
    limits::Host,
    queue::Moment,
    rate::Rate,
    store::{Ending, Store},
    trace::{Trace, Tracer},
};
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// How many hosts are remembered with their rate before those are looked for that need not be.
const REMEMBERED_HOSTS: usize = 1000;

/// What a server is opened with.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) address: SocketAddr,
    pub(crate) credentials: Credentials,
    pub(crate) limits: Limits,
    pub(crate) allow_remote: bool,
    pub(crate) trace: Option<Trace>,
    /// Where durable things and persistent messages are kept; nowhere if there is none.
    pub(crate) data: Option<PathBuf>,
    /// Bytes that have to be free on the disk of the data folder.
    pub(crate) disk_free_limit: u64,
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
    ledger: Arc<Ledger>,
    store: OnceLock<Store>,
    pub(crate) options: Options,
    /// Whether publishers have to wait; a copy that can be read without the lock.
    memory_alarm: AtomicBool,
    /// How many wait for the lock or hold it.
    contenders: AtomicUsize,
    /// The broker has work left for another turn.
    work_left: Notify,
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
    /// Which connections the owner wants closed, and why.
    forced_closes: HashMap<u64, String>,
    /// How to wake every connection there is, those in their handshake too.
    everyone: Vec<Arc<Notify>>,
    /// How many sockets there are, those included that have had their last words.
    sockets: usize,
    hosts: HashMap<IpAddr, HostState>,
    woken: Vec<u64>,
    readers: Readers,
    stop: Option<Stop>,
    /// What the timer task waits for.
    next_timer: Option<Moment>,
}

/// What is known of a host that isn't this machine.
struct HostState {
    sockets: usize,
    /// Shared by its connections, and remembered when they are gone until it has nothing to remember.
    rate: Option<Arc<Mutex<Rate>>>,
}

impl Shared {
    pub(crate) fn new(options: Options, broker: Broker, opened_at: Duration) -> Self {
        Self {
            ledger: broker.ledger().clone(),
            store: OnceLock::new(),
            state: Mutex::new(State {
                broker,
                wakers: HashMap::new(),
                forced_closes: HashMap::new(),
                everyone: Vec::new(),
                sockets: 0,
                hosts: HashMap::new(),
                woken: Vec::new(),
                readers: Readers::default(),
                stop: None,
                next_timer: None,
            }),
            options,
            memory_alarm: AtomicBool::new(false),
            contenders: AtomicUsize::new(0),
            work_left: Notify::new(),
            reset_timer: Notify::new(),
            has_left: Notify::new(),
            opened: Instant::now(),
            opened_at,
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
        self.contenders.fetch_add(1, Ordering::Relaxed);
        let mut guard = self.state();
        let state = &mut *guard;
        let result = run(&mut state.broker, self.now());
        if let Some(store) = self.store.get()
            && let Some((batch, ops)) = state.broker.take_store_ops()
        {
            store.submit(batch, ops);
        }
        if state.broker.end_turn(&mut state.woken) {
            self.work_left.notify_one();
        }
        for id in state.woken.drain(..) {
            if Some(id) != caller
                && let Some(wake) = state.wakers.get(&id)
            {
                wake.notify_one();
            }
        }
        self.memory_alarm.store(state.broker.is_alarmed(), Ordering::Relaxed);
        let events = state.broker.take_journal();
        if !events.is_empty() {
            state.readers.tell(events);
            let read = state.readers.any();
            state.broker.keep_journal(read);
        }
        let next_timer = state.broker.next_timer();
        if next_timer != state.next_timer {
            state.next_timer = next_timer;
            self.reset_timer.notify_one();
        }
        drop(guard);
        self.contenders.fetch_sub(1, Ordering::Relaxed);
        result
    }

    /// Whether who publishes has to ask the broker first: the memory is full, be it that `own` bytes are not counted.
    pub(crate) fn must_ask_before_publishing(&self, own: usize) -> bool {
        let is_over = self.ledger.held().saturating_sub(own) > self.options.limits.memory;
        is_over || (own == 0 && self.memory_alarm.load(Ordering::Relaxed))
    }

    /// Whether others wait for the broker, or have it.
    pub(crate) fn is_contended(&self) -> bool {
        self.contenders.load(Ordering::Relaxed) > 0
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

    /// Has a connection closed by its task. False if there is none of this number.
    pub(crate) fn close_connection(&self, id: u64, reason: &str) -> bool {
        let mut state = self.state();
        let Some(wake) = state.wakers.get(&id).cloned() else { return false };
        state.forced_closes.insert(id, reason.to_owned());
        wake.notify_one();
        true
    }

    /// Ends all journals, and those that are asked for from now on at once.
    pub(crate) fn close_journals(&self) {
        self.state().readers.close();
    }

    /// Has what changes in the broker stored there from now on.
    pub(crate) fn keep_store(&self, store: Store) {
        let _ = self.store.set(store); // this is done once, when the server opens
    }

    pub(crate) fn close_store(&self, ending: Ending) {
        self.store.get().into_iter().for_each(|store| store.close(ending));
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
    pub(crate) fn next_timer(&self) -> Option<Moment> {
        self.state().next_timer
    }

    /// Waits until [`Shared::next_timer`] has changed.
    pub(crate) async fn timer_reset(&self) {
        self.reset_timer.notified().await;
    }

    /// Waits until the broker has work left for another turn.
    pub(crate) async fn work_left(&self) {
        self.work_left.notified().await;
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
    /// The address that it counts for; none on a loopback address.
    host: Option<IpAddr>,
    rate: Option<Arc<Mutex<Rate>>>,
}

impl Registration {
    /// Registers a socket that was accepted, unless there are too many already.
    pub(crate) fn new(shared: &Arc<Shared>, peer: SocketAddr) -> Option<Self> {
        let limits = &shared.options.limits.resources;
        let (host, now) = (remote(peer), tokio::time::Instant::now());
        let fresh_rate = || Rate::new(&limits.per_host, now).map(|rate| Arc::new(Mutex::new(rate)));
        let mut guard = shared.state();
        let state = &mut *guard;
        if state.hosts.len() >= REMEMBERED_HOSTS {
            let owes = |known: &HostState| known.rate.as_ref().is_some_and(|rate| !lock(rate).is_full(now));
            state.hosts.retain(|_, known| known.sockets > 0 || owes(known));
        }
        let of_host = host.and_then(|host| state.hosts.get(&host)).map_or(0, |known| known.sockets);
        // As many as may be open, and as many again in their handshake.
        let is_full = |sockets: usize, limit: usize| sockets >= limit.saturating_mul(2);
        let full = match host {
            _ if is_full(state.sockets, limits.max_connections) => Some("node connection limit".to_owned()),
            Some(host) if is_full(of_host, limits.per_host.max_connections) => {
                Some(format!("connection limit of {}", Host::Address(host)))
            }
            _ => None,
        };
        if let Some(limit) = full {
            drop(guard);
            let text = format!("connection refused: {limit} is reached");
            shared.with(None, |broker, _| broker.note_limit(None, &peer.to_string(), text));
            return None;
        }
        let wake = Arc::new(Notify::new());
        state.sockets += 1;
        let rate = match host {
            None => fresh_rate(),
            Some(host) => {
                let known = state.hosts.entry(host).or_insert_with(|| HostState { sockets: 0, rate: fresh_rate() });
                known.sockets += 1;
                known.rate.clone()
            }
        };
        state.everyone.push(wake.clone());
        if state.stop.is_some() {
            wake.notify_one();
        }
        drop(guard);
        Some(Self { shared: shared.clone(), wake, id: None, host, rate })
    }

    /// Whether the host's rate is limited.
    pub(crate) fn has_rate(&self) -> bool {
        self.rate.is_some()
    }

    /// Until when the host has to wait after so many requests and bytes, if it was too fast.
    pub(crate) fn pay(&self, requests: u32, bytes: usize) -> Option<tokio::time::Instant> {
        let now = tokio::time::Instant::now();
        let wait = lock(self.rate.as_ref()?).take(requests, u32::try_from(bytes).unwrap_or(u32::MAX), now);
        (!wait.is_zero()).then(|| now + wait)
    }

    /// Why the owner wants the connection closed, if that is so.
    pub(crate) fn take_forced_close(&self) -> Option<String> {
        self.shared.state().forced_closes.remove(&self.id?)
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

    /// The connection is open now: the broker knows it, unless there are too many.
    pub(crate) fn connect(&mut self, client: Client) -> Result<(), Refusal> {
        let id = self.shared.with(None, |broker, now| {
            broker.check_connection_limits(&client)?;
            Ok(broker.connect(client, now))
        })?;
        self.id = Some(id);
        self.shared.state().wakers.insert(id, self.wake.clone());
        Ok(())
    }

    /// The client has no more business with the broker. Its socket may still have last words to say.
    pub(crate) fn disconnect(&mut self) {
        let Some(id) = self.id.take() else { return };
        self.shared.with(Some(id), |broker, now| broker.disconnect(id, now));
        let mut state = self.shared.state();
        state.wakers.remove(&id);
        state.forced_closes.remove(&id);
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
        let mut state = self.shared.state();
        state.sockets -= 1;
        if let Some(known) = self.host.and_then(|host| state.hosts.get_mut(&host)) {
            known.sockets -= 1;
        }
    }
}

/// The address that a peer's limits are counted for, unless it is on this machine.
pub(crate) fn remote(peer: SocketAddr) -> Option<IpAddr> {
    Some(peer.ip().to_canonical()).filter(|address| !address.is_loopback())
}

fn lock(rate: &Mutex<Rate>) -> MutexGuard<'_, Rate> {
    rate.lock().unwrap_or_else(PoisonError::into_inner)
}
