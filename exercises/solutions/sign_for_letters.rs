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
        // An acknowledgement says “done”, not “arrived”. Until it is given, the broker keeps the message for us.
        // 确认的意思是“处理完了”，不是“收到了”。没有确认，消息代理就一直替我们留着。
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
    use tokio::{join, select, sync::Notify};
    use window::{Office, check, fresh, soon};

    async fn put(office: &Office) -> [String; 3] {
        office.declare("hello").await;
        let texts = ["one", "two", "three"].map(fresh);
        for text in &texts {
            office.put("hello", text).await;
        }
        texts
    }

    /// What has to be true of the queue after the consumer went away while it worked on “two”.
    async fn assert_two_and_three_are_there(office: &Office, [one, two, three]: [String; 3]) {
        let left = office.texts(2, "hello").await;
        let why = if left.contains(&one) {
            format!(
                "“{one}” was done, and it is back in the queue: nobody acknowledged it.\n“{one}” 已经处理完了，却又回到了队列里：没有确认过它。"
            )
        } else if !left.contains(&three) {
            format!(
                "“{three}” had not been begun, and it is lost: with no_ack the broker deletes what it sends.\n\
                 “{three}” 还没有开始处理就丢了：用了 no_ack，消息代理发出去就删掉。"
            )
        } else if !left.contains(&two) {
            format!(
                "“{two}” was not done, and it is lost: it was acknowledged too early.\n“{two}” 还没有处理完就丢了：确认得太早了。"
            )
        } else {
            "each message once, in order · 每条消息各一份，顺序不变".to_owned()
        };
        assert_eq!(left, [two, three], "{why}");
    }

    #[test]
    fn a_killed_consumer_loses_nothing() {
        check(&["hello"], async |office| {
            let texts = put(office).await;
            let program = office.connect().await;
            let channel = program.create_channel().await.expect("a channel");
            let in_the_middle = Notify::new();
            let work = async |text: String| {
                if text == texts[1] {
                    in_the_middle.notify_one();
                    pending::<()>().await;
                }
                Ok(())
            };
            let scene = async {
                soon(in_the_middle.notified(), "“two” never reached your work · “two” 一直没有交给你处理").await;
                office.assert_subscribed("hello").await;
            };
            select! {
                ended = receive(&channel, work) => panic!("your consumer has ended · 你的消费者结束了: {ended:?}"),
                () = scene => {}
            }
            program.close(200, "killed".into()).await.expect("closed");
            assert_two_and_three_are_there(office, texts).await;
        });
    }

    #[test]
    fn work_that_fails_is_not_acknowledged() {
        check(&["hello"], async |office| {
            let texts = put(office).await;
            let program = office.connect().await;
            let channel = program.create_channel().await.expect("a channel");
            let cause = fresh("no more ink · 没有墨水了");
            let work = async |text: String| if text == texts[1] { bail!("{cause}") } else { Ok(()) };
            let goes_on = "the work has failed, and your consumer goes on\n处理失败了，你的消费者还在继续";
            let ended = soon(receive(&channel, work), goes_on).await.map_err(|error| format!("{error:#}"));
            assert!(ended.is_err(), "the work has failed, and nobody was told\n处理失败了，却没有告诉任何人");
            assert!(
                ended.as_ref().is_err_and(|words| words.contains(&cause)),
                "the work has failed with “{cause}”, and your consumer's error hides it: {ended:?}\n\
                 处理失败的原因是 “{cause}”，你的消费者返回的错误里却没有：{ended:?}"
            );
            program.close(200, "ended with an error".into()).await.expect("closed");
            assert_two_and_three_are_there(office, texts).await;
        });
    }

    #[test]
    fn a_cancelled_subscription_is_an_error() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let channel = office.channel().await;
            let scene = async {
                office.assert_subscribed("hello").await;
                office.delete("hello").await;
            };
            let (ended, ()) = join!(receive(&channel, async |_text| Ok(())), scene);
            assert!(
                ended.is_err(),
                "the queue was deleted, and your consumer ended as if all were well\n队列被删掉了，你的消费者却像没事一样结束了"
            );
        });
    }
}
