// wrong: A classic queue has no such limit, and refuses the argument.
// says: the broker refuses the declaration

use anyhow::Result;
use lapin::{
    Channel,
    options::QueueDeclareOptions,
    types::{AMQPValue, FieldTable},
};

async fn open(channel: &Channel) -> Result<()> {
    let mut arguments = FieldTable::default();
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(20));
    channel.queue_declare("packing".into(), QueueDeclareOptions::durable(), arguments).await?;
    Ok(())
}

fn main() {}
