// wrong: Names the type that there would have been anyway.
// says: and still is in the queue

use anyhow::Result;
use lapin::{
    Channel,
    options::QueueDeclareOptions,
    types::{AMQPValue, FieldTable},
};

async fn open(channel: &Channel) -> Result<()> {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("classic".into()));
    channel.queue_declare("packing".into(), QueueDeclareOptions::durable(), arguments).await?;
    Ok(())
}

fn main() {}
