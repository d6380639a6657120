// Find the bug: paid by the letter: a solution · 找 bug：按字数算工时：一种解法

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions},
    types::FieldTable,
};
use std::time::Duration;

async fn pack(channel: &Channel, work: impl AsyncFn(Duration)) -> Result<()> {
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("packing".into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let delivery = consumer.next().await.context("the broker cancelled our subscription")??;
        // A message may hold anything: an order that is no text has its dots, too.
        // 消息里什么都可能有：不是文字的订单，点也照样数。
        let order = String::from_utf8_lossy(&delivery.data);
        let seconds = order.matches('.').count() as u64;
        work(Duration::from_secs(seconds)).await;
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::pack;
    use std::{cell::RefCell, time::Duration};
    use tokio::{select, sync::Notify};
    use window::{check, soon};

    #[test]
    fn each_dot_is_a_second() {
        let orders: [(&[u8], u64); 5] =
            [(b"cup", 0), (b"sofa..", 2), ("大衣柜...".as_bytes(), 3), (b"\xff\xfe.", 1), (b"wardrobe.....", 5)];
        check(&["packing"], async |office| {
            office.declare("packing").await;
            for (order, _) in orders {
                office.put("packing", order).await;
            }
            let channel = office.channel().await;
            let (taken, done) = (RefCell::new(Vec::new()), Notify::new());
            let work = async |time: Duration| {
                taken.borrow_mut().push(time.as_secs_f64());
                if taken.borrow().len() == orders.len() {
                    done.notify_one();
                }
            };
            select! {
                ended = pack(&channel, work) => panic!("your packer has ended · 你的打包员结束了: {ended:?}"),
                () = soon(done.notified(), "your packer stopped before all was packed · 还没有全部打包，你的打包员就停下了") => {}
            }
            for ((order, seconds), taken) in orders.into_iter().zip(&*taken.borrow()) {
                assert!(
                    *taken == seconds as f64,
                    "`{order}` takes {seconds} s, and your packer takes {taken} · `{order}` 要 {seconds} 秒，你的打包员用了 {taken} 秒",
                    order = String::from_utf8_lossy(order)
                );
            }
        });
    }
}
