// All messages, and no more waiting: a solution · 收完就走：一种解法

use anyhow::Result;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicGetOptions},
};

/// Takes all messages out of `hello`, the oldest first. · 把 `hello` 里的消息全部取出来，先来的在前。
async fn receive_all(channel: &Channel) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    // To this question the broker may answer “none”, and that is how we learn that the queue is empty.
    // 对这个问题，消息代理可以回答“没有”；队列空了，我们就是这样知道的。
    while let Some(message) = channel.basic_get("hello".into(), BasicGetOptions::default()).await? {
        texts.push(String::from_utf8(message.delivery.data.clone())?);
        // Now that we have its text, the broker may delete it.
        // 内容已经拿到，消息代理可以把这一条删掉了。
        message.ack(BasicAckOptions::default()).await?;
    }
    Ok(texts)
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::receive_all;
    use window::{check, fresh, soon};

    const WAITS: &str = "your program still waits for a message: nothing tells a consumer that the queue is empty\n\
                         你的程序还在等消息：没有人会告诉消费者队列空了";

    #[test]
    fn all_messages_are_taken_in_order() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let waiting = ["one", "two", "three"].map(fresh);
            for text in &waiting {
                office.put("hello", text).await;
            }
            let road = office.road().await;
            let program = window::connect(road.addr()).await;
            let channel = program.create_channel().await.expect("a channel");
            let received =
                soon(receive_all(&channel), WAITS).await.expect("your program returned an error · 你的程序返回了错误");
            assert_eq!(
                received, waiting,
                "these three messages were waiting, in this order · 在等的是这三条消息，顺序也是这样"
            );
            program.close(200, "the program ends".into()).await.expect("closed");
            assert!(
                office.texts(0, "hello").await.is_empty(),
                "your program has ended, and messages are back in the queue: nobody acknowledged them\n\
                 程序结束了，消息又回到了队列里：没有确认过"
            );
            road.assert_no_subscription();
        });
    }

    #[test]
    fn an_empty_queue_has_none() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let road = office.road().await;
            let program = window::connect(road.addr()).await;
            let channel = program.create_channel().await.expect("a channel");
            let received =
                soon(receive_all(&channel), WAITS).await.expect("an empty queue is no error · 队列空了不算错误");
            assert!(
                received.is_empty(),
                "the queue is empty, and your program returned {received:?} · 队列是空的，你的程序却返回了 {received:?}"
            );
            road.assert_no_subscription();
        });
    }
}
