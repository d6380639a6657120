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
    server::{Shared, Stop},
    trace::Tracer,
};
use amq_protocol::protocol::AMQPClass;
use bytes::BytesMut;
use heartbeat::{Beat, Heartbeat, next_half};
use std::{
    collections::{HashMap, VecDeque},
    io,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
    time::{Instant, sleep_until},
};

/// How long a peer may take until its connection is open; RabbitMQ's default.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How much is read at once.
const READ_SIZE: usize = 64 * 1024;
/// How much is encoded before it is written.
const WRITE_SIZE: usize = 64 * 1024;
/// A peer that asks and asks and doesn't read the answers isn't listened to any more while this much waits for it.
const ANSWERS_LIMIT: usize = 8 * 1024 * 1024;

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
    shared: Arc<Shared>,
    peer: SocketAddr,
    stage: Stage,
    /// The broker's number for it, once it is open.
    id: Option<u64>,
    wake: Arc<Notify>,
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
pub(crate) async fn serve(shared: Arc<Shared>, stream: TcpStream, peer: SocketAddr) {
    let _ = stream.set_nodelay(true); // without it a reply may wait for the peer's acknowledgement; else harmless
    let tracer = shared.tracer(peer);
    let mut connection = Connection {
        shared,
        peer,
        stage: Stage::New,
        id: None,
        wake: Arc::new(Notify::new()),
        channels: HashMap::new(),
        half_sent: 0,
        half_sent_charge: None,
        frame_max: FRAME_MIN,
        heartbeat: None,
        pace: Pace::new(Instant::now()),
        was_told: false,
        blocked: false,
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
    connection.shared.greet(&connection.wake);
    let _ = connection.run(stream).await; // a connection that broke is gone like one that was closed
    connection.leave();
    connection.shared.forget(&connection.wake);
}

impl Connection {
    async fn run(&mut self, mut stream: TcpStream) -> io::Result<()> {
        let (mut reader, mut writer) = stream.split();
        let wake = self.wake.clone();
        loop {
            self.encode();
            let has_output = self.written < self.encoder.bytes().len();
            if matches!(self.stage, Stage::Over) && !has_output {
                self.leave();
                self.shared.forget(&self.wake); // who closes the office needn't wait for the peer to hang up
                writer.shutdown().await?;
                return ending::linger(reader).await;
            }
            let wants_input = self.is_listening() && !self.pace.is_resting() && !matches!(self.stage, Stage::Over);
            let has_deadline = !matches!(self.stage, Stage::Open);
            if wants_input {
                self.input.reserve(READ_SIZE);
            }
            tokio::select! {
                written = writer.write(self.encoder.bytes().get(self.written..).unwrap_or_default()), if has_output => {
                    self.written += written?;
                    self.pace.wrote();
                }
                read = reader.read_buf(&mut self.input), if wants_input => {
                    let bytes = read?;
                    if bytes == 0 {
                        return Ok(());
                    }
                    self.hear();
                    self.pace.read(bytes, Instant::now());
                    self.read();
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
        let Some(id) = self.id else { return };
        let outbox = &mut self.outbox;
        // Taking makes room, so that more may lie there afterwards.
        self.waiting_answers = self.shared.with(Some(id), |broker, now| {
            broker.take_outbox(id, outbox, now);
            broker.outbox_weight(id)
        });
        self.outgoing.extend(self.outbox.drain(..));
    }

    /// Something has happened that concerns this connection.
    fn woken(&mut self) {
        match self.shared.stop() {
            Some(Stop::Gone) => self.stage = Stage::Over,
            Some(Stop::Shutdown) if matches!(self.stage, Stage::Open) => {
                let text = "broker forced connection closure with reason 'shutdown'";
                self.close(&ReplyCode::ConnectionForced.because(text), (0, 0));
                self.was_told = true;
            }
            Some(Stop::Shutdown) if !self.was_told => self.stage = Stage::Over,
            _ => {}
        }
        let Some(id) = self.id else { return };
        let was_blocked = self.blocked;
        let close_reason;
        (self.waiting_answers, self.blocked, close_reason) = self
            .shared
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
