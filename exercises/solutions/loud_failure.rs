// Find the bug: the silent end: a solution · 找 bug：一声不响地退出：一种解法

use anyhow::{Result, anyhow, bail};
use futures_lite::StreamExt;
use lapin::{Channel, options::BasicConsumeOptions, types::FieldTable};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, letters: UnboundedSender<String>) -> Result<()> {
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;

    while let Some(delivery) = consumer.next().await {
        // An error: the connection is gone. 出错：连接没有了。
        let delivery = delivery.map_err(|error| anyhow!("the broker ended our connection: {error}"))?;
        letters.send(String::from_utf8(delivery.data)?)?;
    }
    // The end of the stream: the broker cancelled us. 流结束：消息代理取消了订阅。
    bail!("the broker cancelled our subscription: was the queue deleted?")
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::receive;
    use tokio::{join, sync::mpsc::unbounded_channel};
    use window::{check, soon};

    const LETTER: &str = "a letter was sent and your consumer did not receive it\n信寄出去了，你的消费者却没有收到";

    #[test]
    fn a_deleted_queue_is_an_error() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let (letters, mut received) = unbounded_channel();
            let channel = office.channel().await;
            let scene = async {
                office.put("hello", "one").await;
                assert_eq!(soon(received.recv(), LETTER).await.as_deref(), Some("one"), "{LETTER}");
                office.delete("hello").await;
            };
            let (ended, ()) = join!(receive(&channel, letters), scene);
            assert!(
                ended.is_err(),
                "the queue was deleted, and your consumer says that all is well: `Ok(())` becomes exit status 0\n\
                 队列被删掉了，你的消费者却说一切正常：`Ok(())` 就是退出状态码 0"
            );
        });
    }

    #[test]
    fn a_lost_connection_is_an_error() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let (letters, mut received) = unbounded_channel();
            let mut road = office.road().await;
            let program = window::connect(road.addr()).await;
            let channel = program.create_channel().await.expect("a channel");
            let scene = async {
                office.put("hello", "one").await;
                assert_eq!(soon(received.recv(), LETTER).await.as_deref(), Some("one"), "{LETTER}");
                road.close().await;
            };
            let (ended, ()) = join!(receive(&channel, letters), scene);
            assert!(
                ended.is_err(),
                "the connection was lost, and your consumer says that all is well: `Ok(())` becomes exit status 0\n\
                 连接断了，你的消费者却说一切正常：`Ok(())` 就是退出状态码 0"
            );
        });
    }
}
