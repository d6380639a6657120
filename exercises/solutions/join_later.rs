// A screen in the hall: a solution · 大厅里的屏幕：一种解法

use anyhow::Result;
use lapin::{
    Channel, Consumer,
    options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};

const EXCHANGE: &str = "exercise.paid"; // a fanout exchange, which is there already · 扇出交换机，已经有了

async fn watch(channel: &Channel) -> Result<Consumer> {
    // The broker makes up a name, and deletes the queue with our connection.
    // 名字由消息代理来起；连接一断，它就删掉队列。
    let options = QueueDeclareOptions { exclusive: true, ..Default::default() };
    let queue = channel.queue_declare("".into(), options, FieldTable::default()).await?;
    let bind = QueueBindOptions::default();
    channel.queue_bind(queue.name().clone(), EXCHANGE.into(), "".into(), bind, FieldTable::default()).await?;
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    Ok(channel.basic_consume(queue.name().clone(), "".into(), options, FieldTable::default()).await?)
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::{EXCHANGE, watch};
    use futures_lite::StreamExt;
    use lapin::{
        BasicProperties, Channel, ExchangeKind,
        options::{
            BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
        },
        types::FieldTable,
    };
    use window::{Office, check, soon};

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
    fn each_screen_shows_every_order_and_leaves_nothing_behind() {
        check(&["screen"], async |office| {
            let shop = exchange(office).await;
            let (one, two) = (office.connect().await, office.connect().await);
            let channels =
                [one.create_channel().await.expect("a channel"), two.create_channel().await.expect("a channel")];
            let mut screens = Vec::new();
            for channel in &channels {
                screens.push(watch(channel).await.expect("a screen couldn't subscribe · 有一块屏幕没能订阅"));
            }
            for order in ["order-1", "order-2"] {
                pay(&shop, order).await;
            }
            for screen in &mut screens {
                for order in ["order-1", "order-2"] {
                    let missing = "an order was paid, and a screen doesn't show it\n有订单付款了，却有一块屏幕没有显示";
                    let shown = soon(screen.next(), missing).await.expect("it goes on").expect("a delivery");
                    assert_eq!(String::from_utf8_lossy(&shown.data), order, "{missing}");
                }
            }
            let queues: Vec<_> = screens.iter().map(|screen| screen.queue().to_string()).collect();
            for program in [one, two] {
                program.close(200, "switched off".into()).await.expect("closed");
            }
            for queue in queues {
                assert!(
                    office.queue(&queue).await.is_none(),
                    "the screen is switched off, and its queue is still there\n屏幕已经关了，它的队列还在"
                );
            }
        });
    }
}
