// Find the bug: the worker that falls asleep · 找 bug：睡着的打包员
//
// 12 minutes · 12 分钟
// The page · 对应的页：src/patterns/acknowledge.md#forgotten, src/patterns/acknowledge.zh-CN.md#forgotten
//
// This packer has worked for weeks. Then a partner's program sends an empty order now and then. The packer reports each and goes on,
// until one day it receives nothing any more, with full queues and without any error.
// An order that can't be packed shall be dropped, and must not come back.
//
// 这个打包员好好地干了几个星期。后来，合作方的程序偶尔会发来一个空订单。打包员每次都报告一声，接着干，
// 直到有一天，它再也收不到订单了：队列是满的，也没有任何错误。
// 没法打包的订单应该丢掉，不能再回来。

use anyhow::{Context, Result, ensure};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions},
    types::FieldTable,
};

async fn pack(channel: &Channel, work: impl AsyncFn(String) -> Result<()>) -> Result<()> {
    channel.basic_qos(2, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("packing".into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let delivery = consumer.next().await.context("the broker cancelled our subscription")??;
        let order = String::from_utf8_lossy(&delivery.data).into_owned();
        // TODO: What becomes of the delivery on this way?
        // 待办：走这条路的时候，这次投递怎么办？
        if order.is_empty() {
            eprintln!("an order without a word; going on");
            continue;
        }
        work(order).await?;
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::pack;
    use tokio::{select, sync::Notify};
    use window::{check, soon};

    #[test]
    fn empty_orders_neither_stop_the_packer_nor_come_back() {
        check(&["packing"], async |office| {
            office.declare("packing").await;
            for order in ["", "", "", "lamp"] {
                office.put("packing", order).await;
            }
            let program = office.connect().await;
            let channel = program.create_channel().await.expect("a channel");
            let lamp = Notify::new();
            let work = async |order: String| {
                assert_eq!(order, "lamp", "an empty order can't be packed · 空订单没法打包");
                lamp.notify_one();
                Ok(())
            };
            let asleep = "your packer is asleep: the lamp waits behind the empty orders, which nobody has settled\n\
                          你的打包员睡着了：台灯排在空订单后面，而那几个空订单谁也没有处理";
            select! {
                ended = pack(&channel, work) => panic!("your packer has ended · 你的打包员结束了: {ended:?}"),
                () = async {
                    soon(lamp.notified(), asleep).await;
                    // It is acknowledged when the queue is asked for nothing more than the broker has heard.
                    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                } => {}
            }
            program.close(200, "the update at night".into()).await.expect("closed");
            let back = office.texts(0, "packing").await;
            assert!(
                back.iter().all(|order| !order.is_empty()),
                "the packer was restarted, and the empty orders are back: {back:?}\n打包员重启了一次，空订单又回来了：{back:?}"
            );
            assert_eq!(back, [""; 0], "the lamp was packed, and it is back · 台灯已经打包，却又回来了");
        });
    }
}
