// wrong: The queue goes away with its last consumer.
// says: in another way than the other programs

use anyhow::Result;
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(addr: &str) -> Result<()> {
    let connection = Connection::connect(addr, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel
        .queue_declare(
            "hello".into(),
            QueueDeclareOptions { durable: true, auto_delete: true, ..Default::default() },
            FieldTable::default(),
        )
        .await?;

    let text = "Life is short, I use Rust!";
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;

    connection.close(200, "goodbye".into()).await?;
    Ok(())
}

fn main() {}
