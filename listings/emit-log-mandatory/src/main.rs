// ANCHOR: all
//! The same as `emit-log`, but it wants to know when no queue takes the report.
//!
//! Start a broker first, then, in any terminal:
//! `cargo run -p emit-log-mandatory -- debug "ink at 40%"`

use anyhow::{Context, Result, bail};
use lapin::{
    BasicProperties, Confirmation, Connection, ConnectionProperties,
    ExchangeKind,
    options::{
        BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
    },
    types::FieldTable,
};
use std::env;

#[tokio::main]
async fn main() -> Result<()> {
    let addr = env::var("AMQP_ADDR")
        .unwrap_or_else(|_| "amqp://127.0.0.1:5672".into());
    let properties = ConnectionProperties::default()
        .with_connection_name("emit-log-mandatory".into());
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

    let mut words = env::args().skip(1);
    let level = words.next().unwrap_or_else(|| "info".into());
    let text = words.next().unwrap_or_else(|| "printer ready".into());
    // ANCHOR: publish
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let confirm = channel
        .basic_publish(
            "logs".into(),
            level.as_str().into(),
            options,
            text.as_bytes(),
            BasicProperties::default(),
        )
        .await?;
    match confirm.await? {
        Confirmation::Ack(None) => println!("Sent [{level}] {text}"),
        Confirmation::Ack(Some(returned)) => bail!(
            "no queue takes `{level}`: the broker returned it ({} {})",
            returned.reply_code,
            returned.reply_text
        ),
        other => bail!("the broker didn't take it: {other:?}"),
    }
    // ANCHOR_END: publish
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}
// ANCHOR_END: all
