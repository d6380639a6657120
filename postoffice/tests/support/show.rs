//! Methods, properties and messages in words, the same for every broker.

use amq_protocol::{
    protocol::{
        AMQPClass,
        basic::{self, AMQPMethod as Basic, AMQPProperties},
        connection,
        exchange::{self, AMQPMethod as Exchange},
        queue::{self, AMQPMethod as Queue},
    },
    types::{AMQPValue, FieldTable},
};
use std::{collections::HashMap, fmt::Write};

/// `queue.declare queue: "a", durable, x-max-length: 3`: flags only when they are set.
pub fn method(method: &AMQPClass) -> String {
    if let AMQPClass::Connection(connection::AMQPMethod::Start(start)) = method {
        return start_method(start);
    }
    if let AMQPClass::Connection(connection::AMQPMethod::StartOk(connection::StartOk { mechanism, response, .. })) =
        method
    {
        return format!("connection.start-ok {mechanism} {:?}", response.to_string());
    }
    let debug = as_upstream(format!("{method:?}").replace("[{}]", ""));
    // `Queue(DeclareOk(DeclareOk { queue: ShortString("a"), message_count: 0 }))`
    let (class, rest) = debug.split_once('(').unwrap_or((&debug, ""));
    let (name, rest) = rest.split_once('(').unwrap_or((rest, ""));
    let fields = rest.split_once(" {").map_or("", |(_, fields)| fields);
    let fields = fields.strip_suffix("}))").unwrap_or(fields).trim();
    let mut fields = fields.replace("ShortString(\"", "\"").replace("\")", "\"");
    if let Some(arguments) = arguments(method) {
        fields.truncate(fields.find("arguments: ").unwrap_or(fields.len()));
        if !arguments.inner().is_empty() {
            fields += &table(arguments);
        }
    }
    let set = fields.split(", ").filter(|field| !field.ends_with(": false") && !field.is_empty());
    let fields: Vec<_> = set.map(|field| field.strip_suffix(": true").unwrap_or(field)).collect();
    format!("{}.{} {}", class.to_lowercase(), kebab(name), fields.join(", ")).trim().to_owned()
}

/// Debian's RabbitMQ permits by default what upstream's denies, and so denies it in other words when it is told to. What
/// counts is what upstream says: the words in which it denies everything that it denies by default.
fn as_upstream(text: String) -> String {
    const DEBIAN: &str = r#"Its use is not permitted per the configuration (overriding the default, which is permitted):\n    \"deprecated_features.permit.transient_nonexcl_queues = false\"\nIts use will not be permit..."#;
    const UPSTREAM: &str = r#"By default, this feature is not permitted anymore.\nThe feature will be removed from a future major RabbitMQ version, regardless of the configuration; actual version to be determined.\nTo..."#;
    text.replace(DEBIAN, UPSTREAM)
}

fn arguments(method: &AMQPClass) -> Option<&FieldTable> {
    Some(match method {
        AMQPClass::Queue(Queue::Declare(queue::Declare { arguments, .. }))
        | AMQPClass::Queue(Queue::Bind(queue::Bind { arguments, .. }))
        | AMQPClass::Queue(Queue::Unbind(queue::Unbind { arguments, .. }))
        | AMQPClass::Exchange(Exchange::Declare(exchange::Declare { arguments, .. }))
        | AMQPClass::Exchange(Exchange::Bind(exchange::Bind { arguments, .. }))
        | AMQPClass::Exchange(Exchange::Unbind(exchange::Unbind { arguments, .. }))
        | AMQPClass::Basic(Basic::Consume(basic::Consume { arguments, .. })) => arguments,
        _ => return None,
    })
}

/// Of the greeting only what a client relies on: the rest is the product's own.
fn start_method(start: &connection::Start) -> String {
    let keys = start.server_properties.inner().keys().map(|key| key.to_string());
    let keys: Vec<_> = keys.filter(|key| key != "copyright").collect();
    // in which order RabbitMQ names them is chance
    let mechanisms = start.mechanisms.to_string();
    let mut mechanisms: Vec<_> = mechanisms.split(' ').collect();
    mechanisms.sort_unstable();
    let capabilities = start.server_properties.inner().get("capabilities").map(value).unwrap_or_default();
    format!(
        "connection.start {}.{} mechanisms=\"{}\" locales=\"{}\" properties={keys:?} capabilities={capabilities}",
        start.version_major,
        start.version_minor,
        mechanisms.join(" "),
        start.locales
    )
}

pub fn properties(properties: &AMQPProperties) -> String {
    let mut text = String::new();
    let mut add = |name: &str, shown: Option<String>| {
        if let Some(shown) = shown {
            let _ = write!(text, " {name}={shown}"); // writing to a string doesn't fail
        }
    };
    let string =
        |text: &Option<amq_protocol::types::ShortString>| text.as_ref().map(|text| format!("{:?}", text.as_str()));
    add("content-type", string(properties.content_type()));
    add("content-encoding", string(properties.content_encoding()));
    add("headers", properties.headers().as_ref().map(table));
    add("delivery-mode", properties.delivery_mode().map(|mode| mode.to_string()));
    add("priority", properties.priority().map(|priority| priority.to_string()));
    add("correlation-id", string(properties.correlation_id()));
    add("reply-to", string(properties.reply_to()));
    add("expiration", string(properties.expiration()));
    add("message-id", string(properties.message_id()));
    add("timestamp", properties.timestamp().map(|time| time.to_string()));
    add("type", string(properties.kind()));
    add("user-id", string(properties.user_id()));
    add("app-id", string(properties.app_id()));
    add("cluster-id", string(properties.cluster_id()));
    text
}

pub fn table(table: &FieldTable) -> String {
    let entries = table.inner().iter().map(|(key, entry)| {
        // the moment at which a message died is each broker's own
        let shown = if key.as_str() == "time" { "now".to_owned() } else { value(entry) };
        format!("{key}: {shown}")
    });
    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
}

fn value(value: &AMQPValue) -> String {
    match value {
        AMQPValue::LongString(text) => format!("{:?}", text.to_string()),
        AMQPValue::Boolean(flag) => flag.to_string(),
        AMQPValue::FieldTable(entries) => table(entries),
        AMQPValue::FieldArray(values) => {
            format!("[{}]", values.as_slice().iter().map(self::value).collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

/// A short body as it is, a long one by its length and a checksum.
pub fn body(body: &[u8]) -> String {
    if body.len() <= 80 {
        return format!("{:?}", String::from_utf8_lossy(body));
    }
    let sum = body.iter().fold(1_u32, |sum, &byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    format!("{} bytes with the checksum {sum:08x}", body.len())
}

/// Bytes, those that are ASCII as letters.
pub fn bytes(bytes: &[u8]) -> String {
    format!("b\"{}\"", bytes.escape_ascii())
}

fn kebab(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// Gives the names that a broker invents (`amq.gen-…`) numbers in the order of their first appearance.
#[derive(Debug, Default)]
pub struct Invented {
    seen: HashMap<String, String>,
    counts: HashMap<&'static str, usize>,
}

impl Invented {
    pub fn number(&mut self, mut text: &str) -> String {
        const PREFIXES: [&str; 3] = ["amq.gen-", "amq.ctag-", "amq.rabbitmq.reply-to."];
        let mut numbered = String::new();
        while let Some((start, prefix)) = PREFIXES.iter().filter_map(|prefix| Some((text.find(prefix)?, *prefix))).min()
        {
            let name = &text[start..];
            let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || "-_=/+.~".contains(c))).unwrap_or(name.len());
            let name = &name[..end];
            if name.len() == prefix.len() || name[prefix.len()..].starts_with("mine") {
                numbered += &text[..start + end]; // not invented by the broker
            } else {
                let count = &mut self.counts;
                let number = self.seen.entry(name.to_owned()).or_insert_with(|| {
                    let count = count.entry(prefix).or_default();
                    *count += 1;
                    format!("{prefix}#{count}")
                });
                numbered += &text[..start];
                numbered += number;
            }
            text = &text[start + end..];
        }
        numbered + text
    }
}
