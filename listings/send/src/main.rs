// ANCHOR: all
//! The producer: puts one letter into the mailbox `hello` and goes home.
//!
//! Start a broker first, then, in any terminal: `cargo run -p send`, or with a text of your own: `cargo run -p send -- Hi!`

use anyhow::{Result, anyhow, ensure};
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
    uri::{AMQPScheme, AMQPUri},
};
use std::{env, net::Ipv6Addr};

#[tokio::main]
async fn main() -> Result<()> {
    // ANCHOR: connect
    let addr = env::var("AMQP_ADDR")
        .unwrap_or_else(|_| "amqp://127.0.0.1:5672".into());
    let uri = read(&addr)?;
    let broker = format!("{}:{}", uri.authority.host, uri.authority.port);
    let properties =
        ConnectionProperties::default().with_connection_name("send".into());
    let connection = Connection::connect_uri(uri, properties)
        .await
        .map_err(|error| no_connection(&broker, &error))?;
    // ANCHOR_END: connect

    // ANCHOR: channel
    let channel = connection.create_channel().await?;
    // ANCHOR_END: channel

    // ANCHOR: declare
    channel
        .queue_declare(
            "hello".into(),
            QueueDeclareOptions::durable(),
            FieldTable::default(),
        )
        .await?;
    // ANCHOR_END: declare

    // ANCHOR: publish
    let text = env::args()
        .nth(1)
        .unwrap_or_else(|| "Life is short, I use Rust!".into());
    channel
        .basic_publish(
            "".into(),      // the default exchange…
            "hello".into(), // …sends it to the queue of this name
            BasicPublishOptions::default(),
            text.as_bytes(),
            BasicProperties::default(),
        )
        .await?;
    println!("Sent: {text}");
    // ANCHOR_END: publish

    // ANCHOR: close
    connection.close(200, "goodbye".into()).await?;
    // ANCHOR_END: close
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
