// An order as JSON · 用 JSON 写订单
//
// 12 minutes · 12 分钟
// The page · 对应的页：src/basic/get.md#properties, src/basic/get.zh-CN.md#properties
//
// Programs rarely write prose to each other. This one sends an order for books as JSON, so that the consumer needn't be
// written in Rust, and says in the message's properties what is inside: the property `content_type`. The queue `orders` is
// there already.
//
// 程序之间通信，很少用大段的文字。这个程序用 JSON 发送订书的订单，消费者就不一定要用 Rust 写；
// 它还要在消息的属性里注明消息体是什么，也就是属性 `content_type`。队列 `orders` 已经有了。

use anyhow::{Context, Result, bail};
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
    // 待办：这是 Rust 给程序员看的写法。请用 `serde_json` 写成 JSON，并把 `content_type` 设为 `application/json`。
    let text = format!("{order:?}");
    let properties = BasicProperties::default();
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "orders".into(), options, text.as_bytes(), properties).await?;
    Ok(())
}

fn read(body: &[u8]) -> Result<Order> {
    // TODO: Read the order from the JSON. For a message that is no order, return the error of `serde_json`: it says why.
    // 待办：从 JSON 里读出订单。消息不是订单，就返回 `serde_json` 的错误，它说得出原因。
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
