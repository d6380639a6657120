// Close properly · 关好连接再走
//
// 8 minutes · 8 分钟
// The page · 对应的页：src/basic/send.md#close, src/basic/send.zh-CN.md#close
//
// `basic_publish` comes back when the message has been handed to the connection, not when the broker has it. In this test the
// network is slow: the message is still on its way when your function returns, and right after that the connection is cut. Find
// the call that waits until the broker has read everything.
//
// `basic_publish` 返回的时候，消息只是交给了连接，消息代理还没有收到。这个测试里网络很慢：你的函数返回时，
// 消息还在路上，接着连接就断了。请找到一个调用：它要等消息代理把前面的内容都读完，才会返回。

use anyhow::Result;
use lapin::{BasicProperties, Channel, Connection, options::BasicPublishOptions};

async fn send(connection: &Connection, channel: &Channel, text: &str) -> Result<()> {
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
    // TODO: Don't return before the broker has read the message. After that, the program needs its connection no longer.
    // 待办：消息代理读到消息之前，不要返回。之后程序就不再需要这条连接了。
    Ok(())
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::send;
    use window::{CONNECTION_CLOSE, check, fresh, soon};

    #[test]
    fn the_message_arrives_before_the_program_ends() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let mut road = office.road().await;
            let connection = window::connect(road.addr()).await;
            let channel = connection.create_channel().await.expect("a channel");
            let text = fresh("Wait for me!");
            let waits = "your program has not ended: what does it wait for?\n你的程序还没有结束：它在等什么？";
            soon(send(&connection, &channel, &text), waits)
                .await
                .expect("your program returned an error · 你的程序返回了错误");
            road.close().await;
            assert_eq!(
                office.texts(1, "hello").await,
                [text],
                "this message has to be in `hello`. If nothing is there, your program ended while it was still on its way\n\
                 `hello` 里应该是这一条消息。如果什么也没有，就是程序结束时消息还在路上"
            );
            assert!(
                road.saw(CONNECTION_CLOSE),
                "the message is there, and the broker still believes that your connection is open\n\
                 消息到了，可是消息代理以为你的连接还开着"
            );
        });
    }
}
