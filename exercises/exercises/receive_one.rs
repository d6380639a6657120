// Receive one, leave the rest · 只收一条
//
// 10 minutes · 10 分钟
// The page · 对应的页：src/basic/get.md#ack, src/basic/get.zh-CN.md#ack
//
// Three messages wait. The program wants one of them and then ends. Why are the other two gone?
//
// 有三条消息在等。程序只想收一条，收完就结束。另外两条怎么也没有了？

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicConsumeOptions, BasicGetOptions},
    types::FieldTable,
};

/// Takes the next message out of `hello`, and no other; `None` if none waits.
/// 从 `hello` 里取出下一条消息，别的都不动；没有消息在等，就是 `None`。
async fn receive_one(channel: &Channel) -> Result<Option<String>> {
    // TODO: This subscribes: the broker sends all that it has, and deletes what it has sent. Ask for one message, with `basic_get`.
    // 待办：这是订阅：消息代理会把队列里的消息全都发来，发一条删一条。请改用 `basic_get`，只要一条。
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;
    let delivery = consumer.next().await.context("the broker cancelled our subscription")??;
    Ok(Some(String::from_utf8(delivery.data)?))
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::receive_one;
    use window::{check, fresh, soon};

    #[test]
    fn one_message_is_taken_and_two_stay() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let [one, two, three] = ["one", "two", "three"].map(fresh);
            for text in [&one, &two, &three] {
                office.put("hello", text).await;
            }
            let road = office.road().await;
            let program = window::connect(road.addr()).await;
            let channel = program.create_channel().await.expect("a channel");
            let received = receive_one(&channel).await.expect("your program returned an error · 你的程序返回了错误");
            assert_eq!(received.as_ref(), Some(&one), "the first message comes first · 先来的消息先收");
            program.close(200, "the program ends".into()).await.expect("closed");
            let left = office.texts(2, "hello").await;
            assert!(
                !left.contains(&one),
                "your program has ended, and “{one}” is back in the queue: nobody acknowledged it\n\
                 程序结束了，“{one}” 又回到了队列里：没有确认过它"
            );
            assert_eq!(
                left,
                [two, three],
                "your program has ended; nobody has read these two, and they have to be in the queue\n\
                 程序结束了；这两条还没有人读过，应该还在队列里"
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
            let waits = "your program waits for a message; nobody asked it to wait\n你的程序在等消息；可是没有人让它等";
            let received =
                soon(receive_one(&channel), waits).await.expect("an empty queue is no error · 队列空了不算错误");
            assert_eq!(received, None, "the queue is empty · 队列是空的");
            road.assert_no_subscription();
        });
    }
}
