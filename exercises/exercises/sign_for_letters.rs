// Kill the consumer · 消费者半路倒下
//
// 15 minutes · 15 分钟
// The page · 对应的页：src/basic/get.md#ack, src/basic/get.zh-CN.md#ack
//
// The consumer works on one letter after the other. In the middle of “two” it is killed. With automatic acknowledgement the broker
// has forgotten all three letters by then. A consumer that signs for each letter itself (manual acknowledgement) loses none.
//
// 消费者一封接一封地处理信。正在处理 “two” 的时候，它被杀掉了。用自动确认的话，消息代理这时已经把三封信都忘了。
// 每封信都由自己签收（手动确认）的消费者，一封也不会丢。

use anyhow::{Result, bail};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions},
    types::FieldTable,
};

async fn receive(channel: &Channel, work: impl AsyncFn(String) -> Result<()>) -> Result<()> {
    // TODO: Choose manual acknowledgement, and sign for each letter with `delivery.ack(BasicAckOptions::default()).await?`.
    // Before the work, or after it?
    // 待办：改用手动确认，并用 `delivery.ack(BasicAckOptions::default()).await?` 签收每一封信。
    // 签收放在处理之前，还是之后？
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        work(String::from_utf8(delivery.data.clone())?).await?;
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::receive;
    use anyhow::bail;
    use std::future::pending;
    use tokio::{select, sync::Notify};
    use window::{Office, check, soon};

    /// What has to be true of the mailbox after the consumer went away while it worked on “two”.
    async fn assert_two_and_three_are_there(office: &Office) {
        let left = office.texts(2, "hello").await;
        let has = |text: &str| left.iter().any(|letter| letter == text);
        assert!(
            !has("one"),
            "“one” was done, and it is back in the mailbox: nobody signed for it. What is there: {left:?}\n\
             “one” 已经处理完了，却又回到了邮箱里：没有人签收过它。邮箱里有：{left:?}"
        );
        assert!(
            has("three"),
            "“three” had not been begun, and it is lost: with no_ack the broker forgets what it sends. What is there: {left:?}\n\
             “three” 还没有开始处理就丢了：用了 no_ack，消息代理发出去就忘掉。邮箱里有：{left:?}"
        );
        assert!(
            has("two"),
            "“two” was not done, and it is lost: somebody signed for it too early. What is there: {left:?}\n\
             “two” 还没有处理完就丢了：签收得太早了。邮箱里有：{left:?}"
        );
        assert_eq!(left, ["two", "three"], "each letter once, in order · 每封信各一份，顺序不变");
    }

    #[test]
    fn a_killed_consumer_loses_nothing() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            for text in ["one", "two", "three"] {
                office.put("hello", text).await;
            }
            let program = office.connect().await;
            let channel = program.create_channel().await.expect("a channel");
            let in_the_middle = Notify::new();
            let work = async |text: String| {
                if text == "two" {
                    in_the_middle.notify_one();
                    pending::<()>().await;
                }
                Ok(())
            };
            select! {
                ended = receive(&channel, work) => panic!("your consumer has ended · 你的消费者结束了: {ended:?}"),
                () = soon(in_the_middle.notified(), "“two” never reached your work · “two” 一直没有交给你处理") => {}
            }
            program.close(200, "killed".into()).await.expect("closed");
            assert_two_and_three_are_there(office).await;
        });
    }

    #[test]
    fn work_that_fails_is_not_signed_for() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            for text in ["one", "two", "three"] {
                office.put("hello", text).await;
            }
            let program = office.connect().await;
            let channel = program.create_channel().await.expect("a channel");
            let work =
                async |text: String| if text == "two" { bail!("no more ink · 没有墨水了") } else { Ok(()) };
            let goes_on = "the work has failed, and your consumer goes on\n处理失败了，你的消费者还在继续";
            assert!(
                soon(receive(&channel, work), goes_on).await.is_err(),
                "the work has failed, and nobody was told\n处理失败了，却没有告诉任何人"
            );
            program.close(200, "ended with an error".into()).await.expect("closed");
            assert_two_and_three_are_there(office).await;
        });
    }
}
