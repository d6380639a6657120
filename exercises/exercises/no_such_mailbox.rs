// A letter to nowhere · 寄往不存在的邮箱
//
// 12 minutes · 12 分钟
// The page · 对应的页：src/basic/get.md#passive, src/basic/get.zh-CN.md#passive
//
// A letter for a mailbox that doesn't exist is thrown away, and `basic_publish` says `Ok`. Make a sender that returns an error
// instead. It must not make the mailbox itself: nobody would ever look into it. And the connection has to be good for the next letter.
//
// 寄往不存在的邮箱的信会被扔掉，而 `basic_publish` 照样返回 `Ok`。请写一个会返回错误的寄信函数。
// 它不能自己去建那个邮箱，因为永远不会有人去看。这条连接还要能接着寄下一封信。

use anyhow::{Context, Result};
use lapin::{
    BasicProperties, Connection,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(connection: &Connection, mailbox: &str, text: &str) -> Result<()> {
    let channel = connection.create_channel().await?;
    // TODO: Return an error if there is no such mailbox. A *passive* declaration asks whether a queue exists, and makes none:
    // `QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() }`.
    // 待办：没有这个邮箱，就返回错误。*被动*声明只问队列在不在，不会新建：
    // `QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() }`。
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), mailbox.into(), options, text.as_bytes(), BasicProperties::default()).await?;
    channel.close(200, "sent".into()).await?;
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
