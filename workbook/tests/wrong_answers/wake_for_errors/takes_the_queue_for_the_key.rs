// wrong: The name of the queue is the key at the default exchange only.
// says: for the telephone, `error` was chosen

use anyhow::Result;
use lapin::{
    Channel,
    options::{QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};

const EXCHANGE: &str = "exercise.logs"; // a direct exchange, which is there already · 直连交换机，已经有了

async fn subscribe(channel: &Channel, queue: &str, levels: &[&str]) -> Result<()> {
    channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    channel
        .queue_bind(queue.into(), EXCHANGE.into(), queue.into(), QueueBindOptions::default(), FieldTable::default())
        .await?;
    Ok(())
}

fn main() {}
