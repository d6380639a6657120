// Find the bug: nothing for St. Gallen · 找 bug：圣加仑什么也收不到
//
// 12 minutes · 12 分钟
// The page · 对应的页：src/patterns/topics.md#table, src/patterns/topics.zh-CN.md#table
//
// The keys are `order`, what happened, and the city. The warehouse of `st.gallen` gets nothing, `washington.d.c` neither; and who binds
// `order.paid`, for orders without a city, waits in vain. A city is one word: put a `-` for each dot in it. No city, no word.
//
// 路由键由 `order`、发生了什么、城市组成。`st.gallen`（圣加仑）的仓库什么也收不到，`washington.d.c` 也一样；
// 绑定了 `order.paid`、想要没有城市的订单的，也白等一场。一个城市是一个单词：里面的点都换成 `-`。没有城市，就没有这个单词。

use anyhow::Result;
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};

const EXCHANGE: &str = "exercise.events"; // a topic exchange, which is there already · 主题交换机，已经有了

async fn tell(channel: &Channel, order: &str, event: &str, city: Option<&str>) -> Result<()> {
    // TODO: How many words has this key? · 待办：这个键有几个单词？
    let key = format!("order.{event}.{}", city.unwrap_or_default());
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    channel.basic_publish(EXCHANGE.into(), key.into(), options, order.as_bytes(), properties).await?;
    Ok(())
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::{EXCHANGE, tell};
    use lapin::{
        ExchangeKind,
        options::{ExchangeDeclareOptions, QueueBindOptions},
        types::FieldTable,
    };
    use window::check;

    const READERS: [(&str, &str, &[&str]); 5] = [
        ("st-gallen", "order.*.st-gallen", &["order-1"]),
        ("washington", "order.*.washington-d-c", &["order-2"]),
        ("shanghai", "order.*.shanghai", &["order-3", "order-4"]),
        ("nowhere", "order.paid", &["order-5"]),
        ("accounting", "order.paid.#", &["order-1", "order-2", "order-3", "order-5"]),
    ];

    #[test]
    fn each_order_comes_to_those_who_have_bound_its_city() {
        check(&READERS.map(|(queue, ..)| queue), async |office| {
            let channel = office.channel().await;
            let options = ExchangeDeclareOptions { auto_delete: true, ..Default::default() };
            let (topic, table) = (ExchangeKind::Topic, FieldTable::default());
            channel.exchange_declare(EXCHANGE.into(), topic, options, table).await.expect("an exchange");
            for (queue, pattern, _) in READERS {
                office.declare(queue).await;
                let (bind, table) = (QueueBindOptions::default(), FieldTable::default());
                channel.queue_bind(queue.into(), EXCHANGE.into(), pattern.into(), bind, table).await.expect("bound");
            }
            for (order, event, city) in [
                ("order-1", "paid", Some("st.gallen")),
                ("order-2", "paid", Some("washington.d.c")),
                ("order-3", "paid", Some("shanghai")),
                ("order-4", "packed", Some("shanghai")),
                ("order-5", "paid", None),
            ] {
                tell(&channel, order, event, city).await.expect("your program returned an error · 你的程序返回了错误");
            }
            for (queue, pattern, wanted) in READERS {
                let got = office.texts(wanted.len() as u32, queue).await;
                assert_eq!(
                    got, wanted,
                    "whoever binds `{pattern}` gets the wrong orders · 绑定 `{pattern}` 的，收到的订单不对"
                );
            }
        });
    }
}
