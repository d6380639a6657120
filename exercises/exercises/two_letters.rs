// Two letters, in order · 两封信，按顺序
//
// 5 minutes · 5 分钟
// The page · 对应的页：src/basic/send.md#publish, src/basic/send.zh-CN.md#publish
//
// A queue is a line: first in, first out. Send all letters, each on its own, in the order in which they stand.
// The mailbox `hello` is there already.
//
// 队列就是排队：先进先出。把所有的信一封一封地寄出去，顺序和列表里一样。
// 邮箱 `hello` 已经有了。

use anyhow::Result;
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};

async fn send_all(channel: &Channel, letters: &[&str]) -> Result<()> {
    // TODO: Only the last letter is sent. Send all of them.
    // 待办：现在只寄出了最后一封。请全部寄出。
    if let Some(text) = letters.last() {
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
