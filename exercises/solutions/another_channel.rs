// Find the bug: the wrong counter: a solution · 找 bug：找错了柜台：一种解法

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel,
    options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions},
    types::FieldTable,
};

/// Takes orders on one channel, and reports on the other what is packed. · 一条信道接订单，另一条信道报告打包好的。
async fn pack(orders: &Channel, reports: &Channel, work: impl AsyncFn(&str)) -> Result<()> {
    orders.basic_qos(1, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = orders.basic_consume("packing".into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let delivery = consumer.next().await.context("the broker cancelled our subscription")??;
        let order = String::from_utf8_lossy(&delivery.data).into_owned();
        work(&order).await;
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        reports.basic_publish("".into(), "packed".into(), options, order.as_bytes(), properties).await?;
        // A delivery knows the channel on which it came. · 一次投递知道自己是从哪条信道来的。
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::pack;
    use std::future::pending;
    use tokio::{select, sync::Notify};
    use window::{check, soon};

    #[test]
    fn each_order_is_reported_once_and_the_one_in_hand_comes_back() {
        check(&["packing", "packed"], async |office| {
            office.declare("packed").await;
            office.declare("packing").await;
            for order in ["lamp", "cup", "wardrobe"] {
                office.put("packing", order).await;
            }
            let program = office.connect().await;
            let orders = program.create_channel().await.expect("a channel");
            let reports = program.create_channel().await.expect("a channel");
            let in_hand = Notify::new();
            let work = async |order: &str| {
                if order == "wardrobe" {
                    in_hand.notify_one();
                    pending::<()>().await;
                }
            };
            let asleep = "your packer has packed an order or two, and takes no other: the broker waits for an acknowledgement\n\
                          你的打包员打包了一两个订单，就不接下一个了：消息代理还在等它的确认";
            select! {
                ended = pack(&orders, &reports, work) => panic!("your packer has ended · 你的打包员结束了: {ended:?}"),
                () = soon(in_hand.notified(), asleep) => {}
            }
            program.close(200, "somebody tripped over the cable".into()).await.expect("closed");
            let reported = office.texts(2, "packed").await;
            assert_eq!(reported, ["lamp", "cup"], "the reports in `packed` · `packed` 里的报告");
            let left = office.texts(1, "packing").await;
            assert_eq!(
                left,
                ["wardrobe"],
                "the wardrobe was in the packer's hands, and the others were packed: this is left in `packing`\n\
                 打包员手上是衣柜，其他的都打包好了：`packing` 里剩下的是这些"
            );
        });
    }
}
