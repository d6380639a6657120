// ANCHOR: all
//! Prints the reports of the levels that it is told:
//! `error` for the person on call, all three for a file.
//!
//! Start a broker first, then, in a terminal of its own:
//! `cargo run -p receive-logs -- error`

use anyhow::{Context, Result, ensure};
use futures_lite::StreamExt;
use lapin::{
    Connection, ConnectionProperties, ExchangeKind,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicQosOptions,
        ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
    },
    types::FieldTable,
};
use std::{env, pin::pin};
use tokio::{select, signal::ctrl_c};

#[tokio::main]
async fn main() -> Result<()> {
    let levels: Vec<_> = env::args().skip(1).collect();
    ensure!(
        !levels.is_empty(),
        "say which levels, for instance: cargo run -p receive-logs -- error"
    );
    let addr = env::var("AMQP_ADDR")
        .unwrap_or_else(|_| "amqp://127.0.0.1:5672".into());
    let properties = ConnectionProperties::default()
        .with_connection_name("receive-logs".into());
    let connection = Connection::connect(&addr, properties)
        .await
        .context("no connection to the broker: does one run?")?;
    let channel = connection.create_channel().await?;
    channel
        .exchange_declare(
            "logs".into(),
            ExchangeKind::Direct,
            ExchangeDeclareOptions { durable: true, ..Default::default() },
            FieldTable::default(),
        )
        .await?;

    // ANCHOR: bind
    let ours = QueueDeclareOptions { exclusive: true, ..Default::default() };
    let queue =
        channel.queue_declare("".into(), ours, FieldTable::default()).await?;
    for level in &levels {
        channel
            .queue_bind(
                queue.name().clone(),
                "logs".into(),
                level.as_str().into(), // the binding key
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await?;
    }
    // ANCHOR_END: bind

    channel.basic_qos(10, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = channel
        .basic_consume(
            queue.name().clone(),
            "".into(),
            options,
            FieldTable::default(),
        )
        .await?;
    println!("Waiting for {}. Press CTRL+C to leave.", levels.join(", "));
    let mut stop = pin!(stop());
    loop {
        let delivery = select! {
            biased; // whoever shall stop takes no further message
            stopped = &mut stop => break stopped?,
            next = consumer.next() => next
                .context("the broker cancelled our subscription")?
                .context("the broker ended our channel")?,
        };
        let text = String::from_utf8_lossy(&delivery.data);
        println!("[{}] {text}", delivery.routing_key);
        delivery.ack(BasicAckOptions::default()).await?;
    }
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}

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
