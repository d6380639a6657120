// Find the bug: the silent end · 找 bug：一声不响地退出
//
// 10 minutes · 10 分钟
// The page · 对应的页：src/basic/receive.md#print, src/basic/receive.zh-CN.md#print
//
// This consumer runs for weeks. Then one night it receives nothing any more. Its exit status is 0, its log is empty, and everybody
// believes that all is well. The bug hides in the loop and in the line after it.
//
// 这个消费者跑了好几个星期。有一天夜里，它再也收不到信了。退出状态码是 0，日志是空的，人人都以为一切正常。
// bug 就藏在收信的循环和它后面的那一行里。

use anyhow::{Result, anyhow, bail};
use futures_lite::StreamExt;
use lapin::{Channel, options::BasicConsumeOptions, types::FieldTable};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, letters: UnboundedSender<String>) -> Result<()> {
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;

    // TODO: When no letter will ever come again, return an error. There are two ways in which that happens.
    // 待办：再也不会有信来的时候，要返回错误。这种情况有两种。
    while let Some(Ok(delivery)) = consumer.next().await {
        letters.send(String::from_utf8(delivery.data)?)?;
    }
    Ok(())
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

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
