// ANCHOR: all
//! Says what shipping costs: answers each request in the queue `shipping`,
//! a weight in grams.
//!
//! Start a broker first, then, in a terminal of its own:
//! `cargo run -p shipping-server`

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions,
        BasicQosOptions, QueueDeclareOptions,
    },
    types::FieldTable,
};
use std::{env, pin::pin, time::Duration};
use tokio::{select, signal::ctrl_c, time::sleep};

#[tokio::main]
async fn main() -> Result<()> {
    let addr = env::var("AMQP_ADDR")
        .unwrap_or_else(|_| "amqp://127.0.0.1:5672".into());
    let properties = ConnectionProperties::default()
        .with_connection_name("shipping-server".into());
    let connection = Connection::connect(&addr, properties)
        .await
        .context("no connection to the broker: does one run?")?;
    let channel = connection.create_channel().await?;
    let durable = QueueDeclareOptions::durable();
    channel
        .queue_declare("shipping".into(), durable, FieldTable::default())
        .await?;
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = channel
        .basic_consume(
            "shipping".into(),
            "".into(),
            options,
            FieldTable::default(),
        )
        .await?;
    println!("Waiting for requests. Press CTRL+C to leave.");
    let mut stop = pin!(stop());
    loop {
        let delivery = select! {
            biased; // whoever shall stop takes no further message
            stopped = &mut stop => break stopped?,
            next = consumer.next() => next
                .context("the broker cancelled our subscription")?
                .context("the broker ended our channel")?,
        };
        // ANCHOR: answer
        let request = String::from_utf8_lossy(&delivery.data);
        let reply = match price(&request).await {
            Ok(price) => price,
            Err(error) => format!("error: {error}"),
        };
        println!("{request}: {reply}");
        // ANCHOR_END: answer
        // ANCHOR: reply
        let asked = &delivery.properties;
        if let Some(reply_to) = asked.reply_to() {
            let mut properties = BasicProperties::default();
            if let Some(id) = asked.correlation_id() {
                properties = properties.with_correlation_id(id.clone());
            }
            channel
                .basic_publish(
                    "".into(),
                    reply_to.clone(),
                    BasicPublishOptions::default(),
                    reply.as_bytes(),
                    properties,
                )
                .await?;
        }
        // ANCHOR_END: reply
        delivery.ack(BasicAckOptions::default()).await?;
    }
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}

// ANCHOR: price
/// 5.00, and 1.50 for each kilogram begun.
/// For a heavy parcel we ask the carrier, which takes a while.
async fn price(grams: &str) -> Result<String> {
    let grams: u32 =
        grams.parse().context("this is no weight in whole grams")?;
    if grams >= 10_000 {
        sleep(Duration::from_secs(2)).await;
    }
    let cents = 500 + 150 * u64::from(grams.div_ceil(1000));
    Ok(format!("{}.{:02}", cents / 100, cents % 100))
}
// ANCHOR_END: price

/// Ends when somebody wants the program to end: by CTRL+C, or by SIGTERM.
async fn stop() -> Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        select! {
            _ = terminate.recv() => {}
            pressed = ctrl_c() => pressed?,
        }
    }
    #[cfg(not(unix))]
    ctrl_c().await?;
    Ok(())
}
// ANCHOR_END: all
