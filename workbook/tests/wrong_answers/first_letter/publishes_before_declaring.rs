// wrong: Publishes to a queue that does not exist yet.
// says: `hello` has to hold this one message

use anyhow::Result;
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(addr: &str) -> Result<()> {
    let connection = Connection::connect(addr, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;

    let text = "Life is short, I use Rust!";
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;

    channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}

fn main() {}
