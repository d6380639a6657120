// An order as JSON · 用 JSON 写订单
//
// 12 minutes · 12 分钟
// The page · 对应的页：src/basic/get.md#properties, src/basic/get.zh-CN.md#properties
//
// Programs rarely write prose to each other. This one sends an order for books as JSON, so that the receiver needn't be
// written in Rust, and says on the envelope what is inside: the property `content_type`. The mailbox `orders` is there already.
//
// 程序之间通信，很少用大段的文字。这个程序用 JSON 寄出订书的订单，收信方就不一定要用 Rust 写；
// 它还要在信封上注明里面装的是什么，也就是属性 `content_type`。邮箱 `orders` 已经有了。

use anyhow::{Result, bail};
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    book: String,
    copies: u32,
}

async fn send(channel: &Channel, order: &Order) -> Result<()> {
    // TODO: This is how Rust shows a value to a programmer. Write JSON with `serde_json`, and set the content type
    // `application/json`.
    // 待办：这是 Rust 给程序员看的写法。请用 `serde_json` 写成 JSON，并把 content type 设为 `application/json`。
    let text = format!("{order:?}");
    let properties = BasicProperties::default();
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "orders".into(), options, text.as_bytes(), properties).await?;
    Ok(())
}

fn read(body: &[u8]) -> Result<Order> {
    // TODO: Read the order from the JSON. A letter that is no order is an error.
    // 待办：从 JSON 里读出订单。不是订单的信，要返回错误。
    bail!("not written yet · 还没有写");
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::{Order, read, send};
    use serde_json::{Value, json};
    use std::panic::catch_unwind;
    use window::check;

    fn order() -> Order {
        Order { book: "三体".into(), copies: 2 }
    }

    #[test]
    fn the_letter_is_json_and_says_so() {
        check(&["orders"], async |office| {
            office.declare("orders").await;
            send(&office.channel().await, &order()).await.expect("your program returned an error · 你的程序返回了错误");
            let letters = office.letters(1, "orders").await;
            assert_eq!(letters.len(), 1, "`orders` has to hold one letter · `orders` 里应该有一封信");
            assert_eq!(
                serde_json::from_slice::<Value>(&letters[0].body).ok(),
                Some(json!({ "book": "三体", "copies": 2 })),
                "the letter says {:?}, and that is not the order as JSON\n信里写的是 {:?}，这不是 JSON 写成的订单",
                letters[0].text(),
                letters[0].text()
            );
            assert_eq!(
                letters[0].properties.content_type().as_ref().map(|kind| kind.as_str()),
                Some("application/json"),
                "the envelope doesn't say what is inside: set the property content_type\n\
                 信封上没有注明里面是什么：请设置属性 content_type"
            );
        });
    }

    #[test]
    fn an_order_is_read_back() {
        let read =
            read(br#"{"copies":3,"book":"Rust"}"#).expect("this is an order: read it · 这是一份订单，应该读得出来");
        assert_eq!(
            read,
            Order { book: "Rust".into(), copies: 3 },
            "read differently from what was written · 读出来的和写的不一样"
        );
    }

    #[test]
    fn a_letter_that_is_no_order_is_an_error() {
        for letter in [&b"Hello!"[..], br#"{"book":"Rust"}"#, b"\xff"] {
            let read = catch_unwind(|| read(letter)).unwrap_or_else(|_| {
                panic!("one strange letter stops the whole program: return an error\n一封奇怪的信就让整个程序停下了：请返回错误")
            });
            assert!(
                read.is_err(),
                "“{}” is no order, and your program made one of it: {read:?}\n“{}” 不是订单，你的程序却编出了一份：{read:?}",
                letter.escape_ascii(),
                letter.escape_ascii()
            );
        }
    }
}
