// A message to nowhere · 发往不存在的队列
//
// 12 minutes · 12 分钟
// The page · 对应的页：src/basic/get.md#passive, src/basic/get.zh-CN.md#passive
//
// A message for a queue that doesn't exist is thrown away, and `basic_publish` says `Ok`. Make a sender that returns an error
// instead, with the broker's reason in it. It must not declare the queue for real: nobody would ever consume from it. And the
// connection has to be good for the next message.
//
// 发往不存在的队列的消息会被扔掉，而 `basic_publish` 照样返回 `Ok`。请写一个会返回错误的发送函数，错误里要有消息代理说的原因。
// 它不能真的去新建那个队列，因为永远不会有消费者来取。这条连接还要能接着发下一条消息。

use anyhow::{Context, Result};
use lapin::{
    BasicProperties, Connection,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(connection: &Connection, queue: &str, text: &str) -> Result<()> {
    let channel = connection.create_channel().await?;
    // TODO: Return an error if there is no such queue. A *passive* declaration asks whether a queue exists, and never makes one.
    // 待办：没有这个队列，就返回错误。*被动*声明（passive）只问队列在不在，不会新建。
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), queue.into(), options, text.as_bytes(), BasicProperties::default()).await?;
    channel.close(200, "sent".into()).await?;
    Ok(())
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::send;
    use window::{check, fresh};

    #[test]
    fn a_message_to_nowhere_is_an_error() {
        let missing = fresh("helo");
        check(&[&missing], async |office| {
            let program = office.connect().await;
            let sent = send(&program, &missing, "Is anybody there?").await.map_err(|error| format!("{error:#}"));
            assert_eq!(
                office.queue(&missing).await,
                None,
                "your program has made the queue `{missing}`, from which nobody will ever consume\n\
                 你的程序新建了队列 `{missing}`，可是永远不会有消费者来取"
            );
            assert!(
                sent.is_err(),
                "there is no queue `{missing}`, the message was thrown away, and your program says `Ok`\n\
                 没有 `{missing}` 这个队列，消息被扔掉了，你的程序却说 `Ok`"
            );
            assert!(
                sent.as_ref().is_err_and(|words| words.contains("NOT_FOUND")),
                "your program returned an error, and the broker's reason, 404 NOT_FOUND, is not in it: {sent:?}\n\
                 你的程序返回了错误，可是里面没有消息代理说的原因 404 NOT_FOUND：{sent:?}"
            );
        });
    }

    #[test]
    fn after_the_error_the_next_message_arrives() {
        let (there, missing) = (fresh("hello"), fresh("helo"));
        check(&[&there, &missing], async |office| {
            office.declare(&there).await;
            let program = office.connect().await;
            let _refused = send(&program, &missing, "Is anybody there?").await; // the other test looks at this
            let text = fresh("Here I am");
            if let Err(error) = send(&program, &there, &text).await {
                panic!(
                    "the queue `{there}` exists, and your program returned an error. Is the connection still open, and the channel? \
                     It says:\n队列 `{there}` 是有的，你的程序却返回了错误。连接还开着吗？信道呢？它说的是：\n{error:#}"
                );
            }
            assert_eq!(
                office.texts(1, &there).await,
                [text],
                "`{there}` has to hold this one message · `{there}` 里应该正好有这一条消息"
            );
        });
    }
}
