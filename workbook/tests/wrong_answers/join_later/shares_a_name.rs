// wrong: An exclusive queue under a name that all screens use: the second is refused.
// says: a screen couldn't subscribe

use anyhow::Result;
use lapin::{
    Channel, Consumer,
    options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};

const EXCHANGE: &str = "exercise.paid"; // a fanout exchange, which is there already · 扇出交换机，已经有了

async fn watch(channel: &Channel) -> Result<Consumer> {
    let options = QueueDeclareOptions { exclusive: true, ..Default::default() };
    let queue = channel.queue_declare("screen".into(), options, FieldTable::default()).await?;
    let bind = QueueBindOptions::default();
    channel.queue_bind(queue.name().clone(), EXCHANGE.into(), "".into(), bind, FieldTable::default()).await?;
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    Ok(channel.basic_consume(queue.name().clone(), "".into(), options, FieldTable::default()).await?)
}

fn main() {}
