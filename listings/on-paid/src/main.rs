// ANCHOR: all
//! A department that wants to know which orders are paid;
//! without a name, a screen that shows them.
//!
//! Start a broker first, then, in a terminal of its own:
//! `cargo run -p on-paid -- warehouse`

use anyhow::{Context, Result};
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
    let addr = env::var("AMQP_ADDR")
        .unwrap_or_else(|_| "amqp://127.0.0.1:5672".into());
    let properties =
        ConnectionProperties::default().with_connection_name("on-paid".into());
    let connection = Connection::connect(&addr, properties)
        .await
        .context("no connection to the broker: does one run?")?;
    let channel = connection.create_channel().await?;
    channel
        .exchange_declare(
            "paid".into(),
            ExchangeKind::Fanout,
            ExchangeDeclareOptions { durable: true, ..Default::default() },
            FieldTable::default(),
        )
        .await?;

    let name = env::args().nth(1);
    // ANCHOR: queue
    let (queue, options) = match &name {
        Some(name) => (format!("paid.{name}"), QueueDeclareOptions::durable()),
        None => {
            let ours =
                QueueDeclareOptions { exclusive: true, ..Default::default() };
            (String::new(), ours) // the broker makes up a name
        }
    };
    let queue = channel
        .queue_declare(queue.into(), options, FieldTable::default())
        .await?;
    // ANCHOR_END: queue
    // ANCHOR: bind
    channel
        .queue_bind(
            queue.name().clone(),
            "paid".into(),
            "".into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await?;
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
    let name = name.as_deref().unwrap_or("screen");
    println!("{name} waits for paid orders. Press CTRL+C to leave.");
    let mut stop = pin!(stop());
    loop {
        let delivery = select! {
            biased; // whoever shall stop takes no further message
            stopped = &mut stop => break stopped?,
            next = consumer.next() => next
                .context("the broker cancelled our subscription")?
                .context("the broker ended our channel")?,
        };
        let order = String::from_utf8_lossy(&delivery.data);
        println!("{name}: {order} is paid");
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
