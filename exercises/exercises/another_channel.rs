// Find the bug: the wrong counter · 找 bug：找错了柜台
//
// 12 minutes · 12 分钟
// The page · 对应的页：src/patterns/acknowledge.md#manual, src/patterns/acknowledge.zh-CN.md#manual
//
// Since this packer reports each order on a channel of its own, it packs one order and then nothing any more. The broker's log says
// 406 PRECONDITION_FAILED, unknown delivery tag 1. Each order has to be packed, reported and acknowledged once; and what a packer is
// packing when it dies has to come back.
//
// 自从在另一条信道上报告打包结果，这个打包员打包完一个订单，就再也不动了。消息代理的日志里写着
// 406 PRECONDITION_FAILED, unknown delivery tag 1。每个订单都应该打包一次、报告一次、确认一次；打包员倒下的时候，手上那个订单要能回来。

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
        // TODO: Who knows this delivery tag? · 待办：这个投递标签，谁认得？
        reports.basic_ack(delivery.delivery_tag, BasicAckOptions::default()).await?;
    }
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

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
