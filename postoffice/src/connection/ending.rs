//! How a connection ends: the peer closes it, the broker does, or the office (AMQP 0-9-1, section 2.2.4).

use super::{Connection, Stage};
use crate::{
    error::{Refusal, short},
    request::Ids,
    wire::{self, Frame},
};
use amq_protocol::protocol::{AMQPClass, connection};
use std::{io, time::Duration};
use tokio::{io::AsyncReadExt, net::tcp::ReadHalf, time::Instant};

/// How long a peer may take to agree to a close, or to hang up after one; RabbitMQ's value.
const CLOSING: Duration = Duration::from_secs(30);
/// The same for a peer that was never let in.
const CLOSING_STRANGERS: Duration = Duration::from_secs(3);
/// How long the last words may take to be read.
const LINGER: Duration = Duration::from_secs(1);

impl Connection {
    /// The peer says that it wants to leave.
    pub(super) fn agree_to_close(&mut self) {
        self.leave();
        self.send(0, AMQPClass::Connection(connection::AMQPMethod::CloseOk(connection::CloseOk {})));
        self.stage = Stage::Closing;
        self.heartbeat = None;
        self.deadline = Instant::now() + CLOSING;
    }

    /// Until a close is agreed on, nothing but closes counts.
    pub(super) fn frame_while_closing(&mut self, frame: Frame<'_>) {
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

    /// Ends the connection with a reason; then only the peer's agreement is waited for.
    pub(super) fn close(&mut self, refusal: &Refusal, (class_id, method_id): Ids) {
        let patience = if self.registration.id().is_some() { CLOSING } else { CLOSING_STRANGERS };
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

    /// Ends the connection because it holds too much of the memory. What it had not read goes with it.
    pub(super) fn close_for_memory(&mut self, refusal: &Refusal) {
        self.outgoing.clear();
        self.close(refusal, (0, 0));
    }

    /// Leaves the broker. What it still had for this client goes out before anything else.
    pub(super) fn leave(&mut self) {
        if let Some(id) = self.registration.id() {
            let outbox = &mut self.outbox;
            self.registration.shared().with(Some(id), |broker, _| broker.empty_outbox(id, outbox));
            self.outgoing.extend(self.outbox.drain(..));
        }
        self.waiting_answers = 0;
        self.commands.clear();
        self.channels.clear();
        self.half_sent = 0;
        self.half_sent_charge = None;
        self.registration.disconnect();
    }
}

/// Waits for the peer to hang up. If we did so first, with something of its still unread, the system would call the
/// connection reset, and the peer might never read our last words.
pub(super) async fn linger(mut reader: ReadHalf<'_>) -> io::Result<()> {
    let mut unread = [0; 4096];
    let drained = async {
        while reader.read(&mut unread).await? > 0 {}
        Ok(())
    };
    tokio::time::timeout(LINGER, drained).await.unwrap_or(Ok(()))
}
