// Ten on their way: a solution · 十条在路上：一种解法

use anyhow::{Result, bail};
use lapin::{
    BasicProperties, Channel, Confirmation, PublisherConfirm,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use std::collections::VecDeque;

const WINDOW: usize = 10;

async fn send_all(channel: &Channel, notices: &[String]) -> Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut open = VecDeque::new(); // the oldest first · 最早的在前面
    for notice in notices {
        // Room for one more: the oldest has to be settled. · 要再发一条，得先等到最早那条的答复。
        if open.len() == WINDOW
            && let Some(oldest) = open.pop_front()
        {
            settle(oldest).await?;
        }
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let publish = channel.basic_publish("".into(), "payments".into(), options, notice.as_bytes(), properties);
        open.push_back(publish.await?);
    }
    for confirm in open {
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

fn main() {}

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
