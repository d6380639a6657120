// Find the bug: only the first word · 找 bug：只有第一个词
//
// 8 minutes · 8 分钟
// The page · 对应的页：src/patterns/work-queues.md#new-task, src/patterns/work-queues.zh-CN.md#new-task
//
// Somebody orders `oak wardrobe...`. The shop prints `To pack: oak wardrobe...`, and the packers look for an oak.
// The function returns the line that is printed. It has to be true: what it says is what is sent, and that is the whole order.
//
// 有人订了 `oak wardrobe...`（橡木衣柜）。网店打印 `To pack: oak wardrobe...`，打包员却在找一棵橡树（oak）。
// 函数返回的就是打印出来的那一行。它说的必须是真的：说了什么就发了什么，而且是完整的订单。

use anyhow::Result;
use lapin::{
    BasicProperties, Channel,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

/// Hands in an order, which may be several words, and returns the line to print.
/// 交出一个订单（可以有好几个词），返回要打印的那一行。
async fn hand_in(channel: &Channel, words: &[&str]) -> Result<String> {
    let durable = QueueDeclareOptions::durable();
    channel.queue_declare("packing".into(), durable, FieldTable::default()).await?;
    // TODO: Which order is sent, and which is printed? · 待办：发出去的是哪个订单？打印的又是哪个？
    let order = words.first().copied().unwrap_or("lamp..");
    let properties = BasicProperties::default().with_delivery_mode(2);
    channel
        .basic_publish("".into(), "packing".into(), BasicPublishOptions::default(), order.as_bytes(), properties)
        .await?;
    Ok(format!("To pack: {}", words.join(" ")))
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::hand_in;
    use window::{check, fresh};

    #[test]
    fn what_is_printed_is_what_the_packers_get() {
        check(&["packing"], async |office| {
            let channel = office.channel().await;
            let (desk, number) = (fresh("desk"), fresh("number"));
            let orders = [format!("oak wardrobe {number}..."), "lamp..".to_owned(), format!("{desk}.")];
            for order in &orders {
                let words: Vec<_> = order.split(' ').collect();
                let line =
                    hand_in(&channel, &words).await.expect("your program returned an error · 你的程序返回了错误");
                assert_eq!(line, format!("To pack: {order}"), "what your program prints · 你的程序打印的是");
            }
            let sent = office.texts(3, "packing").await;
            assert_eq!(
                sent, orders,
                "the lines that were printed are right, and this is what the packers get\n打印的都对，打包员收到的却是这些"
            );
        });
    }
}
