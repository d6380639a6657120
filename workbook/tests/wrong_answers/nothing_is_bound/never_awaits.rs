// wrong: A future that nobody awaits does nothing.
// says: says that all is well

use anyhow::Result;
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn subscribe(channel: &Channel, exchange: &str) -> Result<()> {
    channel.queue_declare("paid.points".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    let (options, table) = (QueueBindOptions::default(), FieldTable::default());
    let _ = channel.queue_bind("paid.points".into(), exchange.into(), "".into(), options, table);
    println!("subscribed to {exchange}");
    Ok(())
}

fn main() {}
