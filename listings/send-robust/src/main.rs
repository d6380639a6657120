// ANCHOR: all
//! `send`, made robust: it refuses what it can't use,
//! waits for nobody for ever, and says what is wrong.
//!
//! `cargo run -p send-robust`, or with a text of your own:
//! `cargo run -p send-robust -- Hello dear world`

use anyhow::{Context, Result, anyhow, ensure};
use lapin::{
    BasicProperties, Connection, ConnectionProperties, ErrorKind,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
    uri::{AMQPScheme, AMQPUri},
};
use std::{env, ffi::OsString, net::Ipv6Addr, time::Duration};
use tokio::time::timeout;

/// How long we wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<()> {
    let words: Result<Vec<_>, _> =
        env::args_os().skip(1).map(OsString::into_string).collect();
    let mut text =
        words.map_err(|_| anyhow!("the text is not UTF-8"))?.join(" ");
    if text.is_empty() {
        text = "Life is short, I use Rust!".into();
    }

    let connection = connect("send").await?;
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions::durable();
    let arguments = FieldTable::default(); // none
    channel.queue_declare("hello".into(), options, arguments).await?;

    let options = BasicPublishOptions::default();
    let body = text.as_bytes();
    let properties = BasicProperties::default();
    channel
        .basic_publish("".into(), "hello".into(), options, body, properties)
        .await?;
    println!("Sent: {text}");

    // ANCHOR: close
    timeout(PATIENCE, connection.close(200, "goodbye".into()))
        .await
        .context("the broker doesn't answer our goodbye, so it may not have read the message: does it block publishers?")??;
    // ANCHOR_END: close
    Ok(())
}

// ANCHOR: connect
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
// ANCHOR_END: connect

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
