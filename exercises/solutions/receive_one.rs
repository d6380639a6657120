// Receive one, leave the rest: a solution · 只收一条：一种解法

use anyhow::Result;
use lapin::{Channel, options::BasicGetOptions};

/// Takes the next message out of `hello`, and no other; `None` if none waits.
/// 从 `hello` 里取出下一条消息，别的都不动；没有消息在等，就是 `None`。
async fn receive_one(channel: &Channel) -> Result<Option<String>> {
    // A question with one answer: what is not asked for stays in the queue. `no_ack: true` acknowledges this one message.
    // 问一次，答一次：没有要的消息都留在队列里。`no_ack: true` 只等于确认了这一条。
    let options = BasicGetOptions { no_ack: true };
    let Some(message) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    Ok(Some(String::from_utf8(message.delivery.data)?))
}

fn main() {}

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
