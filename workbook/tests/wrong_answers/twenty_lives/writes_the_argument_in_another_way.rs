// wrong: Without `x-` in front, the broker takes no notice.
// says: and still is in the queue

use anyhow::Result;
use lapin::{
    Channel,
    options::QueueDeclareOptions,
    types::{AMQPValue, FieldTable},
};

async fn open(channel: &Channel) -> Result<()> {
    let mut arguments = FieldTable::default();
    arguments.insert("queue-type".into(), AMQPValue::LongString("quorum".into()));
    channel.queue_declare("packing".into(), QueueDeclareOptions::durable(), arguments).await?;
    Ok(())
}

fn main() {}
