// Two messages, in order · 两条消息，按顺序
//
// 5 minutes · 5 分钟
// The page · 对应的页：src/basic/send.md#publish, src/basic/send.zh-CN.md#publish
//
// A queue is a line: first in, first out. Publish all texts, each as a message of its own, in the order in which they stand.
// The queue `hello` is there already.
//
// 队列就是排队：先进先出。把所有的文字一条一条地发出去，一段文字一条消息，顺序和列表里一样。
// 队列 `hello` 已经有了。

use anyhow::Result;
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};

async fn send_all(channel: &Channel, texts: &[&str]) -> Result<()> {
    // TODO: Only the last text is sent. Send all of them.
    // 待办：现在只发出了最后一条。请全部发出。
    if let Some(text) = texts.last() {
        let options = BasicPublishOptions::default();
        channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
    }
    Ok(())
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::send_all;
    use window::{check, fresh};

    async fn assert_in_order(office: &window::Office, texts: Vec<String>) {
        office.declare("hello").await;
        let sent: Vec<&str> = texts.iter().map(String::as_str).collect();
        send_all(&office.channel().await, &sent).await.expect("your program returned an error · 你的程序返回了错误");
        let count = texts.len().try_into().expect("a few");
        assert_eq!(
            office.texts(count, "hello").await,
            texts,
            "`hello` has to hold these messages, each on its own, in this order\n\
             `hello` 里应该是这几条消息，每段文字各是一条，顺序也要一样"
        );
    }

    #[test]
    fn two_messages_wait_in_order() {
        check(&["hello"], async |office| assert_in_order(office, vec![fresh("first"), fresh("第二条")]).await);
    }

    #[test]
    fn twenty_messages_wait_in_order() {
        let texts = (1..=20).map(|number| fresh(&format!("message {number}:"))).collect();
        check(&["hello"], async |office| assert_in_order(office, texts).await);
    }
}
