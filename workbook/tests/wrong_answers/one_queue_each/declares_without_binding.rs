// wrong: A queue of the right name, and no rule that leads to it.
// says: has to have both orders

use anyhow::Result;
use lapin::{
    Channel,
    options::{QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};

const EXCHANGE: &str = "exercise.paid"; // a fanout exchange, which is there already · 扇出交换机，已经有了

async fn subscribe(channel: &Channel, department: &str) -> Result<()> {
    let queue = format!("paid.{department}");
    channel.queue_declare(queue.as_str().into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    Ok(())
}

fn main() {}
