// Three patterns: a solution · 三个模式：一种解法

// One word exactly: `*`. Any number, also none: `#`. · 正好一个单词：`*`。任意多个，没有也行：`#`。
const SHANGHAI: &str = "order.*.shanghai";
const ACCOUNTING: &str = "order.paid.#";
const STATISTICS: &str = "order.#";

fn main() {}

#[cfg(test)]
mod tests {
    use super::{ACCOUNTING, SHANGHAI, STATISTICS};
    use lapin::{
        BasicProperties, ExchangeKind,
        options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions},
        types::FieldTable,
    };
    use window::check;

    const EXCHANGE: &str = "exercise.events";
    const KEYS: [&str; 8] = [
        "order.paid.shanghai",
        "order.paid.beijing",
        "order.cancelled.shanghai",
        "order.paid",
        "order.paid.shanghai.pudong",
        "order.shanghai",
        "stock.low.shanghai",
        "stock.paid",
    ];

    #[test]
    fn each_reader_gets_what_it_wants_and_nothing_else() {
        let readers = [("shanghai", SHANGHAI), ("accounting", ACCOUNTING), ("statistics", STATISTICS)];
        check(&["shanghai", "accounting", "statistics"], async |office| {
            let channel = office.channel().await;
            let options = ExchangeDeclareOptions { auto_delete: true, ..Default::default() };
            let (topic, table) = (ExchangeKind::Topic, FieldTable::default());
            channel.exchange_declare(EXCHANGE.into(), topic, options, table).await.expect("an exchange");
            for (queue, pattern) in readers {
                office.declare(queue).await;
                let (bind, table) = (QueueBindOptions::default(), FieldTable::default());
                channel.queue_bind(queue.into(), EXCHANGE.into(), pattern.into(), bind, table).await.expect("bound");
            }
            channel.confirm_select(ConfirmSelectOptions::default()).await.expect("the broker confirms");
            for key in KEYS {
                let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
                let publish = channel.basic_publish(EXCHANGE.into(), key.into(), options, key.as_bytes(), properties);
                publish.await.expect("published").await.expect("confirmed");
            }
            for (queue, wanted) in [
                ("shanghai", vec![KEYS[0], KEYS[2]]),
                ("accounting", vec![KEYS[0], KEYS[1], KEYS[3], KEYS[4]]),
                ("statistics", KEYS[..6].to_vec()),
            ] {
                let got = office.texts(wanted.len() as u32, queue).await;
                assert_eq!(got, wanted, "`{queue}` gets the wrong messages · `{queue}` 收到的消息不对");
            }
        });
    }
}
