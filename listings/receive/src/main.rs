// ANCHOR: all
//! The consumer: prints each letter that reaches the mailbox `hello`, until CTRL+C.
//!
//! Start a broker first, then, in a terminal of its own: `cargo run -p receive`

use anyhow::{Context, Result, anyhow, bail, ensure};
use futures_lite::{StreamExt, future};
use lapin::{
    Connection, ConnectionProperties, Consumer,
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::FieldTable,
    uri::{AMQPScheme, AMQPUri},
};
use std::{env, net::Ipv6Addr, str};
use tokio::signal;

#[tokio::main]
async fn main() -> Result<()> {
    let addr = env::var("AMQP_ADDR")
        .unwrap_or_else(|_| "amqp://127.0.0.1:5672".into());
    let uri = read(&addr)?;
    let broker = format!("{}:{}", uri.authority.host, uri.authority.port);
    let properties =
        ConnectionProperties::default().with_connection_name("receive".into());
    let connection = Connection::connect_uri(uri, properties)
        .await
        .map_err(|error| no_connection(&broker, &error))?;
    let channel = connection.create_channel().await?;
    channel
        .queue_declare(
            "hello".into(),
            QueueDeclareOptions::durable(),
            FieldTable::default(),
        )
        .await?;

    // ANCHOR: consume
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let consumer = channel
        .basic_consume(
            "hello".into(),
            "".into(),
            options,
            FieldTable::default(),
        )
        .await?;
    // ANCHOR_END: consume

    // ANCHOR: wait
    let stop =
        async { signal::ctrl_c().await.context("can't wait for CTRL+C") };
    future::or(stop, print_letters(consumer)).await?; // whichever ends first
    connection.close(200, "goodbye".into()).await?;
    // ANCHOR_END: wait
    Ok(())
}

// ANCHOR: print
/// Prints letters for as long as the broker delivers them. Ends only with an error.
async fn print_letters(mut consumer: Consumer) -> Result<()> {
    println!("Waiting for letters. Press CTRL+C to leave.");
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery.map_err(|error| {
            anyhow!("the broker ended our connection: {error}")
        })?;
        match str::from_utf8(&delivery.data) {
            Ok(text) => println!("Received: {text}"),
            Err(_) => println!(
                "Received bytes that are not text: {}",
                delivery.data.escape_ascii()
            ),
        }
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
}
// ANCHOR_END: print

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
    ensure!(
        uri.scheme == AMQPScheme::AMQP,
        "this program speaks no TLS: AMQP_ADDR has to begin with amqp://"
    );
    Ok(uri)
}

/// Says why there is no connection, and what to do about it.
fn no_connection(broker: &str, error: &lapin::Error) -> anyhow::Error {
    if error.is_io_error() {
        anyhow!(
            "no broker answers at {broker} ({error}); start one with `cargo run -p postoffice`"
        )
    } else {
        anyhow!("the broker at {broker} did not let us in: {error}")
    }
}
// ANCHOR_END: all
