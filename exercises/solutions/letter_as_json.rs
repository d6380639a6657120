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
    // Every language reads JSON, and the content type says that this is JSON. The broker itself looks at neither.
    // 每种语言都读得懂 JSON，`content_type` 也注明了是 JSON。消息代理自己两样都不看。
    let body = serde_json::to_vec(order)?;
    let properties = BasicProperties::default().with_content_type("application/json".into());
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "orders".into(), options, &body, properties).await?;
    Ok(())
}

fn read(body: &[u8]) -> Result<Order> {
    // What waits in a queue may be anything. The caller decides what to do with a message that is no order.
    // 队列里什么都可能有。遇到不是订单的消息该怎么办，由调用的一方决定。
    serde_json::from_slice(body).context("this message is no order")
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::{Order, read, send};
    use serde_json::{Value, json};
    use std::panic::catch_unwind;
    use window::{check, fresh};

    #[test]
    fn the_message_is_json_and_says_so() {
        // The second title has what is special in JSON. · 第二个书名里有 JSON 的特殊字符。
        for (book, copies) in [(fresh("三体"), 2), (fresh("“Rust” \"in\" C:\\books\nand more"), 70_000)] {
            check(&["orders"], async |office| {
                office.declare("orders").await;
                let order = Order { book: book.clone(), copies };
                send(&office.channel().await, &order)
                    .await
                    .expect("your program returned an error · 你的程序返回了错误");
                let messages = office.messages(1, "orders").await;
                assert_eq!(messages.len(), 1, "`orders` has to hold one message · `orders` 里应该有一条消息");
                assert_eq!(
                    serde_json::from_slice::<Value>(&messages[0].body).ok(),
                    Some(json!({ "book": book, "copies": copies })),
                    "the message says {:?}, and that is not the order {order:?} as JSON (`None`: it is no JSON at all)\n\
                     消息里写的是 {:?}，这不是订单 {order:?} 的 JSON（`None` 就是根本不是 JSON）",
                    messages[0].text(),
                    messages[0].text()
                );
                let content_type = messages[0].properties.content_type().as_ref().map(|kind| kind.as_str());
                assert!(
                    content_type.is_some(),
                    "the message doesn't say what is inside: set the property `content_type`\n\
                     消息没有注明里面是什么：请设置属性 `content_type`"
                );
                assert_eq!(
                    content_type,
                    Some("application/json"),
                    "the property `content_type` is set, and it is not the name of JSON, letter by letter\n\
                     属性 `content_type` 设置了，但写的不是 JSON 的名字，一个字符也不能差"
                );
            });
        }
    }

    #[test]
    fn an_order_is_read_back() {
        let book = fresh("“Rust” \"书\"");
        let written = json!({ "copies": 3, "book": book });
        for json in [serde_json::to_vec(&written), serde_json::to_vec_pretty(&written)] {
            let order = read(&json.expect("JSON")).expect("this is an order: read it · 这是一份订单，应该读得出来");
            let wanted = Order { book: book.clone(), copies: 3 };
            assert_eq!(order, wanted, "read differently from what was written · 读出来的和写的不一样");
        }
    }

    #[test]
    fn a_message_that_is_no_order_is_an_error() {
        for body in [&b"Hello!"[..], br#"{"book":"Rust"}"#, br#"{"book":"Rust","copies":-1}"#, b"\xff"] {
            let read = catch_unwind(|| read(body)).unwrap_or_else(|_| {
                panic!("one strange message stops the whole program: return an error\n一条奇怪的消息就让整个程序停下了：请返回错误")
            });
            let words = read.map_err(|error| format!("{error:#}"));
            let why = serde_json::from_slice::<Order>(body).expect_err("no order").to_string();
            let shown = body.escape_ascii();
            assert!(
                words.is_err(),
                "“{shown}” is no order, and your program made one of it: {words:?}\n“{shown}” 不是订单，你的程序却编出了一份：{words:?}"
            );
            assert!(
                words.as_ref().is_err_and(|words| words.contains(&why)),
                "“{shown}” is no order, and the error hides why: {words:?}. `serde_json` knows: {why}\n\
                 “{shown}” 不是订单，可是错误里没有说出原因：{words:?}。`serde_json` 知道原因：{why}"
            );
        }
    }
}
