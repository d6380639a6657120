// ANCHOR: all
//! Sends a payment notice to the queue `payments`,
//! and fails when the broker hasn't taken it.
//!
//! Start a broker first, then, in any terminal:
//! `cargo run -p payment-notice -- order-1`

use anyhow::{Context, Result, bail};
use lapin::{
    BasicProperties, Confirmation, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use std::env;

#[tokio::main]
async fn main() -> Result<()> {
    let addr = env::var("AMQP_ADDR")
        .unwrap_or_else(|_| "amqp://127.0.0.1:5672".into());
    let properties = ConnectionProperties::default()
        .with_connection_name("payment-notice".into());
    let connection = Connection::connect(&addr, properties)
        .await
        .context("no connection to the broker: does one run?")?;
    let channel = connection.create_channel().await?;

    let order = env::args().nth(1).unwrap_or_else(|| "order-1".into());
    // ANCHOR: confirm
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let confirm = channel
        .basic_publish(
            "".into(),
            "payments".into(),
            options,
            order.as_bytes(),
            BasicProperties::default().with_delivery_mode(2), // persistent
        )
        .await?;
    match confirm.await? {
        Confirmation::Ack(None) => println!("Taken: {order}"),
        Confirmation::Ack(Some(returned)) => {
            bail!("{order} came back: {}", returned.reply_text)
        }
        Confirmation::Nack(_) => bail!("the broker refused {order}"),
        Confirmation::NotRequested => bail!("nobody asked for a confirm"),
    }
    // ANCHOR_END: confirm
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}
// ANCHOR_END: all
