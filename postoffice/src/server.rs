//! Listener, shared state behind one mutex, timer task, shutdown.
//!
//! The broker sits behind one ordinary mutex. It is never held across an `await`, and each connection takes it once for
//! all that it has read, so clients meet there seldom and briefly; an actor would add a hop to each message.

use crate::{
    broker::{Broker, Client, Limits, Restore},
    connection,
    error::Error,
    handshake::Credentials,
    journal::{Journal, Readers},
    ledger::Ledger,
    queue::Moment,
    store::{self, Ending, Report, Store},
    trace::{Trace, Tracer},
};
use std::{
    cell::RefCell,
    collections::HashMap,
    future::poll_fn,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::AbortHandle,
};

/// How many connections may be open at a time.
const CONNECTIONS: usize = 10_000;

/// What an office is opened with.
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

/// How the office ends.
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
    options: Options,
    /// Whether publishers have to wait; a copy that can be read without the lock.
    memory_alarm: AtomicBool,
    /// How many wait for the lock or hold it.
    contenders: AtomicUsize,
    /// The clock's task has something new to wait for.
    reset_clock: Notify,
    /// The broker has work left for another turn.
    work_left: Notify,
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
    /// What the clock's task waits for.
    next_timer: Option<Moment>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in the broker panics on a client's account; were it to, the others' state is still what it was.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
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
            self.reset_clock.notify_one();
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

    pub(crate) fn stop(&self) -> Option<Stop> {
        self.state().stop
    }

    pub(crate) fn credentials(&self) -> Credentials {
        self.options.credentials.clone()
    }

    pub(crate) fn message_limit(&self) -> u64 {
        self.options.limits.message
    }

    pub(crate) fn tracer(&self, peer: SocketAddr) -> Option<Tracer> {
        self.options.trace.clone().map(|trace| Tracer::new(trace, peer))
    }

    /// A peer is at the door.
    pub(crate) fn greet(&self, wake: &Arc<Notify>) {
        let mut state = self.state();
        state.everyone.push(wake.clone());
        if state.stop.is_some() {
            wake.notify_one();
        }
    }

    /// A client is let in.
    pub(crate) fn enter(&self, client: Client, wake: &Arc<Notify>) -> u64 {
        let id = self.with(None, |broker, now| broker.connect(client, now));
        self.state().wakers.insert(id, wake.clone());
        id
    }

    /// A client has no more business with the broker. Its connection may still have last words to say.
    pub(crate) fn leave(&self, id: u64) {
        self.with(Some(id), |broker, now| broker.disconnect(id, now));
        self.state().wakers.remove(&id);
    }

    /// A peer is gone.
    pub(crate) fn forget(&self, wake: &Arc<Notify>) {
        let mut state = self.state();
        state.everyone.retain(|known| !Arc::ptr_eq(known, wake));
        drop(state);
        self.has_left.notify_waiters();
    }

    pub(crate) fn journal(&self) -> Journal {
        let mut state = self.state();
        state.broker.keep_journal(true);
        state.readers.join()
    }

    fn close_store(&self, ending: Ending) {
        self.store.get().into_iter().for_each(|store| store.close(ending));
    }

    fn end(&self, stop: Stop) {
        let mut state = self.state();
        state.stop = Some(stop);
        state.everyone.iter().for_each(|wake| wake.notify_one());
    }
}

/// A running server. Dropping it ends it at once.
pub(crate) struct Server {
    pub(crate) shared: Arc<Shared>,
    pub(crate) address: SocketAddr,
    /// The listener, shared with the task that accepts, so that dropping the server frees the port there and then.
    listener: Arc<Mutex<Option<TcpListener>>>,
    tasks: [AbortHandle; 2],
}

impl Server {
    pub(crate) async fn open(options: Options) -> Result<Self, Error> {
        let address = options.address;
        if !address.ip().to_canonical().is_loopback() && !options.allow_remote {
            return Err(Error::NotLoopback(address));
        }
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => Error::PortTaken(address),
            _ => Error::Listen { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let opened_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (broker, data) = match options.data.clone() {
            None => (Broker::new(options.limits), None),
            Some(path) => {
                let now = u64::try_from(opened_at.as_millis()).unwrap_or(Moment::MAX);
                let read = tokio::task::spawn_blocking(move || read_data(&path, options.limits, now));
                let (broker, data) = read.await.map_err(|_| Error::Interrupted)??;
                (broker, Some(data))
            }
        };
        let shared = Arc::new(Shared {
            ledger: broker.ledger().clone(),
            store: OnceLock::new(),
            state: Mutex::new(State {
                broker,
                wakers: HashMap::new(),
                everyone: Vec::new(),
                woken: Vec::new(),
                readers: Readers::default(),
                stop: None,
                next_timer: None,
            }),
            options,
            memory_alarm: AtomicBool::new(false),
            contenders: AtomicUsize::new(0),
            reset_clock: Notify::new(),
            work_left: Notify::new(),
            has_left: Notify::new(),
            opened: Instant::now(),
            opened_at,
        });
        if let Some(data) = data {
            keep_data(&shared, data)?;
        }
        let listener = Arc::new(Mutex::new(Some(listener)));
        let tasks = [
            tokio::spawn(accept(shared.clone(), listener.clone())).abort_handle(),
            tokio::spawn(keep_time(shared.clone())).abort_handle(),
        ];
        Ok(Self { shared, address, listener, tasks })
    }

    /// Tells each client, waits for them to leave, and ends.
    pub(crate) async fn close(&self, patience: Duration) {
        self.stop_listening();
        self.shared.end(Stop::Shutdown);
        let _ = tokio::time::timeout(patience, self.all_left()).await;
        self.shared.end(Stop::Gone); // for those who haven't left in time
        let _ = tokio::time::timeout(patience, self.all_left()).await; // a moment, unless one of them hangs
        let shared = self.shared.clone();
        let stored = tokio::task::spawn_blocking(move || shared.close_store(Ending::Clean));
        let _ = stored.await; // it runs to its end, whether or not somebody waits
        self.shared.state().readers = Readers::default(); // a journal ends with the office, though it can still be looked at
    }

    async fn all_left(&self) {
        loop {
            let left = self.shared.has_left.notified();
            if self.shared.state().everyone.is_empty() {
                return;
            }
            left.await;
        }
    }

    fn stop_listening(&self) {
        drop(self.listener.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop_listening();
        self.tasks.iter().for_each(AbortHandle::abort);
        self.shared.end(Stop::Gone);
        self.shared.close_store(Ending::Abrupt);
    }
}

/// Reads a data folder into a broker.
fn read_data(path: &Path, limits: Limits, now: Moment) -> Result<(Broker, store::Opened), Error> {
    let restore = RefCell::new(Restore::new(limits, now));
    let begin = |stored| restore.borrow_mut().begin(stored);
    let opened = Store::open(path, begin, |message| restore.borrow_mut().message(message))?;
    Ok((restore.into_inner().finish(), opened))
}

/// Starts to write what changes. The thread that does doesn't keep the office open.
fn keep_data(shared: &Arc<Shared>, data: store::Opened) -> Result<(), Error> {
    let weak = Arc::downgrade(shared);
    let report = move |report| {
        let Some(shared) = weak.upgrade() else { return };
        shared.with(None, |broker, _| match report {
            Report::Stored(batch) => broker.stored(batch),
            Report::DiskAlarm(on) => broker.set_disk_alarm(on),
        });
    };
    let path = shared.options.data.clone().unwrap_or_default();
    let store =
        data.start(shared.options.disk_free_limit, report).map_err(|source| Error::DataFolder { path, source })?;
    let _ = shared.store.set(store); // this is the only place
    Ok(())
}

async fn accept(shared: Arc<Shared>, listener: Arc<Mutex<Option<TcpListener>>>) {
    loop {
        let accepted = poll_fn(|context| match &*listener.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(listener) => listener.poll_accept(context).map(Some),
            None => Poll::Ready(None),
        });
        match accepted.await {
            None => return,
            Some(Ok((stream, peer))) => admit(&shared, stream, peer),
            // Out of file descriptors, most likely: those who wait at the door wait a little longer.
            Some(Err(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn admit(shared: &Arc<Shared>, stream: TcpStream, peer: SocketAddr) {
    if shared.state().everyone.len() < CONNECTIONS {
        tokio::spawn(connection::serve(shared.clone(), stream, peer));
    }
}

/// How often it is looked whether what clients have been sent has made room.
const ALARM_CHECK: Duration = Duration::from_millis(50);
/// How long those who wait for the lock get before the broker's own work goes on.
const GIVE_WAY: Duration = Duration::from_millis(1);

/// Tells the broker the time whenever something in it is due, and lets it go on with what it has left for later.
async fn keep_time(shared: Arc<Shared>) {
    loop {
        let next = shared.state().next_timer;
        let due = async {
            match next {
                Some(moment) => tokio::time::sleep(Duration::from_millis(moment.saturating_sub(shared.now()))).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shared.reset_clock.notified() => {}
            () = due => shared.with(None, |broker, now| broker.tick(now)),
            // The encoder lets go of messages without the lock, and the last of them may have made room.
            () = tokio::time::sleep(ALARM_CHECK), if shared.must_ask_before_publishing(0) => shared.with(None, |broker, now| broker.tick(now)),
            () = shared.work_left.notified() => {
                shared.with(None, |broker, now| broker.resume_dead_letters(now));
                // The lock goes to whoever comes first, which would be this task again.
                match shared.contenders.load(Ordering::Relaxed) {
                    0 => tokio::task::yield_now().await,
                    _ => tokio::time::sleep(GIVE_WAY).await,
                }
            }
        }
    }
}
