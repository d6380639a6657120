//! The road: a proxy between a program and the broker. It notes which methods the program calls, can hold the broker's
//! answers back, and loses what is on it when the connection is cut.

use lapin::uri::AMQPUri;
use std::{
    mem::replace,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
    select,
    sync::{Notify, watch},
    task::JoinHandle,
};

/// A method of AMQP 0-9-1: the numbers of its class and of itself.
pub type Method = (u8, u8);
/// A program closes its connection.
pub const CONNECTION_CLOSE: Method = (10, 50);
/// A program declares a queue, passively or not.
pub const QUEUE_DECLARE: Method = (50, 10);
/// A program subscribes.
pub const BASIC_CONSUME: Method = (60, 20);
/// A program publishes a message.
pub const BASIC_PUBLISH: Method = (60, 40);
const CONFIRM_SELECT: Method = (85, 10);

/// The road of one connection, until the test closes it.
///
/// It is a long one: a message stays on the road until its sender asks the broker something, or closes the connection.
/// This makes certain what a slow network makes likely.
pub struct Road {
    addr: String,
    watch: Arc<Watch>,
    traffic: JoinHandle<()>,
}

#[derive(Default)]
struct Watch {
    seen: Mutex<Vec<Method>>,
    /// The call at which the connection is cut, and which of them it is.
    last: Mutex<Option<(Method, usize)>>,
    cut: Notify,
    /// The call after which the broker's answers wait on the road.
    last_answered: Mutex<Option<Method>>,
    /// They wait now.
    silent: watch::Sender<bool>,
}

impl Watch {
    /// Notes a call. False when the connection is to be cut before the broker hears of it.
    fn note(&self, method: Method) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(method);
        if *self.last_answered.lock().unwrap_or_else(PoisonError::into_inner) == Some(method) {
            self.silent.send_replace(true);
        }
        let calls = seen.iter().filter(|one| **one == method).count();
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) != Some((method, calls))
    }
}

impl Road {
    pub(crate) async fn to(addr: &str) -> Self {
        let mut uri: AMQPUri = addr.parse().expect("an AMQP address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on this machine");
        let here = listener.local_addr().expect("it is bound");
        let place = (replace(&mut uri.authority.host, here.ip().to_string()), uri.authority.port);
        uri.authority.port = here.port();
        let watch = Arc::<Watch>::default();
        let traffic = tokio::spawn(travel(listener, place, Arc::clone(&watch)));
        Self { addr: uri.to_string(), watch, traffic }
    }

    /// The address of this end of the road.
    pub fn addr(&self) -> &str {
        &self.addr
    }

    /// Closes the road. What has not arrived is lost, and both ends notice.
    pub async fn close(&mut self) {
        self.traffic.abort();
        let _ = (&mut self.traffic).await; // it was aborted, which is what this says
    }

    /// Cuts the connection when the program calls this method for the `nth` time, counted from 1. The broker never hears
    /// of that call.
    pub fn cut_at(&self, method: Method, nth: usize) {
        *self.watch.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((method, nth));
    }

    /// Whether the program has called this method.
    pub fn saw(&self, method: Method) -> bool {
        self.watch.seen.lock().unwrap_or_else(PoisonError::into_inner).contains(&method)
    }

    /// How often the program has called this method.
    pub fn calls(&self, method: Method) -> usize {
        self.watch.seen.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|one| **one == method).count()
    }

    /// From the next call of this method on, the broker hears the program and the program doesn't hear the broker, until
    /// [`Road::deliver_answers`].
    pub fn hold_answers_from(&self, method: Method) {
        *self.watch.last_answered.lock().unwrap_or_else(PoisonError::into_inner) = Some(method);
    }

    /// Lets all answers pass, those too that have waited.
    pub fn deliver_answers(&self) {
        *self.watch.last_answered.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.watch.silent.send_replace(false);
    }

    /// Makes sure that the program has asked for messages and has not subscribed.
    ///
    /// # Panics
    /// When it has.
    pub fn assert_no_subscription(&self) {
        assert!(
            !self.saw(BASIC_CONSUME),
            "your program subscribes (basic_consume). A subscription means “everything, from now on”; nobody can tell it \
             that the queue is empty, and a timeout only guesses. Ask for one message at a time, with basic_get\n\
             你的程序用的是订阅（basic_consume）。订阅的意思是“从现在起，全都要”；没有人会告诉它队列空了，\
             等一段时间就放弃也只是猜。请用 basic_get，一次要一条"
        );
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        self.traffic.abort();
    }
}

/// Takes one program to the broker.
async fn travel(listener: TcpListener, place: (String, u16), watch: Arc<Watch>) {
    let Ok((program, _)) = listener.accept().await else { return };
    let Ok(broker) = TcpStream::connect(place).await else { return };
    let (from_program, mut to_program) = program.into_split();
    let (from_broker, to_broker) = broker.into_split();
    let there = send_on(from_program, to_broker, &watch);
    let back = send_back(from_broker, &mut to_program, watch.silent.subscribe());
    let both = async { tokio::join!(there, back) }; // one end has gone; the other notices
    select! {
        _ = both => {}
        () = watch.cut.notified() => {}
    }
}

/// A frame: its type, its channel (2 bytes), the length of what follows (4 bytes); then that, and one byte to end it.
const HEAD: usize = 7;

/// Passes frames on, and keeps messages on the road until another method follows them.
async fn send_on(mut program: OwnedReadHalf, mut broker: impl AsyncWrite + Unpin, watch: &Watch) -> io::Result<()> {
    let mut greeting = [0; 8];
    program.read_exact(&mut greeting).await?;
    broker.write_all(&greeting).await?;
    let mut on_the_road = Vec::new();
    let mut confirms = false;
    loop {
        let frame = read_frame(&mut program).await?;
        // A method's frame has type 1, and begins with the numbers of its class and of itself, two bytes each.
        let method = (frame[0] == 1).then(|| (frame[HEAD + 1], frame[HEAD + 3]));
        if let Some(method) = method
            && !watch.note(method)
        {
            watch.cut.notify_one();
            return Ok(());
        }
        confirms |= method == Some(CONFIRM_SELECT); // from here on each message asks for an answer
        on_the_road.extend(frame);
        let is_message = matches!(method, None | Some(BASIC_PUBLISH)); // and the content that follows it
        if !is_message || confirms {
            broker.write_all(&on_the_road).await?;
            on_the_road.clear();
        }
    }
}

/// Passes on what the broker says, while it may be heard.
async fn send_back(
    mut broker: OwnedReadHalf,
    program: &mut (impl AsyncWrite + Unpin),
    mut silent: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut said = [0; 4096];
    loop {
        let length = broker.read(&mut said).await?;
        if length == 0 {
            return Ok(());
        }
        let _ = silent.wait_for(|silent| !silent).await; // it lasts as long as the road does
        program.write_all(&said[..length]).await?;
    }
}

async fn read_frame(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; HEAD];
    from.read_exact(&mut frame).await?;
    let length = u32::from_be_bytes([frame[3], frame[4], frame[5], frame[6]]) as usize;
    frame.resize(HEAD + length + 1, 0);
    from.read_exact(&mut frame[HEAD..]).await?;
    Ok(frame)
}
