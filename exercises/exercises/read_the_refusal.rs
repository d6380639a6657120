// Read the refusal · 读懂拒绝
//
// 15 minutes · 15 分钟
// The page · 对应的页：src/basic/get.md#passive, src/basic/get.zh-CN.md#passive
//
// When the broker refuses, it says why: a code and a sentence. 404 means that there is no such thing, 406 that it differs from what
// you say. This program takes every refusal for the first kind.
//
// 消息代理拒绝的时候会说明原因：一个编号加一句话。404 是没有这个东西，406 是它和你说的不一样。
// 这个程序把所有的拒绝都当成了第一种。

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
    // Is it there? · 有吗？
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    if let Err(error) = channel.queue_declare(name.into(), passive, FieldTable::default()).await {
        // TODO: Look at the code: is it 404? `code` below finds it in the error. Return any other error as it is.
        // 待办：看看编号是不是 404。用下面的 `code` 从错误里取出来。其他的错误都原样返回。
        return Ok(Queue::Missing);
    }
    // Is it declared as ours? · 声明得一样吗？
    if let Err(error) = channel.queue_declare(name.into(), QueueDeclareOptions::durable(), FieldTable::default()).await
    {
        // TODO: Which code says that the queue differs? Return `Different` for that one only, and any other error as it is.
        // 待办：哪个编号说的是队列不一样？只有遇到这个编号才返回 `Different`，其他的错误都原样返回。
        return Ok(Queue::Missing);
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

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::{Queue, examine};
    use lapin::{options::QueueDeclareOptions, types::FieldTable};
    use window::{QUEUE_DECLARE, check, fresh};

    #[test]
    fn each_refusal_has_its_meaning() {
        let [good, quorum, missing] = ["good", "quorum", "missing"].map(fresh);
        check(&[&good, &quorum, &missing], async |office| {
            office.declare(&good).await;
            office.declare_quorum(&quorum).await; // another type of queue · 另一种类型的队列
            let program = office.connect().await;
            for (name, verdict) in [(&missing, Queue::Missing), (&quorum, Queue::Different), (&good, Queue::Good)] {
                let found = examine(&program, name).await.expect("your program returned an error · 你的程序返回了错误");
                assert_eq!(
                    found, verdict,
                    "this is wrong about `{name}`. Which code does the broker give, 404 or 406?\n\
                     对 `{name}` 判断错了。消息代理给的编号是 404 还是 406？"
                );
            }
            assert_eq!(
                office.queue(&missing).await,
                None,
                "your program has made the queue that it should find out about\n\
                 让你查队列的情况，你的程序却把它建了出来"
            );
        });
    }

    #[test]
    fn a_refusal_that_means_something_else_is_returned() {
        let locked = fresh("locked");
        check(&[&locked], async |office| {
            let owner = office.connect().await;
            let channel = owner.create_channel().await.expect("a channel");
            let exclusive = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::exclusive() };
            channel.queue_declare(locked.as_str().into(), exclusive, FieldTable::default()).await.expect("declared");
            let program = office.connect().await;
            let error = examine(&program, &locked).await.map_err(|error| format!("{error:#}"));
            assert!(
                error.as_ref().is_err_and(|words| words.contains("RESOURCE_LOCKED")),
                "`{locked}` is somebody else's exclusive queue, the broker said 405 RESOURCE_LOCKED, and your program made this of it: {error:?}\n\
                 `{locked}` 是别人独占的队列，消息代理说的是 405 RESOURCE_LOCKED，你的程序却说成了：{error:?}"
            );
            owner.close(200, "goodbye".into()).await.expect("closed"); // the queue goes with it
        });
    }

    #[test]
    fn an_error_that_is_no_refusal_is_returned() {
        for (nth, question) in [(1, "first · 第一个"), (2, "second · 第二个")] {
            let good = fresh("good");
            check(&[&good], async |office| {
                office.declare(&good).await;
                let road = office.road().await;
                let program = window::connect(road.addr()).await;
                road.cut_at(QUEUE_DECLARE, nth);
                let found = examine(&program, &good).await;
                assert!(
                    found.is_err(),
                    "the connection was lost at the {question} `queue_declare`: nobody knows anything about the queue, and your program says {found:?}\n\
                     执行 `queue_declare`（见上）的时候，连接断了：队列怎么样，没有人知道，你的程序却说是 {found:?}"
                );
            });
        }
    }
}
