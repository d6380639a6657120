// A first message: a solution · 第一条消息：一种解法

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

    // The default exchange has the empty name. It reads the routing key as the name of a queue.
    // 默认交换机的名字是空的，它把路由键当作队列的名字。
    let text = "Life is short, I use Rust!";
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;

    connection.close(200, "goodbye".into()).await?;
    Ok(())
}

fn main() {}

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
