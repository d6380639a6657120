// A first message · 第一条消息
//
// 5 minutes · 5 分钟
// The page · 对应的页：src/basic/send.md#publish, src/basic/send.zh-CN.md#publish
//
// The program connects, opens a channel, declares the queue `hello`, and closes the connection.
// It only forgets to publish its message.
//
// 程序建立了连接，打开了信道，声明了队列 `hello`，最后也关闭了连接，
// 偏偏忘了把消息发布出去。

use anyhow::Result;
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(addr: &str) -> Result<()> {
    let connection = Connection::connect(addr, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;

    // TODO: Publish one message that says `Life is short, I use Rust!`, so that it waits in the queue `hello`.
    // 待办：发布一条消息，内容是 `Life is short, I use Rust!`，让它进入队列 `hello`。

    connection.close(200, "goodbye".into()).await?;
    Ok(())
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::send;
    use window::check;

    #[test]
    fn one_message_waits_in_hello() {
        check(&["hello"], async |office| {
            send(office.addr()).await.expect("your program returned an error · 你的程序返回了错误");
            assert_eq!(
                office.texts(1, "hello").await,
                ["Life is short, I use Rust!"],
                "`hello` has to hold this one message. Which exchange gets it, and with which routing key?\n\
                 Something else is there? Compare number and words.\n\
                 `hello` 里应该正好有这一条消息。消息交给了哪个交换机？路由键是什么？\n\
                 消息到了却不一样？比一比条数和每个字符，标点是半角的。"
            );
            office.assert_declared_alike("hello").await;
        });
    }
}
