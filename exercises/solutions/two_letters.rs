// Two letters, in order: a solution · 两封信，按顺序：一种解法

use anyhow::Result;
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};

async fn send_all(channel: &Channel, letters: &[&str]) -> Result<()> {
    // One after the other on one channel: the broker reads them in this order, and so they lie in the queue.
    // 在同一条信道上一封接一封地发，消息代理按这个顺序读，它们也就按这个顺序排在队列里。
    for text in letters {
        let options = BasicPublishOptions::default();
        channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
    }
    Ok(())
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::send_all;
    use window::check;

    const ORDER: &str = "`hello` has to hold these letters, each on its own, in this order\n\
                         `hello` 里应该是这几封信，每封单独寄，顺序也要一样";

    #[test]
    fn two_letters_lie_in_order() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            send_all(&office.channel().await, &["first", "第二封"])
                .await
                .expect("your program returned an error · 你的程序返回了错误");
            assert_eq!(office.texts(2, "hello").await, ["first", "第二封"], "{ORDER}");
        });
    }

    #[test]
    fn twenty_letters_lie_in_order() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let letters: Vec<String> = (1..=20).map(|number| format!("letter {number}")).collect();
            let texts: Vec<&str> = letters.iter().map(String::as_str).collect();
            send_all(&office.channel().await, &texts)
                .await
                .expect("your program returned an error · 你的程序返回了错误");
            assert_eq!(office.texts(20, "hello").await, letters, "{ORDER}");
        });
    }
}
