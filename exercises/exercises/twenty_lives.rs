// An order that kills each packer · 弄死每个打包员的订单
//
// 10 minutes · 10 分钟
// The page · 对应的页：src/patterns/durable.md#quorum, src/patterns/durable.zh-CN.md#quorum
//
// Each packer that takes this order dies of it, and the next one gets it. One type of queue drops such an order after some 20 lost
// deliveries, and the other delivers it for ever. Declare `packing` so that the broker gives up.
//
// 打包员一拿到这个订单就倒下，然后轮到下一个。有一种队列，投递失败二十来次以后就把这样的订单丢掉；另一种会没完没了地投递。
// 请声明 `packing`，让消息代理到时候就放弃。

use anyhow::Result;
use lapin::{
    Channel,
    options::QueueDeclareOptions,
    types::{AMQPValue, FieldTable},
};

async fn open(channel: &Channel) -> Result<()> {
    // TODO: Which type of queue, and where is it said? · 待办：用哪种队列？在哪里写明？
    let arguments = FieldTable::default();
    channel.queue_declare("packing".into(), QueueDeclareOptions::durable(), arguments).await?;
    Ok(())
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::open;
    use lapin::{Channel, message::BasicGetMessage, options::BasicGetOptions};
    use std::time::{Duration, Instant};
    use tokio::time::sleep;
    use window::check;

    /// The next order. An order whose packer has died may take a moment until it is back.
    async fn next(channel: &Channel) -> Option<BasicGetMessage> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(500) {
            let get = channel.basic_get("packing".into(), BasicGetOptions::default());
            if let Some(order) = get.await.expect("there is no queue `packing` · 没有队列 `packing`") {
                return Some(order);
            }
            sleep(Duration::from_millis(5)).await;
        }
        None
    }

    #[test]
    fn the_broker_gives_up_an_order_that_kills_each_packer() {
        check(&["packing"], async |office| {
            open(&office.channel().await).await.expect("the broker refuses the declaration · 消息代理拒绝了你的声明");
            office.put("packing", "piano").await;
            let mut killed = 0;
            while killed < 30 {
                let packer = office.channel().await;
                if next(&packer).await.is_none() {
                    break;
                }
                killed += 1;
                packer.close(200, "died of the piano".into()).await.expect("closed");
            }
            assert!(killed > 0, "the order isn't in `packing` · 订单不在 `packing` 里");
            assert!(
                killed < 30,
                "the order has killed {killed} packers, and still is in the queue\n这个订单已经弄死了 {killed} 个打包员，还在队列里"
            );
            assert!(killed > 15, "the order has got only {killed} packers · 只有 {killed} 个打包员拿到过这个订单");
        });
    }
}
