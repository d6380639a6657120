// ANCHOR: all
//! The producer: sends one message to the queue `hello`.
//!
//! Start a broker first, then: `cargo run -p send`,
//! or with a text of your own: `cargo run -p send -- Hi!`

use anyhow::Result;
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};
use std::{env, ffi::OsStr};

#[tokio::main]
async fn main() -> Result<()> {
    // ANCHOR: connect
    let addr = env::var_os("AMQP_ADDR")
        .unwrap_or_else(|| "amqp://127.0.0.1:5672".into());
    let name =
        ConnectionProperties::default().with_connection_name("send".into());
    let connection = Connection::connect(&addr.to_string_lossy(), name).await?;
    // ANCHOR_END: connect

    // ANCHOR: channel
    let channel = connection.create_channel().await?;
    // ANCHOR_END: channel

    // ANCHOR: declare
    let options = QueueDeclareOptions::durable();
    let arguments = FieldTable::default(); // none
    channel.queue_declare("hello".into(), options, arguments).await?;
    // ANCHOR_END: declare

    // ANCHOR: text
    let words: Vec<_> = env::args_os().skip(1).collect();
    let mut text = words.join(OsStr::new(" "));
    if text.is_empty() {
        text = "Life is short, I use Rust!".into();
    }
    let text = text.to_string_lossy();
    // ANCHOR_END: text

    // ANCHOR: publish
    let exchange = "".into(); // the default exchange…
    let routing_key = "hello".into(); // …puts it into the queue of this name
    let options = BasicPublishOptions::default();
    let body = text.as_bytes();
    let properties = BasicProperties::default();
    channel
        .basic_publish(exchange, routing_key, options, body, properties)
        .await?;
    println!("Sent: {text}");
    // ANCHOR_END: publish

    // ANCHOR: close
    connection.close(200, "goodbye".into()).await?;
    // ANCHOR_END: close
    Ok(())
}
// ANCHOR_END: all
