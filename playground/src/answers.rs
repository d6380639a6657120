//! What clients receive, what happened, and what there is, as JSON.

use crate::values::{from_table, text_of};
use amq_protocol::protocol::{AMQPClass, BasicProperties, basic, channel, confirm, connection, exchange, queue, tx};
use postoffice::{
    Event,
    simulation::{ClientView, Happening, MessageView, QueueView, Reply, Simulation, View},
};
use serde_json::{Value, json};

/// Adds fields to an object.
fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

/// What a client has received.
pub(crate) fn reply(reply: &Reply) -> Value {
    let (name, fields) = method(&reply.method);
    let mut answer = with(json!({ "at": reply.at, "client": &*reply.client, "method": name }), fields);
    if let Some(content) = &reply.content {
        let more = json!({
            "message": content.number,
            "properties": properties(&content.properties),
            "body": text_of(&content.body),
        });
        answer = with(answer, more);
    }
    answer
}

/// A method that a broker sends: its name, and its fields.
fn method(method: &AMQPClass) -> (&'static str, Value) {
    match method {
        AMQPClass::Basic(method) => basic_method(method),
        AMQPClass::Queue(method) => queue_method(method),
        AMQPClass::Exchange(exchange::AMQPMethod::DeclareOk(_)) => ("exchange.declare-ok", json!({})),
        AMQPClass::Exchange(exchange::AMQPMethod::DeleteOk(_)) => ("exchange.delete-ok", json!({})),
        AMQPClass::Exchange(exchange::AMQPMethod::BindOk(_)) => ("exchange.bind-ok", json!({})),
        AMQPClass::Exchange(exchange::AMQPMethod::UnbindOk(_)) => ("exchange.unbind-ok", json!({})),
        AMQPClass::Channel(channel::AMQPMethod::OpenOk(_)) => ("channel.open-ok", json!({})),
        AMQPClass::Channel(channel::AMQPMethod::CloseOk(_)) => ("channel.close-ok", json!({})),
        AMQPClass::Channel(channel::AMQPMethod::Close(close)) => (
            "channel.close",
            json!({ "code": close.reply_code, "text": close.reply_text.as_str(), "class_id": close.class_id,
                "method_id": close.method_id }),
        ),
        AMQPClass::Connection(connection::AMQPMethod::CloseOk(_)) => ("connection.close-ok", json!({})),
        AMQPClass::Connection(connection::AMQPMethod::Close(close)) => (
            "connection.close",
            json!({ "code": close.reply_code, "text": close.reply_text.as_str(), "class_id": close.class_id,
                "method_id": close.method_id }),
        ),
        AMQPClass::Connection(connection::AMQPMethod::Blocked(blocked)) => {
            ("connection.blocked", json!({ "reason": blocked.reason.as_str() }))
        }
        AMQPClass::Connection(connection::AMQPMethod::Unblocked(_)) => ("connection.unblocked", json!({})),
        AMQPClass::Confirm(confirm::AMQPMethod::SelectOk(_)) => ("confirm.select-ok", json!({})),
        AMQPClass::Tx(tx::AMQPMethod::SelectOk(_)) => ("tx.select-ok", json!({})),
        AMQPClass::Tx(tx::AMQPMethod::CommitOk(_)) => ("tx.commit-ok", json!({})),
        AMQPClass::Tx(tx::AMQPMethod::RollbackOk(_)) => ("tx.rollback-ok", json!({})),
        _ => ("another method", json!({})), // none that a broker sends to these clients
    }
}

fn basic_method(method: &basic::AMQPMethod) -> (&'static str, Value) {
    use basic::AMQPMethod as Method;
    match method {
        Method::QosOk(_) => ("basic.qos-ok", json!({})),
        Method::ConsumeOk(ok) => ("basic.consume-ok", json!({ "consumer_tag": ok.consumer_tag.as_str() })),
        Method::Cancel(cancel) => ("basic.cancel", json!({ "consumer_tag": cancel.consumer_tag.as_str() })),
        Method::CancelOk(ok) => ("basic.cancel-ok", json!({ "consumer_tag": ok.consumer_tag.as_str() })),
        Method::Return(back) => (
            "basic.return",
            json!({ "code": back.reply_code, "text": back.reply_text.as_str(), "exchange": back.exchange.as_str(),
                "key": back.routing_key.as_str() }),
        ),
        Method::Deliver(deliver) => (
            "basic.deliver",
            json!({ "consumer_tag": deliver.consumer_tag.as_str(), "delivery_tag": deliver.delivery_tag,
                "redelivered": deliver.redelivered, "exchange": deliver.exchange.as_str(),
                "key": deliver.routing_key.as_str() }),
        ),
        Method::GetOk(ok) => (
            "basic.get-ok",
            json!({ "delivery_tag": ok.delivery_tag, "redelivered": ok.redelivered, "exchange": ok.exchange.as_str(),
                "key": ok.routing_key.as_str(), "message_count": ok.message_count }),
        ),
        Method::GetEmpty(_) => ("basic.get-empty", json!({})),
        Method::Ack(ack) => ("basic.ack", json!({ "delivery_tag": ack.delivery_tag, "multiple": ack.multiple })),
        Method::Nack(nack) => ("basic.nack", json!({ "delivery_tag": nack.delivery_tag, "multiple": nack.multiple })),
        Method::RecoverOk(_) => ("basic.recover-ok", json!({})),
        _ => ("another method", json!({})), // none that a broker sends
    }
}

fn queue_method(method: &queue::AMQPMethod) -> (&'static str, Value) {
    use queue::AMQPMethod as Method;
    match method {
        Method::DeclareOk(ok) => (
            "queue.declare-ok",
            json!({ "queue": ok.queue.as_str(), "message_count": ok.message_count, "consumer_count": ok.consumer_count }),
        ),
        Method::BindOk(_) => ("queue.bind-ok", json!({})),
        Method::UnbindOk(_) => ("queue.unbind-ok", json!({})),
        Method::PurgeOk(ok) => ("queue.purge-ok", json!({ "message_count": ok.message_count })),
        Method::DeleteOk(ok) => ("queue.delete-ok", json!({ "message_count": ok.message_count })),
        _ => ("another method", json!({})), // none that a broker sends
    }
}

/// The properties that are there.
fn properties(properties: &BasicProperties) -> Value {
    let mut found = json!({});
    macro_rules! show {
        ($($name:literal: $value:expr;)*) => {$(
            if let Some(value) = $value {
                found = with(found, json!({ $name: value }));
            }
        )*};
    }
    show! {
        "content_type": properties.content_type().as_ref().map(|text| text.as_str());
        "content_encoding": properties.content_encoding().as_ref().map(|text| text.as_str());
        "headers": properties.headers().as_ref().map(from_table);
        "delivery_mode": *properties.delivery_mode();
        "priority": *properties.priority();
        "correlation_id": properties.correlation_id().as_ref().map(|text| text.as_str());
        "reply_to": properties.reply_to().as_ref().map(|text| text.as_str());
        "expiration": properties.expiration().as_ref().map(|text| text.as_str());
        "message_id": properties.message_id().as_ref().map(|text| text.as_str());
        "timestamp": *properties.timestamp();
        "type": properties.kind().as_ref().map(|text| text.as_str());
        "user_id": properties.user_id().as_ref().map(|text| text.as_str());
        "app_id": properties.app_id().as_ref().map(|text| text.as_str());
    }
    found
}

/// What happened.
pub(crate) fn happening(simulation: &Simulation, at: u64, happening: &Happening) -> Value {
    let told = match happening {
        Happening::Event(known) => event(simulation, known),
        Happening::Stopped => json!({ "event": "stopped" }),
        Happening::Crashed => json!({ "event": "crashed" }),
        Happening::Started => json!({ "event": "started" }),
    };
    with(json!({ "at": at }), told)
}

fn event(simulation: &Simulation, event: &Event) -> Value {
    let client = |connection: &u64| simulation.client_of(*connection);
    match event {
        Event::Connected { connection, .. } => json!({ "event": "connected", "client": client(connection) }),
        Event::Disconnected { connection } => json!({ "event": "disconnected", "client": client(connection) }),
        Event::QueueDeclared { queue } => json!({ "event": "queue-declared", "queue": &**queue }),
        Event::QueueDeleted { queue } => json!({ "event": "queue-deleted", "queue": &**queue }),
        Event::ExchangeDeclared { exchange } => json!({ "event": "exchange-declared", "exchange": &**exchange }),
        Event::ExchangeDeleted { exchange } => json!({ "event": "exchange-deleted", "exchange": &**exchange }),
        Event::Bound { exchange, destination, routing_key } => {
            json!({ "event": "bound", "source": &**exchange, "destination": &**destination, "key": &**routing_key })
        }
        Event::Unbound { exchange, destination, routing_key } => {
            json!({ "event": "unbound", "source": &**exchange, "destination": &**destination, "key": &**routing_key })
        }
        Event::Published { message, connection, exchange, routing_key, queues, size } => json!({
            "event": "published", "message": message, "client": connection.as_ref().and_then(client),
            "exchange": &**exchange, "key": &**routing_key, "size": size,
            "queues": queues.iter().map(|queue| &**queue).collect::<Vec<_>>(),
        }),
        Event::Returned { message, connection, exchange, routing_key } => json!({
            "event": "returned", "message": message, "client": client(connection), "exchange": &**exchange,
            "key": &**routing_key,
        }),
        Event::Refused { message, queue } => json!({ "event": "refused", "message": message, "queue": &**queue }),
        Event::Subscribed { connection, consumer_tag, queue } => json!({
            "event": "subscribed", "client": client(connection), "consumer_tag": &**consumer_tag, "queue": &**queue,
        }),
        Event::Unsubscribed { connection, consumer_tag, queue } => json!({
            "event": "unsubscribed", "client": client(connection), "consumer_tag": &**consumer_tag, "queue": &**queue,
        }),
        Event::Delivered { message, queue, connection, consumer_tag, delivery_tag, redelivered } => json!({
            "event": "delivered", "message": message, "queue": &**queue, "client": client(connection),
            "consumer_tag": consumer_tag.as_deref(), "delivery_tag": delivery_tag, "redelivered": redelivered,
        }),
        Event::Acknowledged { message, queue, delivery_tag } => json!({
            "event": "acknowledged", "message": message, "queue": &**queue, "delivery_tag": delivery_tag,
        }),
        Event::Requeued { message, queue } => json!({ "event": "requeued", "message": message, "queue": &**queue }),
        Event::DeadLettered { message, queue, reason, exchange } => json!({
            "event": "dead-lettered", "message": message, "queue": &**queue, "reason": reason,
            "exchange": exchange.as_deref(),
        }),
        Event::Purged { queue, messages } => json!({ "event": "purged", "queue": &**queue, "messages": messages }),
        _ => json!({ "event": "another" }), // of logins and limits, which there are none of here
    }
}

/// Everything as it is.
pub(crate) fn view(view: &View) -> Value {
    let exchanges = view.exchanges.iter().map(|exchange| {
        json!({ "name": exchange.name, "type": exchange.kind, "durable": exchange.durable,
            "auto_delete": exchange.auto_delete, "internal": exchange.internal,
            "arguments": from_table(&exchange.arguments) })
    });
    let bindings = view.bindings.iter().map(|binding| {
        json!({ "source": binding.source, "destination": binding.destination,
            "kind": if binding.to_exchange { "exchange" } else { "queue" }, "key": binding.routing_key,
            "arguments": from_table(&binding.arguments) })
    });
    json!({
        "now": view.now,
        "running": view.running,
        "memory": { "used": view.memory_used, "limit": view.memory_limit, "alarm": view.memory_alarm },
        "exchanges": exchanges.collect::<Vec<_>>(),
        "bindings": bindings.collect::<Vec<_>>(),
        "queues": view.queues.iter().map(queue).collect::<Vec<_>>(),
        "clients": view.clients.iter().map(client).collect::<Vec<_>>(),
    })
}

fn queue(queue: &QueueView) -> Value {
    let consumers = queue.consumers.iter().map(|consumer| {
        json!({ "client": consumer.client, "tag": consumer.tag, "prefetch": consumer.prefetch,
            "unacked": consumer.unacknowledged, "no_ack": consumer.no_ack, "active": consumer.active })
    });
    json!({
        "name": queue.name,
        "durable": queue.durable,
        "exclusive": queue.owner.is_some(),
        "owner": queue.owner,
        "auto_delete": queue.auto_delete,
        "arguments": from_table(&queue.arguments),
        "ready": queue.ready,
        "unacked": queue.unacknowledged,
        "consumers": consumers.collect::<Vec<_>>(),
        "messages": queue.messages.iter().map(message).collect::<Vec<_>>(),
    })
}

fn message(message: &MessageView) -> Value {
    json!({
        "id": message.number,
        "exchange": message.exchange,
        "key": message.routing_key,
        "properties": properties(&message.properties),
        "body": text_of(&message.body),
        "redelivered": message.redelivered,
        "persistent": *message.properties.delivery_mode() == Some(2),
        "expires_at": message.expires_at,
    })
}

fn client(client: &ClientView) -> Value {
    let unacknowledged = client.unacknowledged.iter().map(|open| {
        json!({ "delivery_tag": open.delivery_tag, "message": open.number, "queue": open.queue,
            "consumer_tag": open.consumer_tag })
    });
    json!({
        "name": client.name,
        "open": client.connected,
        "channel": client.has_channel,
        "blocked": client.blocked,
        "unread": client.unread,
        "confirms": client.confirms,
        "transactional": client.transactional,
        "unacked": unacknowledged.collect::<Vec<_>>(),
    })
}
