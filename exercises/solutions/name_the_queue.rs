// Name the queue: a solution · 给队列起名字：一种解法

use anyhow::Result;
use lapin::{
    BasicProperties, Channel,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(channel: &Channel, mailbox: &str, text: &str) -> Result<()> {
    // Both lines need the name: the first makes the mailbox, the second writes it on the letter. Nothing else ties them.
    // 两行都要用到这个名字：第一行建邮箱，第二行把它写在信封上。除了名字，两行之间没有别的联系。
    channel.queue_declare(mailbox.into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), mailbox.into(), options, text.as_bytes(), BasicProperties::default()).await?;
    Ok(())
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::send;
    use window::check;

    #[test]
    fn each_letter_goes_to_its_own_mailbox() {
        check(&["hello", "anna", "小李"], async |office| {
            let channel = office.channel().await;
            send(&channel, "anna", "Hi Anna!").await.expect("your program returned an error · 你的程序返回了错误");
            send(&channel, "小李", "小李，你好！").await.expect("your program returned an error · 你的程序返回了错误");
            assert_eq!(
                office.queue("hello").await,
                None,
                "nobody asked for a mailbox `hello` (`None`: it is not there). Is its name still in your program?\n\
                 没有人让你建 `hello` 这个邮箱（`None` 就是没有）。程序里是不是还写着这个名字？"
            );
            for (mailbox, text) in [("anna", "Hi Anna!"), ("小李", "小李，你好！")] {
                assert_eq!(
                    office.texts(1, mailbox).await,
                    [text],
                    "this is what `{mailbox}` has to hold. Does the routing key name the mailbox that you declare?\n\
                     `{mailbox}` 里应该是这些。路由键写的是你声明的那个邮箱吗？"
                );
            }
        });
    }
}
