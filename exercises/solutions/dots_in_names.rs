// Find the bug: nothing for St. Gallen: a solution · 找 bug：圣加仑什么也收不到：一种解法

use anyhow::Result;
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};

const EXCHANGE: &str = "exercise.events"; // a topic exchange, which is there already · 主题交换机，已经有了

async fn tell(channel: &Channel, order: &str, event: &str, city: Option<&str>) -> Result<()> {
    // Between two dots there is a word, even an empty one; so the last dot comes with the city, or not at all.
    // 两个点之间总有一个单词，哪怕是空的；所以最后那个点要和城市一起来，没有城市就没有点。
    let key = match city {
        Some(city) => format!("order.{event}.{}", city.replace('.', "-")),
        None => format!("order.{event}"),
    };
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    channel.basic_publish(EXCHANGE.into(), key.into(), options, order.as_bytes(), properties).await?;
    Ok(())
}

fn main() {}

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
