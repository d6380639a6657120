// Find the bug: the order that goes round in circles · 找 bug：转圈的订单
//
// 15 minutes · 15 分钟
// The page · 对应的页：src/patterns/acknowledge.md#redelivered, src/patterns/acknowledge.zh-CN.md#redelivered
//
// Sometimes packing fails, and works at the second try: the tape was empty. But a piano fits into no box, and since it came, this
// packer has done nothing else, a thousand tries a second. Give each order a second try, and no third: then drop it.
//
// 打包有时候会失败，再试一次就好了：只是胶带用完了。可是钢琴装不进任何箱子；自从来了一架钢琴，这个打包员就没有干过别的，
// 一秒钟试上千次。请让每个订单有第二次机会，但是没有第三次：到时候就丢掉。

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions},
    types::FieldTable,
};

async fn pack(channel: &Channel, work: impl AsyncFn(String) -> Result<()>) -> Result<()> {
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("packing".into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let delivery = consumer.next().await.context("the broker cancelled our subscription")??;
        let order = String::from_utf8_lossy(&delivery.data).into_owned();
        match work(order).await {
            Ok(()) => delivery.ack(BasicAckOptions::default()).await?,
            // TODO: Is this the first try, or the second? · 待办：这是第一次，还是第二次？
            Err(_) => delivery.reject(BasicRejectOptions { requeue: true }).await?,
        };
    }
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::pack;
    use anyhow::bail;
    use std::{cell::RefCell, time::Duration};
    use tokio::{select, sync::Notify, time::sleep};
    use window::{check, soon};

    #[test]
    fn each_order_has_a_second_try_and_no_third() {
        check(&["packing"], async |office| {
            office.declare("packing").await;
            for order in ["vase", "piano", "lamp"] {
                office.put("packing", order).await;
            }
            let program = office.connect().await;
            let channel = program.create_channel().await.expect("a channel");
            let (tries, over) = (RefCell::new(Vec::new()), Notify::new());
            let work = async |order: String| {
                let number = tries.borrow().iter().filter(|tried| **tried == order).count() + 1;
                tries.borrow_mut().push(order.clone());
                if order == "lamp" || number > 9 {
                    over.notify_one();
                }
                match (order.as_str(), number) {
                    ("piano", _) => bail!("it fits into no box"),
                    ("vase", 1) => bail!("the tape is empty"),
                    _ => Ok(()),
                }
            };
            let lamp = async {
                over.notified().await;
                sleep(Duration::from_millis(300)).await; // what comes again would be here by now
            };
            select! {
                ended = pack(&channel, work) => panic!("your packer has ended · 你的打包员结束了: {ended:?}"),
                () = soon(lamp, "the lamp was never packed · 台灯一直没有打包") => {}
            }
            program.close(200, "evening".into()).await.expect("closed");
            let count = |order| tries.borrow().iter().filter(|tried| *tried == order).count();
            for order in ["vase", "piano", "lamp"] {
                assert!(count(order) < 3, "`{order}` comes again and again, for ever · `{order}` 没完没了地再来");
            }
            assert_eq!(
                count("vase"),
                2,
                "the vase would have been packed at the second try · 花瓶再试一次就能打包好，它被试了几次"
            );
            assert_eq!(count("piano"), 2, "the piano has two tries · 钢琴可以试两次");
            let back = office.texts(0, "packing").await;
            assert_eq!(back, [""; 0], "nobody has settled this for good · 这些订单还没有了结");
        });
    }
}
