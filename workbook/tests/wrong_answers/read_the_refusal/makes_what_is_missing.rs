// wrong: Asks with a declaration that is not passive.
// says: this is wrong about `missing

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
    let passive = QueueDeclareOptions::durable();
    if let Err(error) = channel.queue_declare(name.into(), passive, FieldTable::default()).await {
        return if code(&error) == Some(404) { Ok(Queue::Missing) } else { Err(error.into()) };
    }
    if let Err(error) = channel.queue_declare(name.into(), QueueDeclareOptions::durable(), FieldTable::default()).await
    {
        return if code(&error) == Some(406) { Ok(Queue::Different) } else { Err(error.into()) };
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
