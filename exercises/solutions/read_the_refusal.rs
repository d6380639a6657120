// Read the refusal: a solution · 读懂拒绝：一种解法

use anyhow::Result;
use lapin::{Connection, ErrorKind, options::QueueDeclareOptions, types::FieldTable};

#[derive(Debug, PartialEq)]
enum Mailbox {
    /// It is there, and it is durable. · 有，是持久化的。
    Good,
    /// There is none. · 没有。
    Missing,
    /// It is there, with other qualities. · 有，但特性不一样。
    Different,
}

/// Finds out about a mailbox without making one. Any other refusal is returned as it is.
/// 查明一个邮箱的情况，但不新建。其他的拒绝原样返回。
async fn examine(connection: &Connection, name: &str) -> Result<Mailbox> {
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    if let Err(error) = channel.queue_declare(name.into(), passive, FieldTable::default()).await {
        // Only one code means what we have an answer for. What we don't understand, we pass on and don't explain away.
        // 只有一个代码是我们知道怎么回答的。看不懂的，就原样交上去，不要自作解释。
        return if code(&error) == Some(404) { Ok(Mailbox::Missing) } else { Err(error.into()) };
    }
    if let Err(error) = channel.queue_declare(name.into(), QueueDeclareOptions::durable(), FieldTable::default()).await
    {
        return if code(&error) == Some(406) { Ok(Mailbox::Different) } else { Err(error.into()) };
    }
    Ok(Mailbox::Good)
}

/// The code of the broker's refusal, if this error is one. · 如果这个错误是消息代理的拒绝，给出它的代码。
fn code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(refusal) => Some(refusal.get_id()),
        _ => None,
    }
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::{Mailbox, examine};
    use lapin::{options::QueueDeclareOptions, types::FieldTable};
    use window::check;

    #[test]
    fn each_refusal_has_its_meaning() {
        check(&["good", "quorum", "missing"], async |office| {
            office.declare("good").await;
            office.declare_quorum("quorum").await; // another type of queue · 另一种类型的队列
            let program = office.connect().await;
            for (name, verdict) in
                [("missing", Mailbox::Missing), ("quorum", Mailbox::Different), ("good", Mailbox::Good)]
            {
                let found = examine(&program, name).await.expect("your program returned an error · 你的程序返回了错误");
                assert_eq!(
                    found, verdict,
                    "this is wrong about `{name}`. Which code does the broker give, 404 or 406?\n\
                     对 `{name}` 判断错了。消息代理给的编号是 404 还是 406？"
                );
            }
            assert_eq!(
                office.queue("missing").await,
                None,
                "your program has made the mailbox that it should find out about\n\
                 让你查邮箱的情况，你的程序却把它建了出来"
            );
        });
    }

    #[test]
    fn a_refusal_that_means_something_else_is_returned() {
        check(&["locked"], async |office| {
            let owner = office.connect().await;
            let channel = owner.create_channel().await.expect("a channel");
            let exclusive = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::exclusive() };
            channel.queue_declare("locked".into(), exclusive, FieldTable::default()).await.expect("declared");
            let program = office.connect().await;
            let error = examine(&program, "locked").await.map_err(|error| error.to_string());
            assert!(
                error.as_ref().is_err_and(|words| words.contains("RESOURCE_LOCKED")),
                "`locked` belongs to somebody else, the broker said 405 RESOURCE_LOCKED, and your program made this of it: {error:?}\n\
                 `locked` 是别人独占的，消息代理说的是 405 RESOURCE_LOCKED，你的程序却说成了：{error:?}"
            );
            owner.close(200, "goodbye".into()).await.expect("closed"); // the mailbox goes with it
        });
    }
}
