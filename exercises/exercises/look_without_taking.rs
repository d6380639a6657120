// Look without taking · 只看不取
//
// 8 minutes · 8 分钟
// The page · 对应的页：src/basic/get.md#nack, src/basic/get.zh-CN.md#nack
//
// The console shows a message and puts it back. Our program asks for a message too (`basic_get`: give me the next one, or tell me
// that there is none), but what it has looked at is gone.
//
// 管理控制台把消息取出来看，看完放回去。我们的程序也取了一条消息（`basic_get`：给我下一条，没有就告诉我），
// 可是它看过的消息就没有了。

use anyhow::Result;
use lapin::{
    Channel,
    options::{BasicGetOptions, BasicNackOptions},
};

/// What the next message in `hello` says, or `None`. The message stays in the queue.
/// `hello` 里下一条消息的内容；没有消息就是 `None`。消息要留在队列里。
async fn look(channel: &Channel) -> Result<Option<String>> {
    // TODO: With `no_ack: true` the broker deletes the message as soon as it has sent it. Get it without that, and put it back.
    // 待办：有了 `no_ack: true`，消息代理一发出消息，就把它删掉了。请去掉这个选项，看完以后放回队列。
    let options = BasicGetOptions { no_ack: true };
    let Some(message) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    Ok(Some(String::from_utf8(message.delivery.data)?))
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::look;
    use window::{check, fresh};

    #[test]
    fn the_message_is_read_and_stays() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let waiting = ["first", "second"].map(fresh);
            for text in &waiting {
                office.put("hello", text).await;
            }
            let road = office.road().await;
            let program = window::connect(road.addr()).await;
            let channel = program.create_channel().await.expect("a channel");
            for (time, count) in [("first", "第一次"), ("second", "第二次")] {
                let seen = look(&channel).await.expect("your program returned an error · 你的程序返回了错误");
                assert_eq!(
                    seen.as_ref(),
                    waiting.first(),
                    "looking for the {time} time, this is the next message: have you read another, or is it gone?\n\
                     {count}查看，下一条消息应该是这一条：你读的是别的消息，还是它已经不在了？"
                );
                let there = office.texts(2, "hello").await;
                if there != waiting {
                    // What is only unacknowledged comes back when its channel closes.
                    channel.close(200, "looked".into()).await.expect("the channel closes · 信道关闭");
                    assert_eq!(
                        office.texts(2, "hello").await,
                        waiting,
                        "after you have looked for the {time} time, a message is gone for good. An acknowledgement deletes it, so does a nack \
                         without `requeue`, and with `no_ack` the broker deletes it itself.\n\
                         {count}查看之后，有消息永远没有了。确认会删掉它，不带 `requeue` 的 nack 也会；用了 `no_ack`，消息代理自己就把它删了。"
                    );
                    assert_eq!(
                        there, waiting,
                        "after you have looked for the {time} time, a message isn’t in the queue while your program goes on: it has been \
                         delivered, and your program has not answered. Put it back.\n\
                         {count}查看之后，程序还在运行，消息却不在队列里：消息代理已经把它交给你的程序，程序还没有答复。要把它放回去。"
                    );
                }
            }
            road.assert_no_subscription();
        });
    }

    #[test]
    fn an_empty_queue_shows_nothing() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let road = office.road().await;
            let program = window::connect(road.addr()).await;
            let channel = program.create_channel().await.expect("a channel");
            let seen = look(&channel).await.expect("an empty queue is no error · 队列空了不算错误");
            assert_eq!(seen, None, "the queue is empty · 队列是空的");
            road.assert_no_subscription();
        });
    }
}
