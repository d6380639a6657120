//! The class's post office, `cargo workbook class`: the whole room sends to one machine, and a big screen shows who has
//! come how far.
//!
//! Nothing here runs a program or shows a file. Students reach a post office, which has [`limits`]; the big [`screen`] is for
//! the teacher's own browser, and knows what the post office's journal tells.

mod addresses;
mod command;
mod limits;
mod notices;
mod password;
mod register;
mod screen;

pub use command::{ClassArgs, class};
pub use limits::{
    BINDINGS, BYTES_PER_SECOND, CLIENTS, CONNECTIONS, EXCHANGES, LETTER, LETTERS, QUEUES, REQUESTS_PER_SECOND, UNACKED,
};
pub use register::{NAME, PREFIX, STUDENTS};

use crate::{auth::Auth, news::News, server::listen};
use anyhow::{Context, Result};
use axum::serve::ListenerExt;
use notices::{Notice, Notices};
use postoffice::{Event, Journal, PostOffice, QueueState};
use register::{Queue, Register, View};
use screen::{Order, Screen};
use serde::Serialize;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    select,
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep},
};

/// The user that students log in as.
const USER: &str = "class";
/// Publishers have to wait while all letters together take more than this many bytes.
const MEMORY: usize = 256 << 20;
/// What happens within this time is shown at once. Shorter, and a busy browser would be told more than it can draw.
const GATHERING: Duration = Duration::from_millis(40);
/// How often the queues are looked at when the journal tells nothing.
const ROUNDS: Duration = Duration::from_millis(200);

/// What a class is opened with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where students' programs connect to.
    pub listen: SocketAddr,
    /// The wanted port of the big screen on 127.0.0.1.
    pub port: u16,
}

/// An open post office for a class. Dropping it closes it at once; [`Class::run`] tells the clients first.
pub struct Class {
    office: PostOffice,
    journal: Journal,
    password: String,
    page: TcpListener,
    auth: Auth,
    address: String,
}

/// What the big screen is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Told {
    #[serde(flatten)]
    view: View,
    notices: Vec<Notice>,
}

impl Class {
    /// Opens the post office, and the port of the big screen. Clients are served from here on.
    ///
    /// # Errors
    /// When a port can't be had.
    pub async fn open(options: Options) -> Result<Self> {
        let password = password::new()?;
        let office = PostOffice::builder()
            .listen(options.listen)
            .allow_remote(true)
            .credentials(USER, &password)
            .memory_limit(MEMORY)
            .message_limit(LETTER)
            .limits(limits::limits());
        let office = office.open().await?;
        let journal = office.journal();
        let page = listen(options.port).await?;
        let auth = Auth::new(page.local_addr()?.port())?;
        let address = auth.address();
        Ok(Self { office, journal, password, page, auth, address })
    }

    /// The password of the user `class`.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// What students set `AMQP_ADDR` to: one for each address that they may reach.
    ///
    /// # Errors
    /// When the system doesn't tell its addresses.
    pub fn addrs(&self) -> Result<Vec<String>> {
        let reachable = addresses::reachable(self.office.address())?;
        Ok(reachable.iter().map(|to| self.office.uri_at(to.address)).collect())
    }

    /// The address of the big screen, with its token.
    pub fn page(&self) -> &str {
        &self.address
    }

    /// Keeps the register, and serves the big screen, until `stop` comes; then closes everything.
    ///
    /// # Errors
    /// When the big screen can't be served any more.
    pub async fn run<T>(self, stop: impl Future<Output = T>) -> Result<()> {
        let (orders, ordered) = mpsc::channel(16);
        let addrs = self.addrs()?;
        let screen = Screen {
            news: News::default(),
            now: Arc::new(Mutex::new(Told::default())),
            addrs: addrs.into(),
            password: self.password.as_str().into(),
            orders,
            auth: self.auth.clone(),
        };
        let desk = Desk { office: &self.office, notices: Notices::default(), register: Register::default() };
        let page = self.page.tap_io(|stream| {
            let _ = stream.set_nodelay(true); // news would otherwise wait for the page's acknowledgement of the last
        });
        let served = axum::serve(page, screen::app(screen.clone()));
        select! {
            _ = stop => {}
            served = served => served.context("the big screen can't be served any more")?,
            () = desk.keep(self.journal, ordered, &screen) => {}
        }
        self.office.close().await;
        Ok(())
    }
}

/// Where the register is kept.
struct Desk<'a> {
    office: &'a PostOffice,
    notices: Notices,
    register: Register,
}

impl Desk<'_> {
    /// Goes on for as long as the office is open.
    async fn keep(mut self, mut journal: Journal, mut ordered: mpsc::Receiver<Order>, screen: &Screen) {
        let mut rounds = interval(ROUNDS);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mut order = None;
            select! {
                event = journal.next() => match event {
                    Some(event) => {
                        self.take(event);
                        sleep(GATHERING).await;
                    }
                    None => return,
                },
                Some(given) = ordered.recv() => order = Some(given),
                _ = rounds.tick() => {}
            }
            let done = order.map(|order| (self.carry_out(&order), order));
            while let Some(event) = journal.try_next() {
                self.take(event); // what a reset has ended, too
            }
            if let Some((_, Order::Reset(_))) = &done {
                self.register.reset();
            }
            let queues = self.office.queues();
            let view = self.register.view(queues.into_iter().map(queue_of).collect());
            if self.register.was_full() {
                self.notices.tell(Notice::RegisterFull);
            }
            let told = Told { view, notices: self.notices.latest() };
            let mut now = screen.now.lock().unwrap_or_else(PoisonError::into_inner);
            if *now != told {
                screen.news.tell("class", &told);
                *now = told;
            }
            drop(now);
            if let Some((known, order)) = done {
                order.answer(known);
            }
        }
    }

    /// Notes what has happened.
    fn take(&mut self, event: Event) {
        if let Some(notice) = Notice::of(&event, |connection| self.register.name(connection)) {
            self.notices.tell(notice);
        }
        // A student's own limit is a lesson, not news for the teacher.
        if let Event::DeadLettered { queue, reason: "maxlen", .. } = &event
            && self.office.queue(queue).is_ok_and(|queue| queue.ready >= LETTERS)
        {
            self.notices.tell(Notice::Overflowed(register::shown(queue)));
        }
        self.register.take(event);
    }

    /// Does what the teacher wants. False if there is nobody of that name.
    fn carry_out(&mut self, order: &Order) -> bool {
        match order {
            Order::Reset(_) => {
                self.office.reset();
                self.notices.clear();
                true
            }
            Order::Remove { name, .. } => {
                let has_queue = self.office.delete(&format!("{PREFIX}{name}")).is_ok();
                let theirs = self.register.connections_of(name);
                for &connection in &theirs {
                    self.office.close_connection(connection, "the teacher has removed you from the class");
                }
                self.register.remove(name) || has_queue || !theirs.is_empty()
            }
        }
    }
}

fn queue_of(queue: QueueState) -> Queue {
    Queue {
        name: queue.name,
        ready: queue.ready,
        unacknowledged: queue.unacknowledged,
        consumers: queue.consumers,
        durable: queue.durable,
    }
}
