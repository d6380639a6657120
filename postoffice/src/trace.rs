//! Each method and message in words that a student can follow.

use crate::{
    assembly::Command,
    effect::{Effect, Outgoing},
    handshake::Next,
    message::Message,
};
use amq_protocol::protocol::{AMQPClass, basic, channel, confirm, connection, exchange, queue, tx};
use std::{net::SocketAddr, sync::Arc};

/// Where the lines go.
pub(crate) type Trace = Arc<dyn Fn(&str) + Send + Sync>;

/// Tells what one connection says (`→`) and hears (`←`).
pub(crate) struct Tracer {
    trace: Trace,
    peer: SocketAddr,
}

impl Tracer {
    pub(crate) fn new(trace: Trace, peer: SocketAddr) -> Self {
        Self { trace, peer }
    }

    fn line(&self, arrow: char, channel: u16, text: &str) {
        (self.trace)(&format!("{} #{channel} {arrow} {text}", self.peer.port()));
    }

    /// A command from the client.
    pub(crate) fn received(&self, channel: u16, command: &Command) {
        match command {
            Command::Method(_, method, _) => self.method_received(channel, method),
            Command::Publish(publish, content) => {
                let mandatory = if publish.mandatory { " mandatory" } else { "" };
                let text = format!(
                    "basic.publish exchange={:?} routing-key={:?}{mandatory} ({})",
                    String::from_utf8_lossy(&publish.exchange),
                    String::from_utf8_lossy(&publish.routing_key),
                    bytes(content.body().len())
                );
                self.line('→', channel, &text);
            }
            Command::Refused(_, refusal) => {
                self.line('→', channel, &format!("a method that is refused: {}", refusal.text));
            }
        }
    }

    /// A method from the client.
    pub(crate) fn method_received(&self, channel: u16, method: &AMQPClass) {
        self.line('→', channel, &describe(method));
    }

    /// A step of the handshake.
    pub(crate) fn handshake(&self, next: &Next) {
        let text = match next {
            Next::Answer(_) => "connection.start-ok",
            Next::Listen => "connection.tune-ok",
            Next::Welcome(_) => "connection.open vhost=\"/\"",
            Next::Unauthenticated { .. } | Next::Refuse { .. } | Next::Drop => "a handshake that is refused",
        };
        self.line('→', 0, text);
    }

    /// Something for the client.
    pub(crate) fn sent(&self, outgoing: &Outgoing) {
        let text = match &outgoing.effect {
            Effect::Method(method) => describe(method),
            Effect::Deliver { consumer_tag, delivery_tag, redelivered, message } => {
                let again = if *redelivered { " redelivered" } else { "" };
                format!("basic.deliver to {consumer_tag:?} tag={delivery_tag}{again} {}", origin(message))
            }
            Effect::GetOk { delivery_tag, message_count, message, .. } => {
                format!("basic.get-ok tag={delivery_tag} left={message_count} {}", origin(message))
            }
            Effect::Return(message) => format!("basic.return 312 NO_ROUTE {}", origin(message)),
            Effect::Confirm { delivery_tag, multiple, .. } => {
                format!("basic.ack tag={delivery_tag}{}", up_to(*multiple))
            }
            Effect::Nack { delivery_tag, .. } => format!("basic.nack tag={delivery_tag}"),
        };
        self.line('←', outgoing.channel, &text);
    }
}

fn bytes(count: usize) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

fn origin(message: &Message) -> String {
    let (exchange, key) = (&**message.exchange(), message.routing_key());
    format!("exchange={exchange:?} routing-key={key:?} ({})", bytes(message.body_length()))
}

fn up_to(multiple: bool) -> &'static str {
    if multiple { " and all before" } else { "" }
}

/// A method's name and what matters of it.
fn describe(method: &AMQPClass) -> String {
    match method {
        AMQPClass::Basic(method) => describe_basic(method),
        AMQPClass::Queue(method) => describe_queue(method),
        AMQPClass::Exchange(method) => describe_exchange(method),
        AMQPClass::Channel(method) => match method {
            channel::AMQPMethod::Open(_) => "channel.open".to_owned(),
            channel::AMQPMethod::OpenOk(_) => "channel.open-ok".to_owned(),
            channel::AMQPMethod::Flow(flow) => format!("channel.flow active={}", flow.active),
            channel::AMQPMethod::FlowOk(flow) => format!("channel.flow-ok active={}", flow.active),
            channel::AMQPMethod::Close(close) => {
                format!("channel.close {} {}", close.reply_code, close.reply_text)
            }
            channel::AMQPMethod::CloseOk(_) => "channel.close-ok".to_owned(),
        },
        AMQPClass::Connection(method) => match method {
            connection::AMQPMethod::Start(_) => "connection.start".to_owned(),
            connection::AMQPMethod::Tune(tune) => {
                format!("connection.tune frame-max={} heartbeat={}", tune.frame_max, tune.heartbeat)
            }
            connection::AMQPMethod::OpenOk(_) => "connection.open-ok".to_owned(),
            connection::AMQPMethod::Close(close) => {
                format!("connection.close {} {}", close.reply_code, close.reply_text)
            }
            connection::AMQPMethod::CloseOk(_) => "connection.close-ok".to_owned(),
            connection::AMQPMethod::Blocked(blocked) => format!("connection.blocked {}", blocked.reason),
            connection::AMQPMethod::Unblocked(_) => "connection.unblocked".to_owned(),
            connection::AMQPMethod::UpdateSecret(_) => "connection.update-secret".to_owned(),
            _ => "connection (another method)".to_owned(),
        },
        AMQPClass::Confirm(confirm::AMQPMethod::Select(_)) => "confirm.select".to_owned(),
        AMQPClass::Confirm(confirm::AMQPMethod::SelectOk(_)) => "confirm.select-ok".to_owned(),
        AMQPClass::Tx(method) => match method {
            tx::AMQPMethod::Select(_) => "tx.select",
            tx::AMQPMethod::SelectOk(_) => "tx.select-ok",
            tx::AMQPMethod::Commit(_) => "tx.commit",
            tx::AMQPMethod::CommitOk(_) => "tx.commit-ok",
            tx::AMQPMethod::Rollback(_) => "tx.rollback",
            tx::AMQPMethod::RollbackOk(_) => "tx.rollback-ok",
        }
        .to_owned(),
        AMQPClass::Access(_) => "access.request".to_owned(),
    }
}

fn describe_basic(method: &basic::AMQPMethod) -> String {
    use basic::AMQPMethod as Method;
    match method {
        Method::Qos(qos) => format!("basic.qos prefetch={}{}", qos.prefetch_count, flag(qos.global, "global")),
        Method::QosOk(_) => "basic.qos-ok".to_owned(),
        Method::Consume(consume) => format!(
            "basic.consume queue={:?} tag={:?}{}{}",
            consume.queue.as_str(),
            consume.consumer_tag.as_str(),
            flag(consume.no_ack, "no-ack"),
            flag(consume.exclusive, "exclusive")
        ),
        Method::ConsumeOk(ok) => format!("basic.consume-ok tag={:?}", ok.consumer_tag.as_str()),
        Method::Cancel(cancel) => format!("basic.cancel tag={:?}", cancel.consumer_tag.as_str()),
        Method::CancelOk(ok) => format!("basic.cancel-ok tag={:?}", ok.consumer_tag.as_str()),
        Method::Get(get) => format!("basic.get queue={:?}{}", get.queue.as_str(), flag(get.no_ack, "no-ack")),
        Method::GetEmpty(_) => "basic.get-empty".to_owned(),
        Method::Ack(ack) => format!("basic.ack tag={}{}", ack.delivery_tag, up_to(ack.multiple)),
        Method::Nack(nack) => {
            format!("basic.nack tag={}{}{}", nack.delivery_tag, up_to(nack.multiple), flag(nack.requeue, "requeue"))
        }
        Method::Reject(reject) => {
            format!("basic.reject tag={}{}", reject.delivery_tag, flag(reject.requeue, "requeue"))
        }
        Method::Recover(_) => "basic.recover".to_owned(),
        Method::RecoverAsync(_) => "basic.recover-async".to_owned(),
        Method::RecoverOk(_) => "basic.recover-ok".to_owned(),
        _ => "basic (another method)".to_owned(),
    }
}

fn describe_queue(method: &queue::AMQPMethod) -> String {
    use queue::AMQPMethod as Method;
    match method {
        Method::Declare(declare) => format!(
            "queue.declare queue={:?}{}{}{}{}",
            declare.queue.as_str(),
            flag(declare.passive, "passive"),
            flag(declare.durable, "durable"),
            flag(declare.exclusive, "exclusive"),
            flag(declare.auto_delete, "auto-delete")
        ),
        Method::DeclareOk(ok) => format!(
            "queue.declare-ok queue={:?} messages={} consumers={}",
            ok.queue.as_str(),
            ok.message_count,
            ok.consumer_count
        ),
        Method::Bind(bind) => format!(
            "queue.bind queue={:?} exchange={:?} routing-key={:?}",
            bind.queue.as_str(),
            bind.exchange.as_str(),
            bind.routing_key.as_str()
        ),
        Method::BindOk(_) => "queue.bind-ok".to_owned(),
        Method::Unbind(unbind) => format!(
            "queue.unbind queue={:?} exchange={:?} routing-key={:?}",
            unbind.queue.as_str(),
            unbind.exchange.as_str(),
            unbind.routing_key.as_str()
        ),
        Method::UnbindOk(_) => "queue.unbind-ok".to_owned(),
        Method::Purge(purge) => format!("queue.purge queue={:?}", purge.queue.as_str()),
        Method::PurgeOk(ok) => format!("queue.purge-ok messages={}", ok.message_count),
        Method::Delete(delete) => format!("queue.delete queue={:?}", delete.queue.as_str()),
        Method::DeleteOk(ok) => format!("queue.delete-ok messages={}", ok.message_count),
    }
}

fn describe_exchange(method: &exchange::AMQPMethod) -> String {
    use exchange::AMQPMethod as Method;
    match method {
        Method::Declare(declare) => format!(
            "exchange.declare exchange={:?} type={:?}{}{}",
            declare.exchange.as_str(),
            declare.kind.as_str(),
            flag(declare.passive, "passive"),
            flag(declare.durable, "durable")
        ),
        Method::DeclareOk(_) => "exchange.declare-ok".to_owned(),
        Method::Delete(delete) => format!("exchange.delete exchange={:?}", delete.exchange.as_str()),
        Method::DeleteOk(_) => "exchange.delete-ok".to_owned(),
        Method::Bind(bind) => format!(
            "exchange.bind source={:?} destination={:?} routing-key={:?}",
            bind.source.as_str(),
            bind.destination.as_str(),
            bind.routing_key.as_str()
        ),
        Method::BindOk(_) => "exchange.bind-ok".to_owned(),
        Method::Unbind(unbind) => format!(
            "exchange.unbind source={:?} destination={:?} routing-key={:?}",
            unbind.source.as_str(),
            unbind.destination.as_str(),
            unbind.routing_key.as_str()
        ),
        Method::UnbindOk(_) => "exchange.unbind-ok".to_owned(),
    }
}

fn flag(is_set: bool, name: &str) -> String {
    if is_set { format!(" {name}") } else { String::new() }
}
