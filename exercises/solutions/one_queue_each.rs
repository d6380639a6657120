// Find the bug: half of the orders: a solution · 找 bug：只收到一半订单：一种解法

use anyhow::Result;
use lapin::{
    Channel,
    options::{QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};

const EXCHANGE: &str = "exercise.paid"; // a fanout exchange, which is there already · 扇出交换机，已经有了

async fn subscribe(channel: &Channel, department: &str) -> Result<()> {
    // What two share, they divide. For a copy each, a queue each.
    // 共用一个队列，消息就是分着拿。要各拿一份，就各用一个队列。
    let queue = format!("paid.{department}");
    channel.queue_declare(queue.as_str().into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    channel
        .queue_bind(queue.into(), EXCHANGE.into(), "".into(), QueueBindOptions::default(), FieldTable::default())
        .await?;
    Ok(())
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::{EXCHANGE, subscribe};
    use lapin::{
        BasicProperties, Channel, ExchangeKind,
        options::{
            BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
        },
        types::FieldTable,
    };
    use window::{Office, check};

    /// Makes the exchange, which goes with this connection.
    async fn exchange(office: &Office) -> Channel {
        let channel = office.channel().await;
        let options = ExchangeDeclareOptions { auto_delete: true, ..Default::default() };
        let table = FieldTable::default();
        channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Fanout, options, table).await.expect("an exchange");
        // A queue of our own keeps it while nobody else is bound.
        let (options, table) = (QueueDeclareOptions { exclusive: true, ..Default::default() }, FieldTable::default());
        let queue = channel.queue_declare("".into(), options, table.clone()).await.expect("a queue").name().clone();
        let bind = QueueBindOptions::default();
        channel.queue_bind(queue, EXCHANGE.into(), "".into(), bind, table).await.expect("bound");
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("the broker confirms");
        channel
    }

    async fn pay(channel: &Channel, order: &str) {
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let publish = channel.basic_publish(EXCHANGE.into(), "".into(), options, order.as_bytes(), properties);
        publish.await.expect("published").await.expect("confirmed");
    }

    #[test]
    fn each_department_has_every_order_even_when_it_is_away() {
        check(&["paid.warehouse", "paid.sms"], async |office| {
            let shop = exchange(office).await;
            for department in ["warehouse", "sms"] {
                let program = office.connect().await;
                let channel = program.create_channel().await.expect("a channel");
                subscribe(&channel, department).await.expect("a department couldn't subscribe · 有一个部门没能订阅");
                program.close(200, "gone for lunch".into()).await.expect("closed");
            }
            for order in ["order-1", "order-2"] {
                pay(&shop, order).await;
            }
            for department in ["warehouse", "sms"] {
                let queue = format!("paid.{department}");
                assert!(
                    office.queue(&queue).await.is_some(),
                    "there is no queue `{queue}` for `{department}`, which is out for lunch\n\
                     `{department}` 去吃午饭了，却没有替它收订单的队列 `{queue}`"
                );
                assert_eq!(
                    office.texts(2, &queue).await,
                    ["order-1", "order-2"],
                    "`{department}` has to have both orders · `{department}` 应该两个订单都有"
                );
            }
        });
    }
}
