// wrong: Makes what is missing; nobody publishes there.
// says: an exchange of its own

use anyhow::Result;
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn subscribe(channel: &Channel, exchange: &str) -> Result<()> {
    channel.queue_declare("paid.points".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    let (kind, own) = (ExchangeKind::Fanout, ExchangeDeclareOptions { auto_delete: true, ..Default::default() });
    channel.exchange_declare(exchange.into(), kind, own, FieldTable::default()).await?;
    let (options, table) = (QueueBindOptions::default(), FieldTable::default());
    channel.queue_bind("paid.points".into(), exchange.into(), "".into(), options, table).await?;
    println!("subscribed to {exchange}");
    Ok(())
}

fn main() {}
