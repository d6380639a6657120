// wrong: Takes every refusal for a missing queue.
// says: this is wrong about `quorum

use anyhow::Result;
use lapin::{Connection, ErrorKind, options::QueueDeclareOptions, types::FieldTable};

#[derive(Debug, PartialEq)]
enum Queue {
    Good,
    Missing,
    Different,
}

async fn examine(connection: &Connection, name: &str) -> Result<Queue> {
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    if let Err(error) = channel.queue_declare(name.into(), passive, FieldTable::default()).await {
        drop(error);
        return Ok(Queue::Missing);
    }
    if let Err(error) = channel.queue_declare(name.into(), QueueDeclareOptions::durable(), FieldTable::default()).await
    {
        drop(error);
        return Ok(Queue::Missing);
    }
    Ok(Queue::Good)
}

fn code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(refusal) => Some(refusal.get_id()),
        _ => None,
    }
}

fn main() {}
