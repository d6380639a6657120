//! One client's connection: bytes in, bytes out (AMQP 0-9-1, section 2.2).
//!
//! One task per connection reads, runs what it read against the broker, and writes. It reads as much as there is and
//! locks the broker once for all of it; it writes what has gathered in one piece. The parts:
//!
//! - `input`: from the bytes that arrived to the commands that the broker runs;
//! - `heartbeat`: what is due when nothing is said;
//! - `ending`: how it ends, whoever wants that.

mod ending;
mod heartbeat;
mod input;

use crate::{
    assembly::{Assembly, Command},
    effect::{Effect, Outgoing},
    encoder::Encoder,
    error::ReplyCode,
    handshake::{FRAME_MIN, Handshake},
    ledger::Charge,
    pace::Pace,
    shared::{Registration, Shared, Stop},
    trace::Tracer,
};
use amq_protocol::protocol::AMQPClass;
use bytes::{BufMut, BytesMut};
use heartbeat::{Beat, Heartbeat, next_half};
use std::{
    collections::{HashMap, VecDeque},
    io,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::{TcpStream, tcp::ReadHalf},
    time::{Instant, sleep, sleep_until},
};

/// How long a peer may take until its connection is open; RabbitMQ's default.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How much is read at once.
const READ_SIZE: usize = 64 * 1024;
/// The same where the host's rate is limited. Small, so that a host never owes a rest of more than a few seconds.
const THROTTLED_READ: usize = 4 * 1024;
/// How much is encoded before it is written.
const WRITE_SIZE: usize = 64 * 1024;
/// A peer that asks and asks and doesn't read the answers isn't listened to any more while this much waits for it.
const ANSWERS_LIMIT: usize = 8 * 1024 * 1024;
/// How often a peer whose bytes have to wait is looked at, whether it is still there.
const GLANCE: Duration = Duration::from_millis(50);

/// How far a connection has come.
enum Stage {
    /// Nothing was said yet.
    New,
    Handshake(Handshake),
    Open,
    /// We have said all that we had to say. The peer has yet to agree, or to hang up.
    Closing,
    /// The last bytes are on their way out, then it is over.
    Over,
}

struct Connection {
    registration: Registration,
    peer: SocketAddr,
    stage: Stage,
    channels: HashMap<u16, Assembly>,
    /// The bytes of messages of which a part is still to come, and where they are charged.
    half_sent: usize,
    half_sent_charge: Option<Arc<Charge>>,
    frame_max: u32,
    heartbeat: Option<Heartbeat>,
    pace: Pace,
    /// The peer was told that the office closes.
    was_told: bool,
    /// The broker told the peer to stop publishing.
    blocked: bool,
    /// How many methods were read since the last look at the host's rate.
    requests: u32,
    /// Until when the peer isn't read, because its host was too fast.
    throttled_until: Option<Instant>,
    input: BytesMut,
    commands: Vec<(u16, Command)>,
    outgoing: VecDeque<Outgoing>,
    outbox: Vec<Outgoing>,
    waiting_answers: usize,
    encoder: Encoder,
    written: usize,
    deadline: Instant,
    tracer: Option<Tracer>,
}

/// Serves a client until it leaves or is shown the door.
pub(crate) async fn serve(registration: Registration, stream: TcpStream, peer: SocketAddr) {
    let _ = stream.set_nodelay(true); // without it a reply may wait for the peer's acknowledgement; else harmless
    let tracer = registration.shared().tracer(peer);
    let mut connection = Connection {
        registration,
        peer,
        stage: Stage::New,
        channels: HashMap::new(),
        half_sent: 0,
        half_sent_charge: None,
        frame_max: FRAME_MIN,
        heartbeat: None,
        pace: Pace::new(Instant::now()),
        was_told: false,
        blocked: false,
        requests: 0,
        throttled_until: None,
        input: BytesMut::new(),
        commands: Vec::new(),
        outgoing: VecDeque::new(),
        outbox: Vec::new(),
        waiting_answers: 0,
        encoder: Encoder::default(),
        written: 0,
        deadline: Instant::now() + HANDSHAKE,
        tracer,
    };
    let _ = connection.run(stream).await; // a connection that broke is gone like one that was closed
}

impl Connection {
    async fn run(&mut self, mut stream: TcpStream) -> io::Result<()> {
        let (mut reader, mut writer) = stream.split();
        let wake = self.registration.wake().clone();
        loop {
            self.encode();
            let has_output = self.written < self.encoder.bytes().len();
            if matches!(self.stage, Stage::Over) && !has_output {
                self.leave();
                self.registration.forget(); // who closes the office needn't wait for the peer to hang up
                writer.shutdown().await?;
                return ending::linger(reader).await;
            }
            let is_listening = self.is_listening();
            let throttled_until = self.throttled_until.filter(|_| !matches!(self.stage, Stage::Closing));
            let is_resting = self.pace.is_resting() || throttled_until.is_some();
            let wants_input = is_listening && !is_resting && !matches!(self.stage, Stage::Over);
            let room = if self.registration.has_rate() { THROTTLED_READ } else { READ_SIZE };
            let has_deadline = !matches!(self.stage, Stage::Open);
            if wants_input {
                self.input.reserve(READ_SIZE);
            }
            tokio::select! {
                written = writer.write(self.encoder.bytes().get(self.written..).unwrap_or_default()), if has_output => {
                    self.written += written?;
                    self.pace.wrote();
                }
                read = self::read(&mut reader, (&mut self.input).limit(room), wants_input), if wants_input || !is_listening => {
                    let bytes = read?;
                    if bytes == 0 {
                        return Ok(());
                    }
                    self.hear();
                    self.pace.read(bytes, Instant::now());
                    self.read();
                    self.throttled_until = self.registration.pay(std::mem::take(&mut self.requests), bytes);
                }
                () = sleep_until(throttled_until.unwrap_or(self.deadline)), if throttled_until.is_some() => {
                    self.throttled_until = None;
                }
                () = self.pace.rest() => {}
                () = wake.notified() => self.woken(),
                () = next_half(&mut self.heartbeat) => {
                    if !self.beat() {
                        return Ok(());
                    }
                }
                () = sleep_until(self.deadline), if has_deadline => return Ok(()),
            }
        }
    }

    fn shared(&self) -> &Shared {
        self.registration.shared()
    }

    /// Whether what the peer says is read: not while it has to wait, nor while it leaves too many answers unread.
    fn is_listening(&self) -> bool {
        !self.blocked && self.waiting_answers < ANSWERS_LIMIT
    }

    /// Fills the encoder with what waits, once it is empty.
    fn encode(&mut self) {
        if self.written < self.encoder.bytes().len() {
            return;
        }
        self.encoder.clear();
        self.written = 0;
        if self.outgoing.is_empty() && self.waiting_answers > 0 {
            self.pull();
        }
        while self.encoder.bytes().len() < WRITE_SIZE {
            let Some(outgoing) = self.outgoing.pop_front() else { return };
            if let Some(heartbeat) = &mut self.heartbeat {
                heartbeat.wrote();
            }
            if let Some(tracer) = &self.tracer {
                tracer.sent(&outgoing);
            }
            self.encoder.outgoing(outgoing, self.frame_max);
        }
    }

    /// Takes what the broker has for this client.
    fn pull(&mut self) {
        let Some(id) = self.registration.id() else { return };
        let outbox = &mut self.outbox;
        // Taking makes room, so that more may lie there afterwards.
        self.waiting_answers = self.registration.shared().with(Some(id), |broker, now| {
            broker.take_outbox(id, outbox, now);
            broker.outbox_weight(id)
        });
        self.outgoing.extend(self.outbox.drain(..));
    }

    /// Something has happened that concerns this connection.
    fn woken(&mut self) {
        match self.shared().stop() {
            Some(Stop::Gone) => self.stage = Stage::Over,
            Some(Stop::Shutdown) if matches!(self.stage, Stage::Open) => {
                let text = "broker forced connection closure with reason 'shutdown'";
                self.close(&ReplyCode::ConnectionForced.because(text), (0, 0));
                self.was_told = true;
            }
            Some(Stop::Shutdown) if !self.was_told => self.stage = Stage::Over,
            _ => {}
        }
        if let Some(reason) = self.registration.take_forced_close() {
            self.close(&ReplyCode::ConnectionForced.because(reason), (0, 0));
        }
        let Some(id) = self.registration.id() else { return };
        let was_blocked = self.blocked;
        let close_reason;
        (self.waiting_answers, self.blocked, close_reason) = self
            .registration
            .shared()
            .with(Some(id), |broker, _| (broker.outbox_weight(id), broker.is_blocked(id), broker.close_reason(id)));
        if let Some(refusal) = close_reason {
            return self.close_for_memory(&refusal);
        }
        if was_blocked && !self.blocked {
            self.hear();
            self.read(); // what had arrived before it was blocked
        }
    }

    /// Half a heartbeat's interval has passed. False if the peer is to be given up.
    fn beat(&mut self) -> bool {
        let is_listening = self.is_listening();
        let Some(heartbeat) = &mut self.heartbeat else { return true };
        if !is_listening {
            heartbeat.read(); // who isn't listened to can't be heard
        }
        match heartbeat.beat() {
            Beat::GiveUp => return false,
            Beat::Send if self.written >= self.encoder.bytes().len() => self.encoder.heartbeat(),
            Beat::Send | Beat::Nothing => {}
        }
        true
    }

    /// The peer said something.
    fn hear(&mut self) {
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.read();
        }
    }

    /// Sends a method after everything that waits already.
    fn send(&mut self, channel: u16, method: AMQPClass) {
        let effect = Effect::Method(Box::new(method));
        self.outgoing.push_back(Outgoing { channel, effect });
    }
}

/// Reads what has come; nothing means that the peer has hung up. If its bytes have to wait, only the latter is looked for.
async fn read(reader: &mut ReadHalf<'_>, mut input: impl BufMut, wants_input: bool) -> io::Result<usize> {
    if wants_input {
        return reader.read_buf(&mut input).await;
    }
    // The end of the stream can't be awaited behind bytes that nobody reads, but the system knows of it. It doesn't where
    // those fill its buffer; then a heartbeat that we send to a peer that is gone is answered with a reset.
    while !reader.ready(Interest::READABLE).await?.is_read_closed() {
        sleep(GLANCE).await;
    }
    Ok(0)
}
