// A message to nowhere: a solution · 发往不存在的队列：一种解法

use anyhow::{Context, Result};
use lapin::{
    BasicProperties, Connection,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(connection: &Connection, queue: &str, text: &str) -> Result<()> {
    // A channel of its own for each message: a refusal closes it, and the connection goes on.
    // 每条消息各用一条信道：被拒绝时关闭的只是信道，连接不受影响。
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    channel
        .queue_declare(queue.into(), passive, FieldTable::default())
        .await
        .with_context(|| format!("can't send to `{queue}`"))?;
    // Somebody may delete the queue at this very moment. A later chapter closes this gap.
    // 恰好在这一刻，队列也可能被人删掉。以后有一章会补上这个漏洞。
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), queue.into(), options, text.as_bytes(), BasicProperties::default()).await?;
    channel.close(200, "sent".into()).await?;
    Ok(())
}

fn main() {}

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
