// Ten on their way · 十条在路上
//
// 15 minutes · 15 分钟
// The page · 对应的页：src/patterns/confirms.md#window, src/patterns/confirms.zh-CN.md#window
//
// This program waits for each confirm before it sends the next notice: one round trip each, and accounting waits till midnight. Keep up to
// `WINDOW` notices on their way, and no more. It may say `Ok` when the last of them is confirmed, and has to fail if one is refused.
//
// 这个程序要等到上一条的确认，才发下一条：每条通知都要一个来回，财务得等到半夜。
// 请让最多 `WINDOW` 条通知同时在路上，不能再多。最后一条也确认了，才能说 `Ok`；只要有一条拒收，就要返回错误。

use anyhow::{Result, bail};
use lapin::{
    BasicProperties, Channel, Confirmation, PublisherConfirm,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use std::collections::VecDeque;

const WINDOW: usize = 10;

async fn send_all(channel: &Channel, notices: &[String]) -> Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    for notice in notices {
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let publish = channel.basic_publish("".into(), "payments".into(), options, notice.as_bytes(), properties);
        let confirm = publish.await?;
        // TODO: Which confirm is to be waited for here, and when? · 待办：这里该等哪一条的确认？什么时候等？
        settle(confirm).await?;
    }
    Ok(())
}

/// Waits for the broker's word on a notice. · 等消息代理对一条通知的答复。
async fn settle(confirm: PublisherConfirm) -> Result<()> {
    match confirm.await? {
        Confirmation::Ack(None) => Ok(()),
        other => bail!("a notice was not taken: {other:?}"),
    }
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::send_all;
    use lapin::{
        options::QueueDeclareOptions,
        types::{AMQPValue, FieldTable},
    };
    use std::time::{Duration, Instant};
    use tokio::{select, time::sleep};
    use window::{BASIC_PUBLISH, Road, check, connect};

    fn notices() -> Vec<String> {
        (1..=25).map(|number| format!("order-{number}")).collect()
    }

    /// How many notices the program sends while it hears nothing from the broker.
    async fn on_their_way(road: &Road) -> usize {
        let start = Instant::now();
        while road.calls(BASIC_PUBLISH) < 10 && start.elapsed() < Duration::from_secs(1) {
            sleep(Duration::from_millis(5)).await;
        }
        sleep(Duration::from_millis(200)).await; // whoever knows no limit goes on
        road.calls(BASIC_PUBLISH)
    }

    #[test]
    fn ten_notices_are_on_their_way_and_all_arrive() {
        check(&["payments"], async |office| {
            office.declare("payments").await;
            let road = office.road().await;
            road.hold_answers_from(BASIC_PUBLISH);
            let program = connect(road.addr()).await;
            let channel = program.create_channel().await.expect("a channel");
            let notices = notices();
            let mut sending = Box::pin(send_all(&channel, &notices));
            select! {
                ended = &mut sending => panic!(
                    "nothing is confirmed yet, and your function has ended · 什么都还没有确认，你的函数就结束了：{ended:?}"
                ),
                sent = on_their_way(&road) => assert_eq!(
                    sent, 10,
                    "the broker has confirmed nothing yet, and so many notices are on their way\n消息代理一条也没有确认，在路上的通知有这么多"
                ),
            }
            road.deliver_answers();
            sending.await.expect("all was confirmed, and your function fails · 全都确认了，你的函数却失败了");
            assert_eq!(office.texts(25, "payments").await, notices, "what `payments` holds · `payments` 里的内容");
        });
    }

    #[test]
    fn a_refusal_of_any_notice_is_an_error() {
        for room in [24, 12] {
            check(&["payments"], async |office| {
                let mut table = FieldTable::default();
                table.insert("x-max-length".into(), AMQPValue::LongInt(room));
                table.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
                let channel = office.channel().await;
                channel.queue_declare("payments".into(), QueueDeclareOptions::durable(), table).await.expect("a queue");
                assert!(
                    send_all(&channel, &notices()).await.is_err(),
                    "there was room for {room} of 25 notices, and your function says that all is well\n\
                     25 条通知只放得下 {room} 条，你的函数却说一切正常"
                );
            });
        }
    }
}
