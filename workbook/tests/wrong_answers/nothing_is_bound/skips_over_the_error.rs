// wrong: Looks only at what went well.
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
    if let Ok(()) = channel.queue_bind("paid.points".into(), exchange.into(), "".into(), options, table).await {
        println!("subscribed to {exchange}");
    }
    Ok(())
}

fn main() {}
