// Find the bug: only the first word: a solution · 找 bug：只有第一个词：一种解法

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
    // One variable for both: what is printed can't be another text. · 两处用同一个变量，就不会说一套做一套。
    let order = words.join(" ");
    let properties = BasicProperties::default().with_delivery_mode(2);
    channel
        .basic_publish("".into(), "packing".into(), BasicPublishOptions::default(), order.as_bytes(), properties)
        .await?;
    Ok(format!("To pack: {order}"))
}

fn main() {}

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
