//! From the bytes that arrived to the commands that the broker runs (AMQP 0-9-1, section 4.2).

use super::{Connection, Heartbeat, Stage};
use crate::{
    assembly::{Assembly, Command},
    broker::{Client, Fatal},
    error::{Refusal, ReplyCode},
    handshake::{Handshake, Next},
    request::Ids,
    shared::remote,
    table::Table,
    wire::{self, Frame, Kind, LostSync, Method, Verdict},
};
use amq_protocol::protocol::{AMQPClass, connection};
use bytes::Buf;

impl Connection {
    /// Goes through what has arrived.
    pub(super) fn read(&mut self) {
        let input = std::mem::take(&mut self.input);
        let mut at = 0;
        while !self.blocked
            && let Some(length) = self.take_next(input.get(at..).unwrap_or_default())
        {
            at += length;
        }
        self.run_commands();
        self.charge_half_sent();
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
                if matches!(frame.kind, wire::HEADER | wire::BODY)
                    && self.shared().must_ask_before_publishing(0)
                    && self.must_wait(frame)
                {
                    return None;
                }
                self.requests += u32::from(frame.kind == wire::METHOD);
                self.frame(frame);
                Some(length)
            }
            Ok(None) => None,
            Err(LostSync { refusal }) => {
                self.run_commands();
                match &self.stage {
                    Stage::Open => self.close(&refusal, (0, 0)),
                    Stage::Handshake(handshake) if handshake.is_trusted() => self.close(&refusal, (0, 0)),
                    _ => {}
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
                let options = &self.shared().options;
                let channel_max = options.limits.resources.max_channels_per_connection;
                let is_local = self.peer.ip().to_canonical().is_loopback();
                let (handshake, start) = Handshake::new(options.credentials.clone(), is_local, channel_max);
                self.stage = Stage::Handshake(handshake);
                self.send(0, start);
            }
            _ => {
                self.encoder.raw(answer_to(*header));
                self.stage = Stage::Over;
            }
        }
        Some(header.len())
    }

    /// Whether a message, or the rest of one, has to wait for consumers to make room. One that has begun doesn't wait for
    /// itself.
    fn must_wait(&mut self, frame: Frame<'_>) -> bool {
        let own = match frame.kind {
            wire::BODY => self.channels.get(&frame.channel).map_or(0, Assembly::bytes),
            _ => 0,
        };
        let Some(id) = self
            .registration
            .id()
            .filter(|_| matches!(self.stage, Stage::Open) && self.shared().must_ask_before_publishing(own))
        else {
            return false;
        };
        self.run_commands();
        if !matches!(self.stage, Stage::Open) {
            return false; // one of the commands ended the connection, and what follows counts for nothing
        }
        self.charge_half_sent();
        let close_reason;
        (self.blocked, self.waiting_answers, close_reason) =
            self.registration.shared().with(Some(id), |broker, now| {
                let is_blocked = broker.block(id, now);
                (is_blocked, broker.outbox_weight(id), broker.close_reason(id))
            });
        if let Some(refusal) = close_reason {
            self.close_for_memory(&refusal);
            return true;
        }
        self.blocked
    }

    /// Keeps the broker's ledger up to date with the messages of which a part is still to come.
    fn charge_half_sent(&self) {
        if let Some(charge) = self.half_sent_charge.as_ref().filter(|charge| charge.bytes() != self.half_sent) {
            charge.resize(self.half_sent);
        }
    }

    fn frame(&mut self, frame: Frame<'_>) {
        match &mut self.stage {
            Stage::New | Stage::Over => {}
            Stage::Handshake(handshake) => {
                let next = handshake.frame(frame);
                self.handshake(next);
            }
            Stage::Closing => self.frame_while_closing(frame),
            Stage::Open if frame.channel == 0 => {
                self.run_commands();
                match self.stage {
                    Stage::Open => self.frame_on_channel_0(frame),
                    _ => self.frame_while_closing(frame), // one of the commands ended the connection
                }
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
                    self.heartbeat = self.heartbeat.take().or_else(|| Heartbeat::every(handshake.agreement.heartbeat));
                }
            }
            Next::Welcome(method) => {
                let Stage::Handshake(handshake) = std::mem::replace(&mut self.stage, Stage::Open) else { return };
                let agreement = handshake.agreement;
                let client = Client {
                    name: agreement.name.clone(),
                    peer: self.peer.to_string(),
                    address: remote(self.peer),
                    user: agreement.user.clone(),
                    consumer_cancel_notify: agreement.can("consumer_cancel_notify"),
                    connection_blocked: agreement.can("connection.blocked"),
                    channel_max: agreement.channel_max,
                };
                match self.registration.connect(client) {
                    Ok(()) => {
                        let id = self.registration.id();
                        self.half_sent_charge =
                            id.and_then(|id| self.shared().with(Some(id), |broker, _| broker.half_sent(id)));
                        self.send(0, method);
                    }
                    Err(refusal) => self.close(&refusal, (10, 40)),
                }
            }
            Next::Unauthenticated { user, refusal } => {
                let peer = self.peer.to_string();
                self.shared().with(None, |broker, _| broker.note_authentication_failure(&peer, user));
                match refusal {
                    Some(refusal) => self.close(&refusal, (0, 0)),
                    None => self.stage = Stage::Over,
                }
            }
            Next::Refuse { refusal, ids } => self.close(&refusal, ids),
            Next::Drop => self.stage = Stage::Over,
        }
    }

    fn frame_on_channel_0(&mut self, frame: Frame<'_>) {
        match frame.known() {
            Ok(Kind::Method) => {}
            Ok(Kind::Heartbeat) => return,
            Ok(Kind::Content) => return self.close(&frame.unexpected(), (0, 0)),
            Err(refusal) => return self.close(&refusal, (0, 0)),
        }
        match wire::parse_method(frame.payload) {
            Ok((ids, Method::Other(method, _))) => {
                self.trace_received(0, &method);
                self.method_on_channel_0(ids, method);
            }
            Ok((ids, _)) => self.close(&out_of_place(), ids),
            Err(bad) => self.judge(bad.on_channel_0()),
        }
    }

    /// Ends the connection for what came last, unless something before has ended it.
    fn judge(&mut self, verdict: Verdict) {
        self.run_commands();
        match verdict {
            _ if !matches!(self.stage, Stage::Open) => {}
            Verdict::Drop => self.stage = Stage::Over,
            Verdict::Refuse { refusal, ids } => self.close(&refusal, ids),
        }
    }

    fn method_on_channel_0(&mut self, ids: Ids, method: AMQPClass) {
        match method {
            AMQPClass::Connection(connection::AMQPMethod::Close(_)) => self.agree_to_close(),
            AMQPClass::Connection(connection::AMQPMethod::UpdateSecret(_)) => {
                let ok = connection::AMQPMethod::UpdateSecretOk(connection::UpdateSecretOk {});
                self.send(0, AMQPClass::Connection(ok));
            }
            _ => self.close(&out_of_place(), ids),
        }
    }

    fn frame_on_channel(&mut self, frame: Frame<'_>) {
        let refusal = match frame.known() {
            Ok(Kind::Method | Kind::Content) => None,
            Ok(Kind::Heartbeat) => Some(frame.unexpected()),
            Err(refusal) => Some(refusal),
        };
        if let Some(refusal) = refusal {
            return self.judge(Verdict::Refuse { refusal, ids: (0, 0) });
        }
        let message_limit = self.shared().options.limits.message;
        let assembly = self.channels.entry(frame.channel).or_default();
        let before = assembly.bytes();
        let outcome = assembly.frame(frame, message_limit);
        self.half_sent = self.half_sent + assembly.bytes() - before;
        match outcome {
            Ok(None) => {}
            Ok(Some(command)) => {
                if matches!(command, Command::Method((20, 40 | 41), ..)) {
                    self.channels.remove(&frame.channel); // closed; what follows starts afresh
                }
                if let Some(tracer) = &self.tracer {
                    tracer.received(frame.channel, &command);
                }
                self.commands.push((frame.channel, command));
            }
            Err(verdict) => self.judge(verdict),
        }
    }

    /// Runs what was read against the broker, and takes what came of it, in one go.
    fn run_commands(&mut self) {
        let Some(id) = self.registration.id().filter(|_| matches!(self.stage, Stage::Open)) else {
            return self.commands.clear();
        };
        if self.commands.is_empty() {
            return;
        }
        let commands = &mut self.commands;
        let (outcome, weight) = self.registration.shared().with(Some(id), |broker, now| {
            let outcome = commands.drain(..).try_for_each(|(channel, command)| match command {
                Command::Method(ids, method, table) => {
                    broker.method(id, channel, ids, method, Table::checked(&table), now)
                }
                Command::Publish(publish, content) => broker.publish(id, channel, &publish, content, now),
                Command::Refused(ids, refusal) => broker.refuse(id, channel, ids, refusal, now),
            });
            (outcome, broker.outbox_weight(id))
        });
        self.waiting_answers = weight;
        if let Err(Fatal { refusal, class_id, method_id }) = outcome {
            self.close(&refusal, (class_id, method_id));
        }
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

/// RabbitMQ names the version of AMQP that comes closest: 0-9-1 to those who ask for a later 0-9, else 1.0 with its security
/// layer. To who asks for just that it would speak it; here there is only one other to name.
fn answer_to(header: [u8; 8]) -> &'static [u8; 8] {
    match &header {
        b"AMQP\x03\x01\x00\x00" | [b'A', b'M', b'Q', b'P', 0, 0, 9..=255, _] => b"AMQP\x00\x00\x09\x01",
        _ => b"AMQP\x03\x01\x00\x00",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_amqp_1_0_hears_what_is_spoken_here() {
        assert_eq!(answer_to(*b"AMQP\x03\x01\x00\x00"), b"AMQP\x00\x00\x09\x01");
        assert_eq!(answer_to(*b"AMQP\x00\x00\x09\x02"), b"AMQP\x00\x00\x09\x01");
        assert_eq!(answer_to(*b"AMQP\x00\x00\x08\x00"), b"AMQP\x03\x01\x00\x00");
    }
}
