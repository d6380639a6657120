//! One client's connection: its handshake, its heartbeat, its frames in and out (AMQP 0-9-1, section 2.2).
//!
//! One task per connection reads, runs what it read against the broker, and writes. It reads as much as there is and
//! locks the broker once for all of it; it writes what has gathered in one piece.

use crate::{
    assembly::{Assembly, Command},
    broker::{Client, Fatal},
    effect::Outgoing,
    encoder::Encoder,
    error::{Refusal, ReplyCode, short},
    handshake::{FRAME_MIN, Handshake, Next},
    pace::Pace,
    server::{Shared, Stop},
    trace::Tracer,
    wire::{self, BadMethod, Frame, Ids, LostSync, Method},
};
use amq_protocol::protocol::{AMQPClass, connection};
use bytes::{Buf, BytesMut};
use std::{
    collections::{HashMap, VecDeque},
    io,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, tcp::ReadHalf},
    sync::Notify,
    time::{Instant, Interval, sleep_until},
};

/// How long a peer may take until its connection is open; RabbitMQ's default.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a peer may take to agree to a close, or to hang up after one; RabbitMQ's value.
const CLOSING: Duration = Duration::from_secs(30);
/// The same for a peer that was never let in.
const CLOSING_STRANGERS: Duration = Duration::from_secs(3);
/// How long the last words may take to be read.
const LINGER: Duration = Duration::from_secs(1);
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
    frame_max: u32,
    heartbeat: Option<Interval>,
    pace: Pace,
    /// Half-intervals since the peer last said anything.
    silence: u32,
    has_written: bool,
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
        frame_max: FRAME_MIN,
        heartbeat: None,
        pace: Pace::new(Instant::now()),
        silence: 0,
        has_written: false,
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
                return linger(reader).await;
            }
            let wants_input = self.is_listening() && !self.pace.is_resting() && !matches!(self.stage, Stage::Over);
            let has_deadline = !matches!(self.stage, Stage::Open);
            if wants_input {
                self.input.reserve(READ_SIZE);
            }
            tokio::select! {
                written = writer.write(self.encoder.bytes().get(self.written..).unwrap_or_default()), if has_output => {
                    self.written += written?;
                    self.has_written = true;
                    self.pace.wrote();
                }
                read = reader.read_buf(&mut self.input), if wants_input => {
                    let bytes = read?;
                    if bytes == 0 {
                        return Ok(());
                    }
                    self.silence = 0;
                    self.pace.read(bytes, Instant::now());
                    self.read();
                }
                () = self.pace.rest() => {}
                () = wake.notified() => self.woken(),
                () = tick(&mut self.heartbeat) => {
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
        (self.waiting_answers, self.blocked) =
            self.shared.with(Some(id), |broker, _| (broker.outbox_weight(id), broker.is_blocked(id)));
        if was_blocked && !self.blocked {
            self.silence = 0;
            self.read(); // what had arrived before it was blocked
        }
    }

    /// A heartbeat's half-interval has passed. False if the peer has been silent for two whole ones.
    fn beat(&mut self) -> bool {
        if !std::mem::take(&mut self.has_written) && self.written >= self.encoder.bytes().len() {
            self.encoder.heartbeat();
        }
        // A peer that isn't listened to can't be heard, so its silence says nothing.
        self.silence += u32::from(self.is_listening());
        self.silence <= 4
    }

    /// Goes through what has arrived.
    fn read(&mut self) {
        let input = std::mem::take(&mut self.input);
        let mut at = 0;
        while !self.blocked
            && let Some(length) = self.take_next(input.get(at..).unwrap_or_default())
        {
            at += length;
        }
        self.run_commands();
        let newer = std::mem::replace(&mut self.input, input);
        debug_assert!(newer.is_empty());
        self.input.advance(at.min(self.input.len()));
    }

    /// Handles what the bytes begin with; says how long that was, or nothing if it isn't complete.
    fn take_next(&mut self, bytes: &[u8]) -> Option<usize> {
        if let Stage::New = self.stage {
            return self.protocol_header(bytes);
        }
        if matches!(self.stage, Stage::Over) {
            return None;
        }
        match Frame::first_in(bytes, self.frame_max) {
            Ok(Some((frame, length))) => {
                if frame.kind == wire::HEADER && self.must_wait() {
                    return None;
                }
                self.frame(frame);
                Some(length)
            }
            Ok(None) => None,
            Err(LostSync { refusal }) => {
                self.run_commands();
                match self.stage {
                    Stage::Open => self.close(&refusal, (0, 0)),
                    _ => self.stage = Stage::Over,
                }
                // Nothing more can be understood, so there is no close-ok to wait for either.
                self.stage = Stage::Over;
                None
            }
        }
    }

    /// The first eight bytes: the protocol and its version.
    fn protocol_header(&mut self, bytes: &[u8]) -> Option<usize> {
        let header = bytes.first_chunk::<8>()?;
        match header {
            // The second is how some clients wrote it in the days of 0-9; RabbitMQ takes both.
            b"AMQP\x00\x00\x09\x01" | b"AMQP\x01\x01\x00\x09" => {
                let is_local = self.peer.ip().to_canonical().is_loopback();
                let (handshake, start) = Handshake::new(self.shared.credentials(), is_local);
                self.stage = Stage::Handshake(handshake);
                self.send(0, start);
            }
            _ => {
                self.encoder.raw(b"AMQP\x00\x00\x09\x01");
                self.stage = Stage::Over;
            }
        }
        Some(header.len())
    }

    /// Whether a message that begins here has to wait for consumers to make room.
    fn must_wait(&mut self) -> bool {
        let Some(id) = self.id.filter(|_| matches!(self.stage, Stage::Open) && self.shared.is_full()) else {
            return false;
        };
        self.run_commands();
        let (is_full, weight) = self.shared.with(Some(id), |broker, _| {
            let is_full = broker.is_full();
            if is_full {
                broker.block(id);
            }
            (is_full, broker.outbox_weight(id))
        });
        self.waiting_answers = weight;
        self.blocked = is_full;
        is_full
    }

    fn frame(&mut self, frame: Frame<'_>) {
        match &mut self.stage {
            Stage::New | Stage::Over => {}
            Stage::Handshake(handshake) => {
                let next = match (frame.kind, frame.channel) {
                    (wire::METHOD, 0) => handshake.method(frame.payload),
                    (wire::HEARTBEAT, 0) if frame.payload.is_empty() => Next::Listen,
                    _ => handshake.other_frame(frame),
                };
                self.handshake(next);
            }
            Stage::Closing => self.frame_while_closing(frame),
            Stage::Open if frame.channel == 0 => {
                self.run_commands();
                self.frame_on_channel_0(frame);
            }
            Stage::Open => self.frame_on_channel(frame),
        }
    }

    fn handshake(&mut self, next: Next) {
        if let (Some(tracer), Stage::Handshake(_)) = (&self.tracer, &self.stage) {
            tracer.handshake(&next);
        }
        match next {
            Next::Answer(method) => self.send(0, method),
            Next::Listen => {
                if let Stage::Handshake(handshake) = &self.stage {
                    self.frame_max = handshake.agreement.frame_max;
                }
            }
            Next::Welcome(method) => {
                let Stage::Handshake(handshake) = std::mem::replace(&mut self.stage, Stage::Open) else { return };
                let agreement = handshake.agreement;
                let client = Client {
                    name: agreement.name.clone(),
                    peer: self.peer.to_string(),
                    user: agreement.user.clone(),
                    hears_cancels: agreement.can("consumer_cancel_notify"),
                    hears_blocks: agreement.can("connection.blocked"),
                    channel_max: agreement.channel_max,
                };
                if agreement.heartbeat > 0 {
                    let half = Duration::from_secs(agreement.heartbeat.into()) / 2;
                    self.heartbeat = Some(tokio::time::interval_at(Instant::now() + half, half));
                }
                self.id = Some(self.shared.enter(client, &self.wake));
                self.send(0, method);
            }
            Next::Refuse { refusal, ids } => self.close(&refusal, ids),
            Next::Drop => self.stage = Stage::Over,
        }
    }

    fn frame_on_channel_0(&mut self, frame: Frame<'_>) {
        let method = match frame.kind {
            wire::HEARTBEAT if frame.payload.is_empty() => return,
            wire::METHOD if frame.payload.len() >= 4 => wire::parse_method(frame.payload),
            wire::HEADER if frame.payload.len() >= 12 => return self.close(&frame.unexpected(), (0, 0)),
            wire::BODY => return self.close(&frame.unexpected(), (0, 0)),
            _ => return self.close(&frame.unknown(), (0, 0)),
        };
        match method {
            Ok((ids, Method::Other(method))) => {
                self.trace_received(0, &method);
                self.method_on_channel_0(ids, method);
            }
            Ok((ids, Method::Publish(_))) => self.close(&out_of_place(), ids),
            Err(BadMethod::Drop) => self.close(&Refusal::internal(), (0, 0)),
            Err(BadMethod::Refuse { refusal, ids }) => self.close(&refusal, ids),
        }
    }

    fn method_on_channel_0(&mut self, ids: Ids, method: AMQPClass) {
        match method {
            AMQPClass::Connection(connection::AMQPMethod::Close(_)) => {
                self.leave();
                self.send(0, AMQPClass::Connection(connection::AMQPMethod::CloseOk(connection::CloseOk {})));
                self.stage = Stage::Closing;
                self.heartbeat = None;
                self.deadline = Instant::now() + CLOSING;
            }
            AMQPClass::Connection(connection::AMQPMethod::UpdateSecret(_)) => {
                let ok = connection::AMQPMethod::UpdateSecretOk(connection::UpdateSecretOk {});
                self.send(0, AMQPClass::Connection(ok));
            }
            _ => self.close(&out_of_place(), ids),
        }
    }

    fn frame_while_closing(&mut self, frame: Frame<'_>) {
        if frame.channel != 0 || frame.kind != wire::METHOD {
            return;
        }
        match wire::parse_method(frame.payload) {
            Ok(((10, 51), _)) => self.stage = Stage::Over,
            Ok(((10, 50), _)) => {
                self.send(0, AMQPClass::Connection(connection::AMQPMethod::CloseOk(connection::CloseOk {})));
            }
            _ => {}
        }
    }

    fn frame_on_channel(&mut self, frame: Frame<'_>) {
        let refusal = match frame.kind {
            wire::METHOD if frame.payload.len() >= 4 => None,
            wire::HEADER if frame.payload.len() >= 12 => None,
            wire::BODY => None,
            wire::HEARTBEAT if frame.payload.is_empty() => Some(frame.unexpected()),
            _ => Some(frame.unknown()),
        };
        if let Some(refusal) = refusal {
            self.run_commands();
            return self.close(&refusal, (0, 0));
        }
        let assembly = self.channels.entry(frame.channel).or_default();
        match assembly.frame(frame, self.shared.message_limit()) {
            Ok(None) => {}
            Ok(Some(command)) => {
                if matches!(command, Command::Method((20, 40 | 41), _)) {
                    self.channels.remove(&frame.channel); // closed; what follows starts afresh
                }
                if let Some(tracer) = &self.tracer {
                    tracer.received(frame.channel, &command);
                }
                self.commands.push((frame.channel, command));
            }
            Err(BadMethod::Drop) => {
                self.run_commands();
                self.stage = Stage::Over;
            }
            Err(BadMethod::Refuse { refusal, ids }) => {
                self.run_commands();
                self.close(&refusal, ids);
            }
        }
    }

    /// Runs what was read against the broker, and takes what came of it, in one go.
    fn run_commands(&mut self) {
        let Some(id) = self.id.filter(|_| matches!(self.stage, Stage::Open)) else { return self.commands.clear() };
        if self.commands.is_empty() {
            return;
        }
        let commands = &mut self.commands;
        let (outcome, weight) = self.shared.with(Some(id), |broker, now| {
            let outcome = commands.drain(..).try_for_each(|(channel, command)| match command {
                Command::Method(ids, method) => broker.method(id, channel, ids, method, now),
                Command::Publish(publish, content) => broker.publish(id, channel, &publish, content, now),
                Command::TooLarge { size } => broker.too_large(id, channel, size, now),
            });
            (outcome, broker.outbox_weight(id))
        });
        self.waiting_answers = weight;
        if let Err(Fatal { refusal, class_id, method_id }) = outcome {
            self.close(&refusal, (class_id, method_id));
        }
    }

    /// Ends the connection with a reason; then only the peer's agreement is waited for.
    fn close(&mut self, refusal: &Refusal, (class_id, method_id): Ids) {
        let patience = if self.id.is_some() { CLOSING } else { CLOSING_STRANGERS };
        self.leave();
        let close = connection::Close {
            reply_code: refusal.code as u16,
            reply_text: short(&refusal.text),
            class_id,
            method_id,
        };
        self.send(0, AMQPClass::Connection(connection::AMQPMethod::Close(close)));
        self.stage = Stage::Closing;
        self.blocked = false;
        self.heartbeat = None;
        self.deadline = Instant::now() + patience;
    }

    /// Leaves the broker. What it still had for this client goes out before anything else.
    fn leave(&mut self) {
        if let Some(id) = self.id {
            let outbox = &mut self.outbox;
            self.shared.with(Some(id), |broker, _| broker.empty_outbox(id, outbox));
            self.outgoing.extend(self.outbox.drain(..));
        }
        self.waiting_answers = 0;
        self.commands.clear();
        self.channels.clear();
        if let Some(id) = self.id.take() {
            self.shared.leave(id);
        }
    }

    /// Sends a method after everything that waits already.
    fn send(&mut self, channel: u16, method: AMQPClass) {
        let effect = crate::effect::Effect::Method(Box::new(method));
        self.outgoing.push_back(Outgoing { channel, effect });
    }

    fn trace_received(&self, channel: u16, method: &AMQPClass) {
        if let Some(tracer) = &self.tracer {
            tracer.method_received(channel, method);
        }
    }
}

fn out_of_place() -> Refusal {
    ReplyCode::ChannelError.because("unexpected method in connection state running")
}

/// Waits for the peer to hang up. If we did so first, with something of its still unread, the system would call the
/// connection reset, and the peer might never read our last words.
async fn linger(mut reader: ReadHalf<'_>) -> io::Result<()> {
    let mut unread = [0; 4096];
    let drained = async {
        while reader.read(&mut unread).await? > 0 {}
        Ok(())
    };
    tokio::time::timeout(LINGER, drained).await.unwrap_or(Ok(()))
}

/// Waits for the next half-interval; for ever if there is no heartbeat.
async fn tick(heartbeat: &mut Option<Interval>) {
    match heartbeat {
        Some(interval) => drop(interval.tick().await),
        None => std::future::pending().await,
    }
}
