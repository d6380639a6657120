// A consumer that waits: a solution · 会等消息的消费者：一种解法

use anyhow::{Result, bail};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::FieldTable,
};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, texts: UnboundedSender<String>) -> Result<()> {
    // Nobody knows who comes first, so everybody declares the queue.
    // 不知道哪个程序先启动，所以每个程序都声明队列。
    channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;

    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;

    // One subscription is good for all messages to come.
    // 订阅一次，以后的消息都会送来。
    while let Some(delivery) = consumer.next().await {
        texts.send(String::from_utf8(delivery?.data)?)?;
    }
    // The end of the stream: no message will ever come again.
    // 流结束了：再也不会有消息来。
    bail!("the broker cancelled our subscription: was the queue deleted?")
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::receive;
    use anyhow::Result;
    use tokio::{
        join, select,
        sync::mpsc::{UnboundedReceiver, unbounded_channel},
    };
    use window::{Office, check, fresh, soon};

    /// Plays a scene while the consumer runs, which must not end. · 演一场戏；演的时候消费者一直在运行，不能结束。
    async fn while_it_runs(office: &Office, scene: impl AsyncFnOnce(&mut UnboundedReceiver<String>)) {
        let (texts, mut received) = unbounded_channel();
        let channel = office.channel().await;
        select! {
            biased;
            ended = receive(&channel, texts) => match ended {
                Ok(()) => panic!("your consumer has ended; it has to wait for more messages\n你的消费者结束了；它应该继续等消息"),
                Err(error) => panic!(
                    "your consumer has ended with an error. Does it declare the queue, and as everybody does? It says:\n\
                     你的消费者报错退出了。它声明队列了吗？选项和别的程序一致吗？它说的是：\n{error:#}"
                ),
            },
            () = scene(&mut received) => {}
        }
    }

    async fn assert_receives(received: &mut UnboundedReceiver<String>, text: &str) {
        let missing =
            format!("“{text}” was sent, and your consumer did not receive it\n“{text}” 发出去了，你的消费者却没有收到");
        let got = soon(received.recv(), &missing).await;
        assert_eq!(
            got.as_deref(),
            Some(text),
            "this is the message whose turn it is; your consumer received another one, or in another order\n\
             现在轮到的是这一条；你的消费者收到的是别的消息，或者顺序不对"
        );
    }

    #[test]
    fn it_may_come_before_the_queue() {
        check(&["hello"], async |office| {
            while_it_runs(office, async |received| {
                office.assert_subscribed("hello").await;
                office.assert_declared_alike("hello").await;
                let text = fresh("one");
                office.put("hello", &text).await;
                assert_receives(received, &text).await;
            })
            .await;
        });
    }

    #[test]
    fn after_a_message_comes_the_next() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let [one, two, three, later] = ["one", "two", "three", "later"].map(fresh);
            for text in [&one, &two, &three] {
                office.put("hello", text).await;
            }
            while_it_runs(office, async |received| {
                for text in [&one, &two, &three] {
                    assert_receives(received, text).await;
                }
                office.assert_subscribed("hello").await;
                office.put("hello", &later).await;
                assert_receives(received, &later).await;
            })
            .await;
        });
    }

    #[test]
    fn silence_does_not_end_it() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            while_it_runs(office, async |received| {
                for text in ["one", "two"].map(fresh) {
                    office.assert_subscribed("hello").await;
                    office.silence().await; // an hour, which takes no time here · 一个小时，但这里不用真的等
                    office.put("hello", &text).await;
                    assert_receives(received, &text).await;
                }
            })
            .await;
        });
    }

    #[test]
    fn a_cancelled_subscription_is_an_error() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let (texts, mut received) = unbounded_channel();
            let channel = office.channel().await;
            let scene = async {
                let text = fresh("one");
                office.put("hello", &text).await;
                assert_receives(&mut received, &text).await;
                office.delete("hello").await;
            };
            let (ended, ()): (Result<()>, ()) = join!(receive(&channel, texts), scene);
            assert!(
                ended.is_err(),
                "the queue was deleted, and your consumer ended as if all were well\n队列被删掉了，你的消费者却像没事一样结束了"
            );
        });
    }
}
