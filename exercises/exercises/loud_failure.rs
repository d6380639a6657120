// Find the bug: the silent end · 找 bug：一声不响地退出
//
// 10 minutes · 10 分钟
// The page · 对应的页：src/basic/receive.md#print, src/basic/receive.zh-CN.md#print
//
// This consumer runs for weeks. Then one night it receives nothing any more. Its exit status is 0, its log is empty, and everybody
// believes that all is well. The bug hides in the loop and in the line after it. (`texts` takes the place of printing, so that the
// test can read along; it is a channel of Rust's.)
//
// 这个消费者跑了好几个星期。有一天夜里，它再也收不到消息了。退出状态码是 0，日志是空的，人人都以为一切正常。
// bug 就藏在收消息的循环和它后面的那一行里。（`texts` 代替打印，好让测试看见；它是 Rust 自己的通道。）

use anyhow::{Result, anyhow, bail};
use futures_lite::StreamExt;
use lapin::{Channel, options::BasicConsumeOptions, types::FieldTable};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, texts: UnboundedSender<String>) -> Result<()> {
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;

    // TODO: When no message will ever come again, return an error. There are two ways in which that happens. In one of them there is
    // an error already, which says why: pass it on.
    // 待办：再也不会有消息来的时候，要返回错误。这种情况有两种，其中一种已经有了一个错误，里面写着原因：把它也交出去。
    while let Some(Ok(delivery)) = consumer.next().await {
        texts.send(String::from_utf8(delivery.data)?)?;
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
