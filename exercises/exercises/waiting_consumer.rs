// A consumer that waits · 会等信的消费者
//
// 10 minutes · 10 分钟
// The page · 对应的页：src/basic/again.md#send-again, src/basic/again.zh-CN.md#send-again
//
// The consumer hands each letter to `letters`, as a program would print it. It shall be there before the first letter,
// even before the mailbox, and it never ends by itself. This one gives up after a letter.
//
// 消费者把每封信交给 `letters`，书里的程序是打印，这里改为交给 `letters`。它必须能比第一封信来得早，
// 甚至比邮箱来得早，而且自己从不结束。现在这个收完一封就走了。

use anyhow::{Result, bail};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::FieldTable,
};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, letters: UnboundedSender<String>) -> Result<()> {
    // TODO: The mailbox `hello` may not exist yet.
    // 待办：邮箱 `hello` 可能还不存在。

    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;

    // TODO: After this letter comes another.
    // 待办：这封信之后，还会有下一封。
    if let Some(delivery) = consumer.next().await {
        letters.send(String::from_utf8(delivery?.data)?)?;
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
