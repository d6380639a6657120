// An order as JSON: a solution · 用 JSON 写订单：一种解法

use anyhow::{Context, Result};
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    book: String,
    copies: u32,
}

async fn send(channel: &Channel, order: &Order) -> Result<()> {
    // Every language reads JSON, and the envelope says that this is JSON. The broker itself looks at neither.
    // 每种语言都读得懂 JSON，信封上也注明了是 JSON。消息代理自己两样都不看。
    let body = serde_json::to_vec(order)?;
    let properties = BasicProperties::default().with_content_type("application/json".into());
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "orders".into(), options, &body, properties).await?;
    Ok(())
}

fn read(body: &[u8]) -> Result<Order> {
    // What comes out of a mailbox may be anything. The caller decides what to do with a letter that is no order.
    // 邮箱里什么都可能有。遇到不是订单的信该怎么办，由调用的一方决定。
    serde_json::from_slice(body).context("this letter is no order")
}

fn main() {}

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
