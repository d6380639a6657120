// ANCHOR: all
//! Asks what shipping costs, for several parcels at once;
//! each is a weight in grams.
//!
//! Start a broker and `shipping-server` first, then:
//! `cargo run -p shipping-client -- 300 1200`

use anyhow::{Context, Result, ensure};
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicConsumeOptions, BasicPublishOptions},
    types::FieldTable,
};
use std::{collections::HashMap, env, time::Duration};
use tokio::time::timeout;

const REPLY_TO: &str = "amq.rabbitmq.reply-to";
const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<()> {
    let addr = env::var("AMQP_ADDR")
        .unwrap_or_else(|_| "amqp://127.0.0.1:5672".into());
    let properties = ConnectionProperties::default()
        .with_connection_name("shipping-client".into());
    let connection = Connection::connect(&addr, properties)
        .await
        .context("no connection to the broker: does one run?")?;
    let channel = connection.create_channel().await?;

    // ANCHOR: replies
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut replies = channel
        .basic_consume(
            REPLY_TO.into(),
            "".into(),
            options,
            FieldTable::default(),
        )
        .await?;
    // ANCHOR_END: replies

    // ANCHOR: ask
    let mut open = HashMap::new();
    for (number, weight) in env::args().skip(1).enumerate() {
        let id = number.to_string();
        let properties = BasicProperties::default()
            .with_reply_to(REPLY_TO.into())
            .with_correlation_id(id.as_str().into())
            .with_expiration(PATIENCE.as_millis().to_string().into());
        channel
            .basic_publish(
                "".into(),
                "shipping".into(),
                BasicPublishOptions::default(),
                weight.as_bytes(),
                properties,
            )
            .await?;
        open.insert(id, weight);
    }
    ensure!(!open.is_empty(), "say a weight in grams, for instance 1200");
    // ANCHOR_END: ask

    // ANCHOR: match
    while !open.is_empty() {
        let reply = timeout(PATIENCE, replies.next())
            .await
            .context("no reply within 5 s: does `shipping-server` run?")?
            .context("the broker cancelled our subscription")?
            .context("the broker ended our channel")?;
        let id = reply.properties.correlation_id().as_ref();
        let Some(weight) = id.and_then(|id| open.remove(id.as_str())) else {
            continue; // nobody waits for this one any more
        };
        println!("{weight}: {}", String::from_utf8_lossy(&reply.data));
    }
    // ANCHOR_END: match
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}
// ANCHOR_END: all
