// Look without taking: a solution · 只看不取：一种解法

use anyhow::Result;
use lapin::{
    Channel,
    options::{BasicGetOptions, BasicNackOptions},
};

/// What the next message in `hello` says, or `None`. The message stays in the queue.
/// `hello` 里下一条消息的内容；没有消息就是 `None`。消息要留在队列里。
async fn look(channel: &Channel) -> Result<Option<String>> {
    let options = BasicGetOptions::default(); // no_ack: false
    let Some(message) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    // A nack is the opposite of an acknowledgement; `requeue` puts the message where it was. It is marked as redelivered now.
    // nack 和确认相反；`requeue` 把消息放回原处。从此它带着“重新投递过”的标记。
    message.nack(BasicNackOptions { requeue: true, ..Default::default() }).await?;
    Ok(Some(String::from_utf8(message.delivery.data)?))
}

fn main() {}

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
                assert_eq!(
                    office.texts(2, "hello").await,
                    waiting,
                    "after you have looked for the {time} time, both messages have to be in the queue while your program goes on. \
                     Is one still unacknowledged, or deleted?\n\
                     {count}查看之后，程序还在运行，两条消息都应该在队列里。是有一条还没有确认，还是已经被删掉了？"
                );
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
