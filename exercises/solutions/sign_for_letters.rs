// Kill the consumer: a solution · 消费者半路倒下：一种解法

use anyhow::{Result, bail};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions},
    types::FieldTable,
};

async fn receive(channel: &Channel, work: impl AsyncFn(String) -> Result<()>) -> Result<()> {
    let options = BasicConsumeOptions::default(); // no_ack: false
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        work(String::from_utf8(delivery.data.clone())?).await?;
        // The signature says “done”, not “arrived”. Until it is given, the broker keeps the letter for us.
        // 签收的意思是“做完了”，不是“收到了”。没有签收，消息代理就一直替我们留着。
        delivery.ack(BasicAckOptions::default()).await?;
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
}

fn main() {}

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
