// All messages, and no more waiting · 收完就走
//
// 10 minutes · 10 分钟
// The page · 对应的页：src/basic/get.md#ack, src/basic/get.zh-CN.md#ack
//
// A consumer waits for ever: it can't know whether another message will come. This program shall take all messages that are
// there, in order, acknowledge each of them, and end when the queue is empty.
//
// 消费者会一直等下去：它不可能知道还会不会有消息来。这个程序要把现有的消息按顺序全部取走，每一条都要确认，
// 队列空了就结束。

use anyhow::Result;
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions, BasicGetOptions},
    types::FieldTable,
};

/// Takes all messages out of `hello`, the oldest first. · 把 `hello` 里的消息全部取出来，先来的在前。
async fn receive_all(channel: &Channel) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    // TODO: This loop never ends. Use the call that can say that the queue is empty, and acknowledge what you take.
    // 待办：这个循环永远不会结束。请改用能告诉你队列空了的那个调用；取走的消息，别忘了确认。
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;
    while let Some(delivery) = consumer.next().await {
        texts.push(String::from_utf8(delivery?.data)?);
    }
    Ok(texts)
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

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
