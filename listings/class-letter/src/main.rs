// ANCHOR: all
//! A message to a classmate, through the class's broker.
//!
//! Set `AMQP_ADDR` as the big screen says. To send:
//! `cargo run -p class-letter -- anna ben Hi!`
//! To receive your own messages, in a terminal of its own:
//! `cargo run -p class-letter -- anna`

use anyhow::{Context, Result, anyhow, bail, ensure};
use futures_lite::{StreamExt, future};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions,
        QueueDeclareOptions,
    },
    types::FieldTable,
    uri::AMQPUri,
};
use std::{env, ffi::OsString, net::Ipv6Addr};
use tokio::signal;

#[tokio::main]
async fn main() -> Result<()> {
    let given = env::args_os().skip(1).map(OsString::into_string);
    let given: Result<Vec<_>, _> = given.collect();
    let given =
        given.map_err(|_| anyhow!("names and texts have to be UTF-8"))?;
    let mut words = given.into_iter();
    let me = words
        .next()
        .context("say who you are: `cargo run -p class-letter -- anna`")?;
    let addr = env::var("AMQP_ADDR")
        .context("set AMQP_ADDR first: the big screen says to what")?;
    let uri = read(&addr)?;

    // ANCHOR: name
    let properties = ConnectionProperties::default()
        .with_connection_name(me.as_str().into());
    let connection =
        Connection::connect_uri(uri, properties).await.map_err(|error| {
            anyhow!("the post office is not open to us: {error}")
        })?;
    // ANCHOR_END: name
    let channel = connection.create_channel().await?;

    // ANCHOR: queue
    let queue = queue_of(&me)?;
    channel
        .queue_declare(
            queue.as_str().into(),
            QueueDeclareOptions::durable(),
            FieldTable::default(),
        )
        .await?;
    // ANCHOR_END: queue

    match words.next() {
        Some(friend) => {
            let mut text = words.collect::<Vec<_>>().join(" ");
            if text.is_empty() {
                text = format!("Hi, {friend}!");
            }
            write(&channel, &friend, &text).await?;
        }
        None => {
            let stop = async {
                signal::ctrl_c().await.context("can't wait for CTRL+C")
            };
            future::or(stop, receive(&channel, &queue)).await?;
        }
    }
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}

/// Reads an address. For an IPv6 host, `[::1]`, and for none, lapin alone would
/// take `localhost`.
fn read(addr: &str) -> Result<AMQPUri> {
    let mut uri: AMQPUri = addr.parse().map_err(|error| {
        anyhow!("AMQP_ADDR is no address like amqp://127.0.0.1:5672: {error}")
    })?;
    let mut parts = addr.split(['[', ']']);
    if let Some(ip) = parts.find_map(|part| part.parse::<Ipv6Addr>().ok()) {
        uri.authority.host = ip.to_string();
    }
    ensure!(
        uri.authority.host != "localhost" || addr.contains("localhost"),
        "AMQP_ADDR is no address like amqp://127.0.0.1:5672: it names no host"
    );
    Ok(uri)
}

/// The queue of the classmate with this name.
fn queue_of(name: &str) -> Result<String> {
    let queue = format!("class.{name}");
    ensure!(
        queue.len() <= 255,
        "this name is too long: `class.` and the name together have {} bytes, \
         and the name of a queue has at most 255",
        queue.len()
    );
    Ok(queue)
}

// ANCHOR: write
/// Puts a message into a classmate's queue.
async fn write(channel: &Channel, friend: &str, text: &str) -> Result<()> {
    channel
        .basic_publish(
            "".into(),
            queue_of(friend)?.into(),
            BasicPublishOptions::default(),
            text.as_bytes(),
            BasicProperties::default(),
        )
        .await?;
    println!("Sent to {friend}: {text}");
    Ok(())
}
// ANCHOR_END: write

// ANCHOR: ack
/// Prints each message in our queue, then acknowledges it.
/// Ends only with an error.
async fn receive(channel: &Channel, queue: &str) -> Result<()> {
    let options = BasicConsumeOptions::default(); // no_ack: false
    let mut consumer = channel
        .basic_consume(queue.into(), "".into(), options, FieldTable::default())
        .await?;
    println!("Waiting for messages in {queue}. Press CTRL+C to leave.");
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery.map_err(|error| {
            anyhow!("the post office ended our connection: {error}")
        })?;
        let text = String::from_utf8_lossy(&delivery.data);
        println!("Received: {text:?}"); // quoted: control codes stay text
        delivery.ack(BasicAckOptions::default()).await?;
    }
    bail!("our subscription was cancelled: did the class start over?")
}
// ANCHOR_END: ack
// ANCHOR_END: all
