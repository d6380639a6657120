// wrong: One queue for all, under a name of its own.
// says: which is out for lunch

use anyhow::Result;
use lapin::{
    Channel,
    options::{QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};

const EXCHANGE: &str = "exercise.paid"; // a fanout exchange, which is there already · 扇出交换机，已经有了

async fn subscribe(channel: &Channel, department: &str) -> Result<()> {
    let queue = "paid.all";
    channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    channel
        .queue_bind(queue.into(), EXCHANGE.into(), "".into(), QueueBindOptions::default(), FieldTable::default())
        .await?;
    Ok(())
}

fn main() {}
