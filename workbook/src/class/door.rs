//! The door between the network and the post office: who gets in, how fast they may talk, and how they are put out.
//!
//! The post office itself listens on loopback only. Each client's bytes pass through here unchanged.

use super::{
    allowance::{Allowance, CONNECTIONS},
    frames::{Frames, farewell},
    notices::{Notice, Notices},
};
use anyhow::{Result, bail};
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    select,
    sync::{oneshot, watch},
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

/// How many clients may be in the post office at a time.
pub const CLIENTS: usize = 200;
/// How many machines are remembered with what they have used up.
const MACHINES: usize = 1000;
/// How much of a client's bytes is weighed at once. Small, so that nobody owes a rest of more than a few seconds.
const PIECE: usize = 4 << 10;
/// How much of the post office's bytes is passed on at once.
const BATCH: usize = 16 << 10;
/// How long last words may take.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// What a client answers to a farewell: `connection.close-ok`.
const CLOSE_OK: (u8, u8) = (10, 51);
/// How long the system gets to find room where there is none for another client.
const SHORT_OF_ROOM: Duration = Duration::from_millis(50);

/// An open door. Dropping it shuts it at once.
pub(super) struct Door {
    hall: Arc<Hall>,
    address: SocketAddr,
    shut: watch::Sender<bool>,
    keeper: JoinHandle<()>,
}

/// What everybody at the door shares.
struct Hall {
    office: SocketAddr,
    people: Mutex<People>,
    notices: Arc<Notices>,
}

#[derive(Default)]
struct People {
    count: usize,
    /// By machine. The teacher's own isn't among them: there, each connection has an allowance of its own.
    machines: HashMap<IpAddr, Arc<Mutex<Allowance>>>,
    /// How to put out each client, by the address that the post office knows it by.
    inside: HashMap<String, oneshot::Sender<String>>,
}

impl Hall {
    fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a client in, or says who is to blame that it can't be.
    fn admit(&self, from: IpAddr, now: Instant) -> Result<Arc<Mutex<Allowance>>, Notice> {
        let mut people = self.people();
        if people.count >= CLIENTS {
            return Err(Notice::Full);
        }
        let fresh = || Arc::new(Mutex::new(Allowance::new(now)));
        let allowance = if from.to_canonical().is_loopback() {
            fresh()
        } else {
            if people.machines.len() >= MACHINES {
                people.machines.retain(|_, machine| locked(machine).connections > 0);
            }
            people.machines.entry(from).or_insert_with(fresh).clone()
        };
        {
            let mut allowance = locked(&allowance);
            if allowance.connections >= CONNECTIONS {
                return Err(Notice::TooManyConnections(from.to_canonical()));
            }
            allowance.connections += 1;
        }
        people.count += 1;
        Ok(allowance)
    }
}

fn locked(allowance: &Mutex<Allowance>) -> MutexGuard<'_, Allowance> {
    allowance.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A client's place in the post office, free again when this is dropped.
struct Place {
    hall: Arc<Hall>,
    allowance: Arc<Mutex<Allowance>>,
    /// The address that the post office knows the client by.
    known_as: Option<String>,
}

impl Drop for Place {
    fn drop(&mut self) {
        locked(&self.allowance).connections -= 1;
        let mut people = self.hall.people();
        people.count -= 1;
        if let Some(known_as) = &self.known_as {
            people.inside.remove(known_as);
        }
    }
}

impl Door {
    /// Opens a door to the post office at `office`.
    pub(super) async fn open(listen: SocketAddr, office: SocketAddr, notices: Arc<Notices>) -> Result<Self> {
        let listener = match TcpListener::bind(listen).await {
            Ok(listener) => listener,
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => bail!(
                "{listen} is taken: close `cargo workbook` or the broker that has the port, or choose another with \
                 --listen {}",
                SocketAddr::new(listen.ip(), listen.port().saturating_add(1))
            ),
            Err(source) => bail!(postoffice::Error::Listen { address: listen, source }),
        };
        let address = listener.local_addr()?;
        let hall = Arc::new(Hall { office, people: Mutex::default(), notices });
        let (shut, is_shut) = watch::channel(false);
        let keeper = tokio::spawn(keep(listener, hall.clone(), is_shut));
        Ok(Self { hall, address, shut, keeper })
    }

    /// Where it is.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts out the client that the post office knows by this address, and tells it why. False if it is on its way out.
    pub(super) fn put_out(&self, known_as: &str, why: &str) -> bool {
        let client = self.hall.people().inside.remove(known_as);
        client.is_some_and(|client| client.send(why.to_owned()).is_ok())
    }

    /// All queues, exchanges and bindings are gone: nobody has made any.
    pub(super) fn reset(&self) {
        let mut people = self.hall.people();
        people.machines.retain(|_, machine| {
            let mut machine = locked(machine);
            machine.reset();
            machine.connections > 0
        });
    }

    /// Lets nobody in any more.
    pub(super) fn shut(&self) {
        self.shut.send_replace(true);
    }

    /// Waits until those inside have heard the post office's last words.
    pub(super) async fn wait_until_empty(mut self) {
        let _ = timeout(LAST_WORDS * 2, &mut self.keeper).await; // who doesn't listen is left behind
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Lets clients in until the door is shut, then waits until all have left.
async fn keep(listener: TcpListener, hall: Arc<Hall>, mut is_shut: watch::Receiver<bool>) {
    let mut clients = JoinSet::new();
    loop {
        let accepted = select! {
            _ = is_shut.changed() => break,
            Some(_) = clients.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, from)) = accepted else {
            sleep(SHORT_OF_ROOM).await; // out of file descriptors, most likely
            continue;
        };
        match hall.admit(from.ip(), Instant::now()) {
            Ok(allowance) => {
                let place = Place { hall: hall.clone(), allowance, known_as: None };
                clients.spawn(async move {
                    let _ = serve(stream, place).await; // a connection that broke is gone like one that was closed
                });
            }
            Err(notice) => hall.notices.tell(notice),
        }
    }
    drop(listener);
    while clients.join_next().await.is_some() {}
}

/// Passes a client's bytes to the post office, and back, until one of them hangs up or the client is put out.
async fn serve(mut client: TcpStream, mut place: Place) -> io::Result<()> {
    let mut office = TcpStream::connect(place.hall.office).await?;
    client.set_nodelay(true)?;
    office.set_nodelay(true)?;
    let known_as = office.local_addr()?.to_string();
    let (put_out, mut is_put_out) = oneshot::channel();
    place.hall.people().inside.insert(known_as.clone(), put_out);
    place.known_as = Some(known_as);
    let machine = client.peer_addr()?.ip().to_canonical();

    let (mut from_client, mut to_client) = client.split();
    let (mut from_office, mut to_office) = office.split();
    let (mut outward, mut frames) = (Outward::new(), Frames::of_client());
    let why = {
        let inward = pin!(pass_in(&mut from_client, &mut to_office, &mut frames, &place.allowance));
        select! {
            went = outward.pass_on(&mut from_office, &mut to_client) => { went?; None }
            why = &mut is_put_out => why.ok(),
            why = inward => {
                let why = why?;
                place.hall.notices.tell(Notice::PutOut(format!("{machine}: {why}")));
                Some(why)
            }
        }
    };
    let last_words = async {
        let mut unheard = [0; PIECE];
        if let Some(why) = why {
            outward.finish_frame(&mut from_office, &mut to_client).await?;
            to_client.write_all(&farewell(&why)).await?;
            let mut has_agreed = false;
            while !has_agreed {
                let length = from_client.read(&mut unheard).await?;
                frames.take(&unheard[..length], |method| has_agreed |= method.ids() == CLOSE_OK);
                has_agreed |= length == 0;
            }
        }
        to_client.shutdown().await?;
        // Hanging up on a client that still talks could cost it what it hasn't read yet.
        while from_client.read(&mut unheard).await? > 0 {}
        io::Result::Ok(())
    };
    timeout(LAST_WORDS, last_words).await?
}

/// Passes on what a client says, no faster than it may. Ends only with a reason to put it out.
async fn pass_in(
    client: &mut ReadHalf<'_>,
    office: &mut WriteHalf<'_>,
    frames: &mut Frames,
    allowance: &Mutex<Allowance>,
) -> io::Result<String> {
    let mut piece = [0; PIECE];
    loop {
        let length = client.read(&mut piece).await?;
        if length == 0 {
            office.shutdown().await?; // the post office then ends its side
            return std::future::pending().await;
        }
        let piece = &piece[..length];
        let (rest, outcome) = {
            let mut allowance = locked(allowance);
            let (mut requests, mut outcome) = (0, Ok(()));
            frames.take(piece, |method| {
                requests += 1;
                if outcome.is_ok() {
                    outcome = allowance.note(method);
                }
            });
            (allowance.pay(requests, length as u32, Instant::now()), outcome)
        };
        if let Err(why) = outcome {
            return Ok(why);
        }
        sleep(rest).await;
        office.write_all(piece).await?;
    }
}

/// What goes from the post office to a client. It can be interrupted anywhere, and goes on from there.
struct Outward {
    batch: Vec<u8>,
    /// What of the batch is still to be written.
    unwritten: std::ops::Range<usize>,
    /// Follows what was written.
    frames: Frames,
}

impl Outward {
    fn new() -> Self {
        Self { batch: vec![0; BATCH], unwritten: 0..0, frames: Frames::of_broker() }
    }

    /// Passes bytes on until the post office hangs up.
    async fn pass_on(&mut self, office: &mut ReadHalf<'_>, client: &mut WriteHalf<'_>) -> io::Result<()> {
        loop {
            while !self.unwritten.is_empty() {
                let written = client.write(&self.batch[self.unwritten.clone()]).await?;
                if written == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                self.wrote(written);
            }
            if !self.refill(office).await? {
                return Ok(());
            }
        }
    }

    /// Completes the frame that the client has the beginning of.
    async fn finish_frame(&mut self, office: &mut ReadHalf<'_>, client: &mut WriteHalf<'_>) -> io::Result<()> {
        while !self.frames.at_boundary() {
            if self.unwritten.is_empty() && !self.refill(office).await? {
                return Ok(());
            }
            client.write_all(&self.batch[self.unwritten.start..=self.unwritten.start]).await?;
            self.wrote(1);
        }
        Ok(())
    }

    /// Reads the next batch. False if there is none.
    async fn refill(&mut self, office: &mut ReadHalf<'_>) -> io::Result<bool> {
        let length = office.read(&mut self.batch).await?;
        self.unwritten = 0..length;
        Ok(length > 0)
    }

    fn wrote(&mut self, length: usize) {
        let end = self.unwritten.start + length;
        self.frames.take(&self.batch[self.unwritten.start..end], |_| {});
        self.unwritten.start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn hall() -> Hall {
        Hall { office: ([127, 0, 0, 1], 1).into(), people: Mutex::default(), notices: Arc::default() }
    }

    #[test]
    fn a_machine_has_so_many_connections_and_the_others_keep_their_places() {
        let hall = hall();
        let (now, greedy, modest) = (Instant::now(), [192, 168, 1, 7].into(), [192, 168, 1, 8].into());
        for _ in 0..CONNECTIONS {
            hall.admit(greedy, now).unwrap();
        }
        assert_eq!(hall.admit(greedy, now).unwrap_err(), Notice::TooManyConnections(greedy));
        hall.admit(modest, now).unwrap();
    }

    #[test]
    fn a_machine_that_connects_again_has_no_new_allowance() {
        let hall = Arc::new(hall());
        let (now, machine) = (Instant::now(), [192, 168, 1, 7].into());
        let first = hall.admit(machine, now).unwrap();
        drop(Place { hall: hall.clone(), allowance: first.clone(), known_as: None });
        assert_eq!(hall.people().count, 0);
        assert!(Arc::ptr_eq(&first, &hall.admit(machine, now).unwrap()));
    }

    #[test]
    fn the_room_holds_so_many_whoever_they_are() {
        let hall = hall();
        for _ in 0..CLIENTS {
            hall.admit(Ipv4Addr::LOCALHOST.into(), Instant::now()).unwrap();
        }
        assert_eq!(hall.admit([192, 168, 1, 9].into(), Instant::now()).unwrap_err(), Notice::Full);
    }
}
