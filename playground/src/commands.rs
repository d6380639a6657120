//! From a command to what a client says, or to what happens to the broker.

use crate::{answers, fields::Fields};
use amq_protocol::protocol::{AMQPClass, BasicProperties, basic, channel, confirm, exchange, queue, tx};
use postoffice::simulation::{Options, Publication, Simulation};
use serde_json::{Map, Value};

/// All that can be said, for who says something else.
const KNOWN: &str = "reset, view, advance, stop, crash, start, memory_limit, connect, close, cut, reopen, channel.close, \
exchange.declare, exchange.delete, exchange.bind, exchange.unbind, queue.declare, queue.delete, queue.purge, queue.bind, \
queue.unbind, publish, confirm.select, qos, consume, cancel, get, ack, nack, reject, recover, tx.select, tx.commit, tx.rollback";

/// The largest whole number that JavaScript counts exactly.
const SAFE: u64 = (1 << 53) - 1;

/// Runs a command; gives what it has to show.
pub(crate) fn run(simulation: &mut Simulation, mut command: Map<String, Value>) -> Result<Option<Value>, String> {
    let what = match command.remove("do") {
        Some(Value::String(what)) => what,
        _ => return Err(format!(r#"a command says what to "do": {KNOWN}"#)),
    };
    let mut fields = Fields::new(&what, command);
    if let Some(shown) = about_broker(simulation, &what, &mut fields)? {
        fields.end()?;
        return Ok(shown.then(|| answers::view(&simulation.view())));
    }
    let client = fields.needed("client").map_err(|problem| match KNOWN.split(", ").any(|known| known == what) {
        true => problem,
        false => format!("there is no command '{what}'; there are: {KNOWN}"),
    })?;
    let done = match &*what {
        "connect" => fields.end().map(|()| simulation.connect(&client))?,
        "close" => fields.end().map(|()| simulation.close(&client))?,
        "cut" => fields.end().map(|()| simulation.cut(&client))?,
        "reopen" => fields.end().map(|()| simulation.reopen(&client))?,
        "publish" => {
            let publication = publication(&mut fields)?;
            fields.end().map(|()| simulation.publish(&client, publication))?
        }
        _ => {
            let method = method(&what, &mut fields)?;
            let method = method.ok_or_else(|| format!("there is no command '{what}'; there are: {KNOWN}"))?;
            fields.end().map(|()| simulation.call(&client, method))?
        }
    };
    done.map(|()| None).map_err(|mistake| mistake.to_string())
}

/// What no client says. Nothing: it is something else; else whether there is something to show.
fn about_broker(simulation: &mut Simulation, what: &str, fields: &mut Fields) -> Result<Option<bool>, String> {
    let done = match what {
        "reset" => {
            let usual = Options::default();
            *simulation = Simulation::new(Options {
                seed: fields.number("seed", SAFE)?.unwrap_or(usual.seed),
                now: fields.number("now", SAFE)?.unwrap_or(usual.now),
                transient_nonexcl_queues: fields.flag("transient_nonexcl_queues")?,
                global_qos: fields.flag("global_qos")?,
            });
            Ok(())
        }
        "view" => return Ok(Some(true)),
        "advance" => {
            simulation.advance(fields.needed_number("ms", SAFE)?);
            Ok(())
        }
        "stop" => simulation.stop(),
        "crash" => simulation.crash(),
        "start" => simulation.start(),
        "memory_limit" => {
            simulation.set_memory_limit(fields.needed_number("bytes", 1 << 30)? as usize);
            Ok(())
        }
        _ => return Ok(None),
    };
    done.map(|()| Some(false)).map_err(|mistake| mistake.to_string())
}

fn publication(fields: &mut Fields) -> Result<Publication, String> {
    let mut given = fields.object("properties")?;
    let mut properties = BasicProperties::default();
    macro_rules! set {
        ($($with:ident: $value:expr;)*) => {$(
            if let Some(value) = $value {
                properties = properties.$with(value);
            }
        )*};
    }
    set! {
        with_content_type: given.optional_name("content_type")?;
        with_content_encoding: given.optional_name("content_encoding")?;
        with_headers: given.optional_table("headers")?;
        with_priority: given.number("priority", 255)?.map(|number| number as u8);
        with_correlation_id: given.optional_name("correlation_id")?;
        with_reply_to: given.optional_name("reply_to")?;
        with_expiration: given.optional_name("expiration")?;
        with_message_id: given.optional_name("message_id")?;
        with_timestamp: given.number("timestamp", SAFE)?;
        with_type: given.optional_name("type")?;
        with_user_id: given.optional_name("user_id")?;
        with_app_id: given.optional_name("app_id")?;
        with_delivery_mode: fields.flag("persistent")?.then_some(2);
    }
    given.end()?;
    Ok(Publication {
        exchange: fields.name("exchange")?.to_string(),
        routing_key: fields.name("key")?.to_string(),
        mandatory: fields.flag("mandatory")?,
        properties,
        body: fields.text("body")?.into_bytes(),
    })
}

fn method(what: &str, fields: &mut Fields) -> Result<Option<AMQPClass>, String> {
    let (class, _) = what.split_once('.').unwrap_or((what, ""));
    match class {
        "exchange" => Ok(exchange_method(what, fields)?.map(AMQPClass::Exchange)),
        "queue" => Ok(queue_method(what, fields)?.map(AMQPClass::Queue)),
        _ => other_method(what, fields),
    }
}

fn exchange_method(what: &str, fields: &mut Fields) -> Result<Option<exchange::AMQPMethod>, String> {
    Ok(Some(match what {
        "exchange.declare" => exchange::AMQPMethod::Declare(exchange::Declare {
            exchange: fields.name("exchange")?,
            kind: fields.optional_name("type")?.unwrap_or_else(|| "direct".into()),
            passive: fields.flag("passive")?,
            durable: fields.flag("durable")?,
            auto_delete: fields.flag("auto_delete")?,
            internal: fields.flag("internal")?,
            nowait: false,
            arguments: fields.table("arguments")?,
        }),
        "exchange.delete" => exchange::AMQPMethod::Delete(exchange::Delete {
            exchange: fields.name("exchange")?,
            if_unused: fields.flag("if_unused")?,
            nowait: false,
        }),
        "exchange.bind" => exchange::AMQPMethod::Bind(exchange::Bind {
            destination: fields.name("destination")?,
            source: fields.name("source")?,
            routing_key: fields.name("key")?,
            nowait: false,
            arguments: fields.table("arguments")?,
        }),
        "exchange.unbind" => exchange::AMQPMethod::Unbind(exchange::Unbind {
            destination: fields.name("destination")?,
            source: fields.name("source")?,
            routing_key: fields.name("key")?,
            nowait: false,
            arguments: fields.table("arguments")?,
        }),
        _ => return Ok(None),
    }))
}

fn queue_method(what: &str, fields: &mut Fields) -> Result<Option<queue::AMQPMethod>, String> {
    let queue = fields.name("queue")?;
    Ok(Some(match what {
        "queue.declare" => queue::AMQPMethod::Declare(queue::Declare {
            queue,
            passive: fields.flag("passive")?,
            durable: fields.flag("durable")?,
            exclusive: fields.flag("exclusive")?,
            auto_delete: fields.flag("auto_delete")?,
            nowait: false,
            arguments: fields.table("arguments")?,
        }),
        "queue.delete" => queue::AMQPMethod::Delete(queue::Delete {
            queue,
            if_unused: fields.flag("if_unused")?,
            if_empty: fields.flag("if_empty")?,
            nowait: false,
        }),
        "queue.purge" => queue::AMQPMethod::Purge(queue::Purge { queue, nowait: false }),
        "queue.bind" => queue::AMQPMethod::Bind(queue::Bind {
            queue,
            exchange: fields.name("exchange")?,
            routing_key: fields.name("key")?,
            nowait: false,
            arguments: fields.table("arguments")?,
        }),
        "queue.unbind" => queue::AMQPMethod::Unbind(queue::Unbind {
            queue,
            exchange: fields.name("exchange")?,
            routing_key: fields.name("key")?,
            arguments: fields.table("arguments")?,
        }),
        _ => return Ok(None),
    }))
}

fn other_method(what: &str, fields: &mut Fields) -> Result<Option<AMQPClass>, String> {
    let basic = match what {
        "confirm.select" => {
            let select = confirm::AMQPMethod::Select(confirm::Select { nowait: false });
            return Ok(Some(AMQPClass::Confirm(select)));
        }
        "tx.select" => return Ok(Some(AMQPClass::Tx(tx::AMQPMethod::Select(tx::Select {})))),
        "tx.commit" => return Ok(Some(AMQPClass::Tx(tx::AMQPMethod::Commit(tx::Commit {})))),
        "tx.rollback" => return Ok(Some(AMQPClass::Tx(tx::AMQPMethod::Rollback(tx::Rollback {})))),
        "channel.close" => {
            let close = channel::Close { reply_code: 200, reply_text: "".into(), class_id: 0, method_id: 0 };
            return Ok(Some(AMQPClass::Channel(channel::AMQPMethod::Close(close))));
        }
        _ => basic_method(what, fields)?,
    };
    Ok(basic.map(AMQPClass::Basic))
}

fn basic_method(what: &str, fields: &mut Fields) -> Result<Option<basic::AMQPMethod>, String> {
    Ok(Some(match what {
        "qos" => basic::AMQPMethod::Qos(basic::Qos {
            prefetch_count: fields.needed_number("prefetch", u16::MAX.into())? as u16,
            global: fields.flag("global")?,
        }),
        "consume" => basic::AMQPMethod::Consume(basic::Consume {
            queue: fields.name("queue")?,
            consumer_tag: fields.name("tag")?,
            no_local: false,
            no_ack: fields.flag("no_ack")?,
            exclusive: fields.flag("exclusive")?,
            nowait: false,
            arguments: fields.table("arguments")?,
        }),
        "cancel" => basic::AMQPMethod::Cancel(basic::Cancel { consumer_tag: fields.name("tag")?, nowait: false }),
        "get" => basic::AMQPMethod::Get(basic::Get { queue: fields.name("queue")?, no_ack: fields.flag("no_ack")? }),
        "ack" => basic::AMQPMethod::Ack(basic::Ack {
            delivery_tag: fields.needed_number("delivery_tag", SAFE)?,
            multiple: fields.flag("multiple")?,
        }),
        "nack" => basic::AMQPMethod::Nack(basic::Nack {
            delivery_tag: fields.needed_number("delivery_tag", SAFE)?,
            multiple: fields.flag("multiple")?,
            requeue: fields.optional_flag("requeue")?.unwrap_or(true),
        }),
        "reject" => basic::AMQPMethod::Reject(basic::Reject {
            delivery_tag: fields.needed_number("delivery_tag", SAFE)?,
            requeue: fields.optional_flag("requeue")?.unwrap_or(true),
        }),
        "recover" => {
            basic::AMQPMethod::Recover(basic::Recover { requeue: fields.optional_flag("requeue")?.unwrap_or(true) })
        }
        _ => return Ok(None),
    }))
}
