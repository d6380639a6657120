// Something for the second packer · 让第二个打包员有活儿干
//
// 10 minutes · 10 分钟
// The page · 对应的页：src/patterns/prefetch.md#qos, src/patterns/prefetch.zh-CN.md#qos
//
// Four orders wait. The packer takes all of them at once, and whoever comes to help finds an empty queue.
// Leave what isn't begun yet to others.
//
// 有四个订单在等。这个打包员一次全拿走了，来帮忙的人只看到空空的队列。
// 请把还没有开始打包的订单留给别人。

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};

async fn pack(channel: &Channel, work: impl AsyncFn(String) -> Result<()>) -> Result<()> {
    // TODO: Set a limit for the unacknowledged orders.
    // 待办：限制未确认订单的数量。
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("packing".into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let delivery = consumer.next().await.context("the broker cancelled our subscription")??;
        work(String::from_utf8_lossy(&delivery.data).into_owned()).await?;
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::pack;
    use anyhow::Result;
    use std::{cell::RefCell, future::pending};
    use tokio::{select, sync::Notify};
    use window::{Office, check, soon};

    const ORDERS: [&str; 4] = ["wardrobe", "cup", "lamp", "chair"];

    async fn put_orders(office: &Office) {
        office.declare("packing").await;
        for order in ORDERS {
            office.put("packing", order).await;
        }
    }

    #[test]
    fn what_a_busy_packer_has_not_begun_is_there_for_another() {
        check(&["packing"], async |office| {
            put_orders(office).await;
            let channel = office.channel().await;
            let busy = Notify::new();
            let work = async |_| {
                busy.notify_one();
                pending::<Result<()>>().await
            };
            let other = async {
                soon(busy.notified(), "no order reached your packer · 你的打包员没有拿到订单").await;
                let there = office.texts(3, "packing").await;
                assert_eq!(
                    there,
                    ORDERS[1..],
                    "your packer is busy with the wardrobe, and this is what another packer can have\n\
                     你的打包员正忙着打包衣柜，另一个打包员能拿到的订单却是这些"
                );
            };
            select! {
                ended = pack(&channel, work) => panic!("your packer has ended · 你的打包员结束了: {ended:?}"),
                () = other => {}
            }
        });
    }

    #[test]
    fn a_packer_alone_packs_everything() {
        check(&["packing"], async |office| {
            put_orders(office).await;
            let channel = office.channel().await;
            let (packed, done) = (RefCell::new(Vec::new()), Notify::new());
            let work = async |order| {
                packed.borrow_mut().push(order);
                if packed.borrow().len() == ORDERS.len() {
                    done.notify_one();
                }
                Ok(())
            };
            select! {
                ended = pack(&channel, work) => panic!("your packer has ended · 你的打包员结束了: {ended:?}"),
                () = soon(done.notified(), "your packer stopped before all was packed · 还没有全部打包，你的打包员就停下了") => {}
            }
            assert_eq!(*packed.borrow(), ORDERS, "each order once, in order · 每个订单一次，顺序不变");
        });
    }
}
