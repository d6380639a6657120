// ANCHOR: all
//! `receive`, made robust: it leaves politely, shows what is not text,
//! and says what is wrong.
//!
//! In a terminal of its own: `cargo run -p receive-robust`

use anyhow::{Context, Result, anyhow, bail, ensure};
use futures_lite::{StreamExt, future};
use lapin::{
    Connection, ConnectionProperties, Consumer, ErrorKind,
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::FieldTable,
    uri::{AMQPScheme, AMQPUri},
};
use std::{env, net::Ipv6Addr, str, time::Duration};
use tokio::{signal, time::timeout};

/// How long we wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<()> {
    let connection = connect("receive").await?;
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions::durable();
    let arguments = FieldTable::default(); // none
    channel.queue_declare("hello".into(), options, arguments).await?;

    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let arguments = FieldTable::default();
    let consumer = channel
        .basic_consume("hello".into(), "".into(), options, arguments)
        .await?;

    // ANCHOR: wait
    let stop =
        async { signal::ctrl_c().await.context("can't wait for CTRL+C") };
    future::or(stop, print_messages(consumer)).await?; // whichever ends first
    timeout(PATIENCE, connection.close(200, "goodbye".into()))
        .await
        .context("the broker doesn't answer our goodbye")??;
    // ANCHOR_END: wait
    Ok(())
}

// ANCHOR: print
/// Prints messages for as long as the broker delivers them.
/// Ends only with an error.
async fn print_messages(mut consumer: Consumer) -> Result<()> {
    println!("Waiting for messages. Press CTRL+C to leave.");
    while let Some(delivery) = consumer.next().await {
        let message = delivery.map_err(|error| {
            anyhow!("the broker ended our connection: {error}")
        })?;
        match str::from_utf8(&message.data) {
            Ok(text) => println!("Received: {text}"),
            Err(_) => println!(
                "Received bytes that are not text: {}",
                message.data.escape_ascii()
            ),
        }
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
}
// ANCHOR_END: print

/// Connects to the broker that `AMQP_ADDR` names, or says why that can't be.
async fn connect(name: &str) -> Result<Connection> {
    let uri = address()?;
    let broker = format!("{}:{}", uri.authority.host, uri.authority.port);
    let properties =
        ConnectionProperties::default().with_connection_name(name.into());
    let connecting = Connection::connect_uri(uri, properties);
    let connected = timeout(PATIENCE, connecting).await.with_context(|| {
        format!("{broker} accepts connections and then says nothing: is it a broker?")
    })?;
    connected.map_err(|error| match error.kind() {
        ErrorKind::IOError(_) => anyhow!(
            "no broker answers at {broker} ({error}); start one with `cargo run -p postoffice`"
        ),
        ErrorKind::ParsingError(_) | ErrorKind::InvalidProtocolVersion(_) => {
            anyhow!("what answers at {broker} doesn't speak AMQP 0-9-1")
        }
        _ => anyhow!("the broker at {broker} did not let us in: {error}"),
    })
}

/// Reads the address. For an IPv6 host, `[::1]`, and for none,
/// lapin alone would take `localhost`.
fn address() -> Result<AMQPUri> {
    let wrong = "AMQP_ADDR is no address like amqp://127.0.0.1:5672";
    let addr = env::var_os("AMQP_ADDR")
        .unwrap_or_else(|| "amqp://127.0.0.1:5672".into())
        .into_string()
        .map_err(|_| anyhow!("{wrong}: it is not UTF-8"))?;
    ensure!(
        !addr.is_empty(),
        "{wrong}: it is empty; unset it, or set it to one"
    );
    ensure!(
        !addr.starts_with(['"', '\'']),
        "{wrong}: leave out the quotation marks"
    );
    let mut uri: AMQPUri =
        addr.parse().map_err(|error| anyhow!("{wrong}: {error}"))?;
    let mut parts = addr.split(['[', ']']);
    if let Some(ip) = parts.find_map(|part| part.parse::<Ipv6Addr>().ok()) {
        uri.authority.host = ip.to_string();
    }
    ensure!(
        uri.authority.host != "localhost" || addr.contains("localhost"),
        "{wrong}: it names no host"
    );
    ensure!(
        uri.scheme == AMQPScheme::AMQP,
        "this program speaks no TLS: AMQP_ADDR has to begin with amqp://"
    );
    Ok(uri)
}
// ANCHOR_END: all
