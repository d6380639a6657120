// Find the bug: the silent end: a solution · 找 bug：一声不响地退出：一种解法

use anyhow::{Result, anyhow, bail};
use futures_lite::StreamExt;
use lapin::{Channel, options::BasicConsumeOptions, types::FieldTable};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, texts: UnboundedSender<String>) -> Result<()> {
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;

    while let Some(delivery) = consumer.next().await {
        // An error: the connection is gone. Its words say why. 出错：连接没有了。原因就在它的话里。
        let delivery = delivery.map_err(|error| anyhow!("the broker ended our connection: {error}"))?;
        texts.send(String::from_utf8(delivery.data)?)?;
    }
    // The end of the stream: the broker cancelled us. 流结束：消息代理取消了订阅。
    bail!("the broker cancelled our subscription: was the queue deleted?")
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::receive;
    use anyhow::Result;
    use futures_lite::StreamExt;
    use lapin::{options::BasicConsumeOptions, types::FieldTable};
    use tokio::{
        join,
        sync::mpsc::{UnboundedReceiver, unbounded_channel},
    };
    use window::{Office, check, fresh, soon};

    /// The consumer is there, and a message reaches it. · 消费者已经订阅了，一条消息也收到了。
    async fn one_message_comes(office: &Office, received: &mut UnboundedReceiver<String>) {
        const MISSING: &str =
            "a message was sent, and your consumer did not receive it\n消息发出去了，你的消费者却没有收到";
        let text = fresh("one");
        office.put("hello", &text).await;
        assert_eq!(soon(received.recv(), MISSING).await, Some(text), "{MISSING}");
        office.assert_subscribed("hello").await;
    }

    #[test]
    fn a_deleted_queue_is_an_error() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let (texts, mut received) = unbounded_channel();
            let channel = office.channel().await;
            let scene = async {
                one_message_comes(office, &mut received).await;
                office.silence().await;
                office.delete("hello").await;
            };
            let (ended, ()): (Result<()>, ()) = join!(receive(&channel, texts), scene);
            assert!(
                ended.is_err(),
                "the queue was deleted, and your consumer says that all is well: `Ok(())` becomes exit status 0\n\
                 队列被删掉了，你的消费者却说一切正常：`Ok(())` 就是退出状态码 0"
            );
        });
    }

    #[test]
    fn a_lost_connection_is_an_error_that_says_why() {
        check(&["hello", "other"], async |office| {
            office.declare("hello").await;
            office.declare("other").await;
            let (texts, mut received) = unbounded_channel();
            let mut road = office.road().await;
            let program = window::connect(road.addr()).await;
            let channel = program.create_channel().await.expect("a channel");
            // Another consumer on the same connection, to know what lapin says. · 同一条连接上的另一个消费者：看看 lapin 怎么说。
            let neighbour = program.create_channel().await.expect("a channel");
            let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
            let mut neighbour =
                neighbour.basic_consume("other".into(), "".into(), options, arguments).await.expect("subscribed");
            let scene = async {
                one_message_comes(office, &mut received).await;
                road.close().await;
            };
            let (ended, ()) = join!(receive(&channel, texts), scene);
            let ended = ended.map_err(|error| format!("{error:#}"));
            assert!(
                ended.is_err(),
                "the connection was lost, and your consumer says that all is well: `Ok(())` becomes exit status 0\n\
                 连接断了，你的消费者却说一切正常：`Ok(())` 就是退出状态码 0"
            );
            let why = soon(neighbour.next(), "the connection is lost")
                .await
                .expect("an error")
                .expect_err("an error")
                .to_string();
            assert!(
                ended.as_ref().is_err_and(|words| words.contains(&why)),
                "the connection was lost. lapin said “{why}”, and your consumer says {ended:?}: whoever reads the log can't find the cause\n\
                 连接断了。lapin 说的是 “{why}”，你的消费者说的却是 {ended:?}：看日志的人找不到原因"
            );
        });
    }
}
