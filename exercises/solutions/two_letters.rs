// Two messages, in order: a solution · 两条消息，按顺序：一种解法

use anyhow::Result;
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};

async fn send_all(channel: &Channel, texts: &[&str]) -> Result<()> {
    // One after the other on one channel: the broker reads them in this order, and so they wait in the queue.
    // 在同一条信道上一条接一条地发，消息代理按这个顺序读，它们也就按这个顺序排在队列里。
    for text in texts {
        let options = BasicPublishOptions::default();
        channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
    }
    Ok(())
}

fn main() {}

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
