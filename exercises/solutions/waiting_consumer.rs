// A consumer that waits: a solution · 会等信的消费者：一种解法

use anyhow::{Result, bail};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::FieldTable,
};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, letters: UnboundedSender<String>) -> Result<()> {
    // Nobody knows who comes first, so everybody declares the mailbox.
    // 谁也不知道谁先来，所以谁都声明邮箱。
    channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;

    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;

    // One subscription is good for all letters to come.
    // 订阅一次，以后的信都会送来。
    while let Some(delivery) = consumer.next().await {
        letters.send(String::from_utf8(delivery?.data)?)?;
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::receive;
    use anyhow::Result;
    use tokio::{select, sync::mpsc::unbounded_channel};
    use window::{check, soon};

    const ENDED: &str = "your consumer has ended; it has to wait for more letters\n你的消费者结束了；它应该继续等信";

    fn ended(with: Result<()>) -> ! {
        match with {
            Ok(()) => panic!("{ENDED}"),
            Err(error) => panic!(
                "your consumer has ended with an error. Does it declare the mailbox, and as everybody does? It says:\n\
                 你的消费者报错退出了。它声明邮箱了吗？特性和大家的一样吗？它说的是：\n{error:#}"
            ),
        }
    }

    const MISSING: &str = "a letter was sent and your consumer did not receive it\n信寄出去了，你的消费者却没有收到";

    #[test]
    fn it_waits_for_letters_that_come_later() {
        check(&["hello"], async |office| {
            let (letters, mut received) = unbounded_channel();
            let channel = office.channel().await;
            let scene = async {
                assert!(
                    office.has_consumers(1, "hello").await,
                    "nobody subscribes to `hello`: does the mailbox exist?\n没有人订阅 `hello`：这个邮箱存在吗？"
                );
                for text in ["one", "two", "three"] {
                    office.put("hello", text).await;
                    assert_eq!(soon(received.recv(), MISSING).await.as_deref(), Some(text), "{MISSING}");
                }
                assert!(office.has_consumers(1, "hello").await, "{ENDED}");
            };
            select! {
                biased;
                result = receive(&channel, letters) => ended(result),
                () = scene => {}
            }
        });
    }

    #[test]
    fn letters_that_wait_come_in_order() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let sent = ["one", "two", "three"];
            for text in sent {
                office.put("hello", text).await;
            }
            let (letters, mut received) = unbounded_channel();
            let channel = office.channel().await;
            let scene = async {
                for text in sent {
                    assert_eq!(soon(received.recv(), MISSING).await.as_deref(), Some(text), "{MISSING}");
                }
            };
            select! {
                result = receive(&channel, letters) => ended(result),
                () = scene => {}
            }
        });
    }
}
