// wrong: A quorum queue can't be exclusive.
// says: the broker refuses the declaration

use anyhow::Result;
use lapin::{
    Channel,
    options::QueueDeclareOptions,
    types::{AMQPValue, FieldTable},
};

async fn open(channel: &Channel) -> Result<()> {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    channel
        .queue_declare(
            "packing".into(),
            QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::durable() },
            arguments,
        )
        .await?;
    Ok(())
}

fn main() {}
