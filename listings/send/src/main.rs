// ANCHOR: all
//! The producer: puts one letter into the mailbox `hello` and goes home.
//!
//! Start a broker first, then, in any terminal: `cargo run -p send`, or with a text of your own: `cargo run -p send -- Hi!`

use anyhow::{Result, anyhow};
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};
use std::env;

#[tokio::main]
async fn main() -> Result<()> {
    // ANCHOR: connect
    let addr = env::var("AMQP_ADDR").unwrap_or_else(|_| "amqp://127.0.0.1:5672".into());
    let properties = ConnectionProperties::default().with_connection_name("send".into());
    let connection = Connection::connect(&addr, properties).await.map_err(|error| no_connection(&addr, &error))?;
    // ANCHOR_END: connect

    // ANCHOR: channel
    let channel = connection.create_channel().await?;
    // ANCHOR_END: channel

    // ANCHOR: declare
    channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    // ANCHOR_END: declare

    // ANCHOR: publish
    let text = env::args().nth(1).unwrap_or_else(|| "Life is short, I use Rust!".into());
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

/// Says which address did not work, without the password that it may contain, and what to do about it.
fn no_connection(addr: &str, error: &lapin::Error) -> anyhow::Error {
    let place = addr.rsplit('@').next().unwrap_or(addr);
    if error.is_io_error() {
        anyhow!("no broker answers at {place} ({error}); start one with `cargo run -p postoffice`")
    } else {
        anyhow!("the broker at {place} did not let us in: {error}")
    }
}
// ANCHOR_END: all
