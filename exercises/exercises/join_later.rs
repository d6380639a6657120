// A screen in the hall · 大厅里的屏幕
//
// 10 minutes · 10 分钟
// The page · 对应的页：src/patterns/publish-subscribe.md#queues, src/patterns/publish-subscribe.zh-CN.md#queues
//
// Each screen in the hall shows the orders that are being paid, all of them. A hundred screens come and go, and no queue may be left
// behind when one is switched off. Yesterday 3,000 queues were found that nobody reads, and full disks.
//
// 大厅里的每块屏幕都显示正在付款的订单，一个也不少。屏幕有上百块，开开关关；一块屏幕关掉以后，不能留下队列。
// 昨天有人发现留下了 3,000 个队列，磁盘也满了。

use anyhow::Result;
use lapin::{
    Channel, Consumer,
    options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};

const EXCHANGE: &str = "exercise.paid"; // a fanout exchange, which is there already · 扇出交换机，已经有了

async fn watch(channel: &Channel) -> Result<Consumer> {
    // TODO: Which queue does a screen need, and how does it learn the name?
    // 待办：屏幕需要什么样的队列？它怎样知道队列的名字？
    let options = QueueDeclareOptions::durable();
    let queue = channel.queue_declare("screen".into(), options, FieldTable::default()).await?;
    let bind = QueueBindOptions::default();
    channel.queue_bind(queue.name().clone(), EXCHANGE.into(), "".into(), bind, FieldTable::default()).await?;
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    Ok(channel.basic_consume(queue.name().clone(), "".into(), options, FieldTable::default()).await?)
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

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
