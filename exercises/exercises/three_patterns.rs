// Three patterns · 三个模式
//
// 10 minutes · 10 分钟
// The page · 对应的页：src/patterns/topics.md#table, src/patterns/topics.zh-CN.md#table
//
// Keys look like `order.paid.shanghai`: what it is about, what happened, where; sometimes with a district behind it, sometimes without
// any place. Find one pattern for each of three readers.
//
// 键的样子是 `order.paid.shanghai`：说的是什么，发生了什么，在哪里；有时候后面还有区名，有时候没有地点。
// 请给三个接收方各找一个模式。

// TODO: Everything that happens to an order in Shanghai (three words); all orders that are paid, with or without a place; all about orders.
// 待办：上海的订单发生的一切（三个单词）；所有付了款的订单，不管写没写地点；关于订单的一切。
const SHANGHAI: &str = "shanghai";
const ACCOUNTING: &str = "paid";
const STATISTICS: &str = "order";

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

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
