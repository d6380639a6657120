// ANCHOR: all
//! Sends many payment notices to the queue `payments`,
//! and sends again what the broker refused.
//!
//! Start a broker first, then, in any terminal:
//! `cargo run -p payment-notices -- 1000`

use anyhow::{Context, Result, bail};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    PublisherConfirm,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use std::{collections::VecDeque, env, time::Duration};
use tokio::time::sleep;

/// How many notices may be on their way without a confirm.
const WINDOW: usize = 100;
const ATTEMPTS: u32 = 5;

#[tokio::main]
async fn main() -> Result<()> {
    let count: u32 = match env::args().nth(1) {
        Some(count) => count.parse().context("say how many notices")?,
        None => 1000,
    };
    let addr = env::var("AMQP_ADDR")
        .unwrap_or_else(|_| "amqp://127.0.0.1:5672".into());
    let properties = ConnectionProperties::default()
        .with_connection_name("payment-notices".into());
    let connection = Connection::connect(&addr, properties)
        .await
        .context("no connection to the broker: does one run?")?;
    let channel = connection.create_channel().await?;

    // ANCHOR: window
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut open = VecDeque::new(); // the oldest first
    for number in 1..=count {
        if open.len() == WINDOW {
            let (number, confirm) = open.pop_front().expect("it is full");
            settle(&channel, number, confirm).await?;
        }
        open.push_back((number, publish(&channel, number).await?));
    }
    for (number, confirm) in open {
        settle(&channel, number, confirm).await?;
    }
    // ANCHOR_END: window
    println!("{count} notices taken");
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}

// ANCHOR: publish
async fn publish(channel: &Channel, number: u32) -> Result<PublisherConfirm> {
    let id = format!("order-{number}");
    let properties = BasicProperties::default()
        .with_delivery_mode(2) // persistent
        .with_message_id(id.as_str().into());
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let publish = channel.basic_publish(
        "".into(),
        "payments".into(),
        options,
        id.as_bytes(),
        properties,
    );
    Ok(publish.await?)
}
// ANCHOR_END: publish

// ANCHOR: settle
/// Waits for the broker's word on a notice.
/// One that it refuses is sent again, a little later each time.
async fn settle(
    channel: &Channel,
    number: u32,
    mut confirm: PublisherConfirm,
) -> Result<()> {
    let mut attempt = 0;
    loop {
        match confirm.await? {
            Confirmation::Ack(None) => return Ok(()),
            Confirmation::Nack(_) => {}
            Confirmation::Ack(Some(returned)) => {
                bail!("order-{number} came back: {}", returned.reply_text)
            }
            Confirmation::NotRequested => bail!("nobody asked for a confirm"),
        }
        attempt += 1;
        println!("order-{number} was refused, attempt {attempt}");
        if attempt == ATTEMPTS {
            bail!("the broker refuses order-{number}: is the queue full?");
        }
        sleep(Duration::from_millis(100 << attempt)).await;
        confirm = publish(channel, number).await?;
    }
}
// ANCHOR_END: settle
// ANCHOR_END: all
