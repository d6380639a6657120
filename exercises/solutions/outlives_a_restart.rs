// An order that outlives the broker: a solution · 经得起重启的订单：一种解法

use anyhow::Result;
use lapin::{
    BasicProperties, Channel,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn order(channel: &Channel, text: &str) -> Result<()> {
    let durable = QueueDeclareOptions::durable();
    channel.queue_declare("packing".into(), durable, FieldTable::default()).await?;
    let properties = BasicProperties::default().with_delivery_mode(2); // persistent · 持久化
    channel
        .basic_publish("".into(), "packing".into(), BasicPublishOptions::default(), text.as_bytes(), properties)
        .await?;
    Ok(())
}

fn main() {}

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
