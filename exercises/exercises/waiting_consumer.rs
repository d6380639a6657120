// A consumer that waits · 会等消息的消费者
//
// 10 minutes · 10 分钟
// The page · 对应的页：src/basic/again.md#send-again, src/basic/again.zh-CN.md#send-again
//
// Where the book's consumer prints a message, this one sends its text into `texts`, so that the test can read along. `texts` is a
// channel of Rust's (`tokio::sync::mpsc`) and has nothing to do with AMQP's channels. The consumer shall be able to come before
// the first message, even before the queue. It waits for as long as it takes, and ends only with an error: when the broker has
// cancelled its subscription. This one gives up after a message.
//
// 书里的消费者把消息打印出来；这里改为把文字发到 `texts` 里，好让测试看见。`texts` 是 Rust 自己的通道
// （`tokio::sync::mpsc`），和 AMQP 的信道没有关系。消费者要能比第一条消息来得早，甚至比队列来得早。
// 没有消息就一直等；只有订阅被消息代理取消了，它才报错退出。现在这个收完一条就走了。

use anyhow::{Result, bail};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::FieldTable,
};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, texts: UnboundedSender<String>) -> Result<()> {
    // TODO: The queue `hello` may not exist yet.
    // 待办：队列 `hello` 可能还不存在。

    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;

    // TODO: After this message comes another. And when none can come any more, that is an error.
    // 待办：这条消息之后，还会有下一条。等到再也不可能有消息来的时候，要返回错误。
    if let Some(delivery) = consumer.next().await {
        texts.send(String::from_utf8(delivery?.data)?)?;
    }
    Ok(())
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

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
