// A letter to nowhere: a solution · 寄往不存在的邮箱：一种解法

use anyhow::{Context, Result};
use lapin::{
    BasicProperties, Connection,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(connection: &Connection, mailbox: &str, text: &str) -> Result<()> {
    // A channel of its own for each letter: a refusal closes it, and the connection goes on.
    // 每封信各用一条信道：被拒绝时关闭的只是信道，连接不受影响。
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    channel
        .queue_declare(mailbox.into(), passive, FieldTable::default())
        .await
        .with_context(|| format!("there is no mailbox `{mailbox}`"))?;
    // Somebody may delete the mailbox at this very moment. A later chapter closes this gap.
    // 恰好在这一刻，邮箱也可能被人删掉。以后有一章会补上这个漏洞。
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), mailbox.into(), options, text.as_bytes(), BasicProperties::default()).await?;
    channel.close(200, "sent".into()).await?;
    Ok(())
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::send;
    use window::check;

    #[test]
    fn a_letter_to_nowhere_is_an_error() {
        check(&["helo"], async |office| {
            let program = office.connect().await;
            let sent = send(&program, "helo", "Is anybody there?").await;
            assert_eq!(
                office.queue("helo").await,
                None,
                "your program has made the mailbox `helo`, into which nobody will ever look\n\
                 你的程序建了邮箱 `helo`，可是永远不会有人去看"
            );
            assert!(
                sent.is_err(),
                "there is no mailbox `helo`, the letter was thrown away, and your program says `Ok`\n\
                 没有 `helo` 这个邮箱，信被扔掉了，你的程序却说 `Ok`"
            );
        });
    }

    #[test]
    fn after_the_error_the_next_letter_arrives() {
        check(&["hello", "helo"], async |office| {
            office.declare("hello").await;
            let program = office.connect().await;
            let _refused = send(&program, "helo", "Is anybody there?").await; // the other test looks at this
            send(&program, "hello", "Here I am").await.expect(
                "the mailbox `hello` exists and the letter was refused. Is the connection still open, and the channel?\n\
                 邮箱 `hello` 是有的，信却寄不出去。连接还开着吗？信道呢？",
            );
            assert_eq!(
                office.texts(1, "hello").await,
                ["Here I am"],
                "`hello` has to hold this one letter · `hello` 里应该正好有这一封信"
            );
        });
    }
}
