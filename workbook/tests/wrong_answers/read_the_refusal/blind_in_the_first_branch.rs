// wrong: Knows 405 and takes every other error of the first question for a missing queue.
// says: the connection was lost at the first

use anyhow::Result;
use lapin::{Connection, ErrorKind, options::QueueDeclareOptions, types::FieldTable};

#[derive(Debug, PartialEq)]
enum Queue {
    /// It is there, and it is declared as ours: durable. · 有，声明得和我们的一样：持久化的。
    Good,
    /// There is none. · 没有。
    Missing,
    /// It is there, declared in another way. · 有，但声明得不一样。
    Different,
}

/// Finds out about a queue without making one. Any other error is returned as it is.
/// 查明一个队列的情况，但不新建。其他的错误原样返回。
async fn examine(connection: &Connection, name: &str) -> Result<Queue> {
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    if let Err(error) = channel.queue_declare(name.into(), passive, FieldTable::default()).await {
        return if code(&error) == Some(405) { Err(error.into()) } else { Ok(Queue::Missing) };
    }
    if let Err(error) = channel.queue_declare(name.into(), QueueDeclareOptions::durable(), FieldTable::default()).await
    {
        return if code(&error) == Some(406) { Ok(Queue::Different) } else { Err(error.into()) };
    }
    Ok(Queue::Good)
}

/// The code of the broker's refusal, if this error is one. · 如果这个错误是消息代理的拒绝，给出它的编号。
fn code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(refusal) => Some(refusal.get_id()),
        _ => None,
    }
}

fn main() {}
