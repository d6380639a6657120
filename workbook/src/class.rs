//! The class's post office, `cargo workbook class`: the whole room sends to one machine, and a big screen shows who has
//! come how far.
//!
//! Nothing here runs a program or shows a file. Students reach the [`door`] and, behind it, a post office; the big
//! [`screen`] is for the teacher's own browser.

mod addresses;
mod allowance;
mod command;
mod door;
mod frames;
mod notices;
mod password;
mod register;
mod screen;

pub use allowance::{BYTES_PER_SECOND, CONNECTIONS, QUEUES, REQUESTS_PER_SECOND, RULES};
pub use command::{ClassArgs, class};
pub use door::CLIENTS;
pub use register::{NAME, PREFIX, STUDENTS};

use crate::{auth::Auth, news::News, server::listen};
use anyhow::{Context, Result};
use axum::serve::ListenerExt;
use door::Door;
use notices::{Notice, Notices};
use postoffice::{Journal, PostOffice, QueueState};
use register::{Mailbox, Register, View};
use screen::{Order, Screen};
use serde::Serialize;
use std::{
    collections::HashSet,
    net::{Ipv4Addr, SocketAddr},
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
/// The largest letter, in bytes.
pub const LETTER: u64 = 8 << 10;
/// How many letters may wait in one mailbox; with one more it is emptied.
pub const LETTERS: usize = 200;
/// How many letters a connection may hold without signing for them; with one more it is put out.
pub const UNSIGNED: usize = 200;
/// How many queues there may be; those that are one too many are deleted.
pub const ALL_QUEUES: usize = 1000;
/// Publishers have to wait while all letters together take more than this many bytes.
const MEMORY: usize = 256 << 20;
/// What happens within this time is shown at once. Shorter, and a busy browser would be told more than it can draw.
const GATHERING: Duration = Duration::from_millis(40);
/// How often the limits are looked after when nothing happens.
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
    door: Door,
    journal: Journal,
    notices: Arc<Notices>,
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
    /// Opens the post office, its door, and the port of the big screen. Clients are served from here on.
    ///
    /// # Errors
    /// When a port can't be had.
    pub async fn open(options: Options) -> Result<Self> {
        let password = password::new()?;
        let office = PostOffice::builder()
            .listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .credentials(USER, &password)
            .memory_limit(MEMORY)
            .message_limit(LETTER);
        let office = office.open().await.context("can't open the post office")?;
        let journal = office.journal();
        let notices = Arc::<Notices>::default();
        let door = Door::open(options.listen, office.address(), notices.clone()).await?;
        let page = listen(options.port).await?;
        let auth = Auth::new(page.local_addr()?.port())?;
        let address = auth.address();
        Ok(Self { office, door, journal, notices, password, page, auth, address })
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
        let reachable = addresses::reachable(self.door.address())?;
        Ok(reachable.iter().map(|to| self.office.uri_at(to.address)).collect())
    }

    /// The address of the big screen, with its token.
    pub fn page(&self) -> &str {
        &self.address
    }

    /// Keeps the register and the limits, and serves the big screen, until `stop` comes; then closes everything.
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
        let desk =
            Desk { office: &self.office, door: &self.door, notices: &self.notices, register: Register::default() };
        let page = self.page.tap_io(|stream| {
            let _ = stream.set_nodelay(true); // news would otherwise wait for the page's acknowledgement of the last
        });
        let served = axum::serve(page, screen::app(screen.clone()));
        select! {
            _ = stop => {}
            served = served => served.context("the big screen can't be served any more")?,
            () = desk.keep(self.journal, ordered, &screen) => {}
        }
        self.door.shut();
        self.office.close().await;
        self.door.wait_until_empty().await;
        Ok(())
    }
}

/// Where the register is kept and the limits are looked after.
struct Desk<'a> {
    office: &'a PostOffice,
    door: &'a Door,
    notices: &'a Notices,
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
                        self.register.take(event);
                        sleep(GATHERING).await;
                    }
                    None => return,
                },
                Some(given) = ordered.recv() => order = Some(given),
                _ = rounds.tick() => {}
            }
            let done = order.map(|order| (self.carry_out(&order), order));
            while let Some(event) = journal.try_next() {
                self.register.take(event); // what a reset has ended, too
            }
            if let Some((_, Order::Reset(_))) = &done {
                self.register.reset();
            }
            let queues = self.office.queues();
            self.look_after(&queues);
            let view = self.register.view(queues.into_iter().map(mailbox).collect());
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

    /// Does what the teacher wants. False if there is nobody of that name.
    fn carry_out(&mut self, order: &Order) -> bool {
        match order {
            Order::Reset(_) => {
                self.office.reset();
                self.door.reset();
                self.notices.clear();
                true
            }
            Order::Remove { name, .. } => {
                let has_mailbox = self.office.delete(&format!("{PREFIX}{name}")).is_ok();
                let theirs: HashSet<_> = self.register.connections_of(name).into_iter().collect();
                let is_there = !theirs.is_empty();
                self.put_out("the teacher has removed you from the class", |connection| {
                    theirs.contains(&connection.id)
                });
                self.register.remove(name) || has_mailbox || is_there
            }
        }
    }

    /// Empties and deletes what has grown too large, and puts out who holds or is called too much.
    fn look_after(&mut self, queues: &[QueueState]) {
        for (number, queue) in queues.iter().enumerate() {
            if number >= ALL_QUEUES || queue.name.len() > PREFIX.len() + NAME {
                if self.office.delete(&queue.name).is_ok() {
                    self.notices.tell(Notice::Deleted(register::shown(&queue.name)));
                }
            } else if queue.ready > LETTERS && self.office.purge(&queue.name).is_ok() {
                self.notices.tell(Notice::Emptied(register::shown(&queue.name)));
            }
        }
        let unsigned = format!("in this class a program may hold {UNSIGNED} letters without signing for them");
        self.put_out(&unsigned, |connection| connection.unacknowledged > UNSIGNED);
        let name = format!("in this class a name has {NAME} bytes at most");
        self.put_out(&name, |connection| connection.name.as_ref().is_some_and(|name| name.len() > NAME));
        if self.register.was_full() {
            self.notices.tell(Notice::RegisterFull);
        }
    }

    fn put_out(&self, why: &str, whom: impl Fn(&postoffice::ConnectionState) -> bool) {
        for connection in self.office.connections().iter().filter(|connection| whom(connection)) {
            if self.door.put_out(&connection.peer, why) {
                let name = connection.name.as_deref().unwrap_or("?");
                self.notices.tell(Notice::PutOut(format!("{}: {why}", register::shown(name))));
            }
        }
    }
}

fn mailbox(queue: QueueState) -> Mailbox {
    Mailbox {
        name: queue.name,
        ready: queue.ready,
        unacknowledged: queue.unacknowledged,
        consumers: queue.consumers,
        durable: queue.durable,
    }
}
