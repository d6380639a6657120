// wrong: Returns an error of its own, and the reason is lost.
// says: which exchange is missing

use anyhow::Result;
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn subscribe(channel: &Channel, exchange: &str) -> Result<()> {
    channel.queue_declare("paid.points".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    let (options, table) = (QueueBindOptions::default(), FieldTable::default());
    channel
        .queue_bind("paid.points".into(), exchange.into(), "".into(), options, table)
        .await
        .map_err(|_| anyhow::anyhow!("not subscribed"))?;
    println!("subscribed to {exchange}");
    Ok(())
}

fn main() {}
