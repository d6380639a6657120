// ANCHOR: all
//! A packer: takes orders from the queue `packing`,
//! and acknowledges each when it is packed.
//!
//! Start a broker first, then, in a terminal of its own:
//! `cargo run -p worker`

use anyhow::{Context, Result};
use clap::Parser;
use futures_lite::StreamExt;
use lapin::{
    Connection, ConnectionProperties,
    message::Delivery,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicQosOptions,
        QueueDeclareOptions,
    },
    types::FieldTable,
};
use std::{env, pin::pin, time::Duration};
use tokio::{select, signal::ctrl_c, time::sleep};

#[derive(Parser)]
struct Options {
    /// How many unacknowledged orders we want at most; 0 for no limit
    #[arg(long, default_value_t = 1)]
    prefetch: u16,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Options { prefetch } = Options::parse();
    let addr = env::var("AMQP_ADDR")
        .unwrap_or_else(|_| "amqp://127.0.0.1:5672".into());
    let properties =
        ConnectionProperties::default().with_connection_name("worker".into());
    let connection = Connection::connect(&addr, properties)
        .await
        .context("no connection to the broker: does one run?")?;
    let channel = connection.create_channel().await?;
    let durable = QueueDeclareOptions::durable();
    channel
        .queue_declare("packing".into(), durable, FieldTable::default())
        .await?;

    // ANCHOR: prefetch
    channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
    // ANCHOR_END: prefetch
    // ANCHOR: consume
    let options = BasicConsumeOptions::default(); // no_ack: false
    let mut consumer = channel
        .basic_consume(
            "packing".into(),
            "".into(),
            options,
            FieldTable::default(),
        )
        .await?;
    // ANCHOR_END: consume
    println!("Waiting for orders. Press CTRL+C to leave.");
    // ANCHOR: loop
    let mut stop = pin!(stop());
    loop {
        let delivery = select! {
            biased; // whoever shall stop takes no further order
            stopped = &mut stop => break stopped?,
            next = consumer.next() => next
                .context("the broker cancelled our subscription")?
                .context("the broker ended our channel")?,
        };
        pack(&delivery).await;
        delivery.ack(BasicAckOptions::default()).await?;
    }
    connection.close(200, "goodbye".into()).await?;
    Ok(())
    // ANCHOR_END: loop
}

/// Packs an order, for as many seconds as it has dots.
async fn pack(delivery: &Delivery) {
    let order = String::from_utf8_lossy(&delivery.data);
    let again = if delivery.redelivered { " (redelivered)" } else { "" };
    println!("Packing {order}{again}");
    let seconds = order.matches('.').count() as u64;
    sleep(Duration::from_secs(seconds)).await;
    println!("Packed {order}");
}

// ANCHOR: stop
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
// ANCHOR_END: stop
// ANCHOR_END: all
