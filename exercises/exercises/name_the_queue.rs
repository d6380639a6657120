// Name the queue · 给队列起名字
//
// 5 minutes · 5 分钟
// The page · 对应的页：src/basic/send.md#publish, src/basic/send.zh-CN.md#publish
//
// A post office with one mailbox is a small one. Let the caller say which mailbox a letter goes to.
// The mailbox may not exist yet.
//
// 只有一个邮箱的邮局太小了。让调用的一方来决定信寄到哪个邮箱。
// 那个邮箱可能还不存在。

use anyhow::Result;
use lapin::{
    BasicProperties, Channel,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(channel: &Channel, mailbox: &str, text: &str) -> Result<()> {
    // TODO: Every letter goes to `hello`. It has to go to `mailbox`.
    // 待办：现在每封信都寄到 `hello`。应该寄到 `mailbox`。
    channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
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
