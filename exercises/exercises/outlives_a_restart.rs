// An order that outlives the broker · 经得起重启的订单
//
// 8 minutes · 8 分钟
// The page · 对应的页：src/patterns/durable.md#three, src/patterns/durable.zh-CN.md#three
//
// The broker is restarted at night, and in the morning the queue `packing` is there, and empty.
// Two things have to be said so that an order is still there; one is missing.
//
// 夜里消息代理重启了一次，早上队列 `packing` 还在，里面却是空的。
// 要让订单留下来，有两样东西要写明；这里缺了一样。

use anyhow::Result;
use lapin::{
    BasicProperties, Channel,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn order(channel: &Channel, text: &str) -> Result<()> {
    let durable = QueueDeclareOptions::durable();
    channel.queue_declare("packing".into(), durable, FieldTable::default()).await?;
    // TODO: Say that the order is to be written to disk.
    // 待办：写明这个订单要存到磁盘上。
    let properties = BasicProperties::default();
    channel
        .basic_publish("".into(), "packing".into(), BasicPublishOptions::default(), text.as_bytes(), properties)
        .await?;
    Ok(())
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::order;
    use window::check;

    #[test]
    fn the_order_and_its_queue_outlive_a_restart() {
        check(&["packing"], async |office| {
            let channel = office.channel().await;
            order(&channel, "lamp").await.expect("your program returned an error · 你的程序返回了错误");
            let orders = office.messages(1, "packing").await;
            assert_eq!(orders.len(), 1, "the order lies in `packing` · 订单应该在 `packing` 里");
            office.assert_declared_alike("packing").await;
            assert_eq!(
                *orders[0].properties.delivery_mode(),
                Some(2),
                "the queue would be there, and the order gone: its delivery mode is not 2\n队列还在，订单会消失：投递模式不是 2"
            );
        });
    }
}
