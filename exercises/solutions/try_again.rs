// Find the bug: sent again, and again: a solution · 找 bug：发了又发：一种解法

use anyhow::{Result, bail};
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use std::time::Duration;
use tokio::time::sleep;

const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(50);

async fn send(channel: &Channel, order: &str) -> Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut pause = PAUSE;
    for attempt in 1..=ATTEMPTS {
        // The same at each attempt: it may arrive twice. · 每次都一样：它可能会送到两次。
        let properties = BasicProperties::default().with_message_id(order.into());
        let options = BasicPublishOptions::default();
        let confirm =
            channel.basic_publish("".into(), "payments".into(), options, order.as_bytes(), properties).await?;
        match confirm.await? {
            Confirmation::Ack(None) => return Ok(()),
            Confirmation::Nack(_) if attempt < ATTEMPTS => sleep(pause).await,
            other => bail!("{order} was not taken: {other:?}"),
        }
        pause *= 2;
    }
    bail!("the broker refuses {order}")
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::send;
    use lapin::{
        Channel,
        options::{BasicAckOptions, BasicGetOptions, QueueDeclareOptions},
        types::{AMQPValue, FieldTable},
    };
    use std::time::{Duration, Instant};
    use tokio::{join, select, time::sleep};
    use window::{BASIC_PUBLISH, Office, Road, check, connect};

    /// A queue with room for one notice, which has one.
    async fn fill(office: &Office) -> Channel {
        let channel = office.channel().await;
        let mut table = FieldTable::default();
        table.insert("x-max-length".into(), AMQPValue::LongInt(1));
        table.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
        channel.queue_declare("payments".into(), QueueDeclareOptions::durable(), table).await.expect("a queue");
        office.put("payments", "order-1").await;
        channel
    }

    /// Waits until the program has published so often.
    async fn attempts(road: &Road, count: usize) {
        while road.calls(BASIC_PUBLISH) < count {
            sleep(Duration::from_millis(1)).await;
        }
    }

    #[test]
    fn after_five_attempts_with_growing_pauses_it_gives_up() {
        check(&["payments"], async |office| {
            fill(office).await;
            let road = office.road().await;
            let program = connect(road.addr()).await;
            let channel = program.create_channel().await.expect("a channel");
            let start = Instant::now();
            let sent = select! {
                sent = send(&channel, "order-7") => sent,
                () = attempts(&road, 8) => panic!(
                    "refused seven times, your program sends it for the eighth time\n已经拒收了七次，你的程序还在发第八次"
                ),
            };
            let (time, attempts) = (start.elapsed().as_millis(), road.calls(BASIC_PUBLISH));
            assert!(
                sent.is_err(),
                "the queue was full all the time, and your function says that all is well\n队列一直是满的，你的函数却说一切正常"
            );
            assert_eq!(attempts, 5, "it has to be sent five times · 应该发五次");
            assert!(
                time >= 50 + 100 + 200 + 400,
                "five attempts in {time} ms: the pauses are 50, 100, 200 and 400 ms\n五次只用了 {time} 毫秒：停顿应该是 50、100、200、400 毫秒"
            );
            assert!(
                time < 1500,
                "five attempts took {time} ms: the pauses are 50, 100, 200 and 400 ms, and none after the last\n\
                 五次用了 {time} 毫秒：停顿应该是 50、100、200、400 毫秒，最后一次之后不用再等"
            );
        });
    }

    #[test]
    fn once_there_is_room_it_arrives_under_its_own_id() {
        check(&["payments"], async |office| {
            let accounting = fill(office).await;
            let road = office.road().await;
            let program = connect(road.addr()).await;
            let channel = program.create_channel().await.expect("a channel");
            let make_room = async {
                attempts(&road, 2).await; // the first was refused
                let get = accounting.basic_get("payments".into(), BasicGetOptions::default());
                let order = get.await.expect("an answer").expect("the queue was full");
                order.ack(BasicAckOptions::default()).await.expect("acknowledged");
            };
            let make_room = async {
                let stopped = "your program was refused, and never sends it again · 你的程序遭到拒收以后，就没有再发";
                window::soon(make_room, stopped).await;
            };
            let (sent, ()) = join!(send(&channel, "order-7"), make_room);
            sent.expect("there was room for it, and your function fails · 已经有地方了，你的函数却失败了");
            let notices = office.messages(1, "payments").await;
            let texts: Vec<_> = notices.iter().map(|notice| notice.text()).collect();
            assert_eq!(texts, ["order-7"], "what `payments` holds · `payments` 里的内容");
            assert_eq!(
                notices[0].properties.message_id().as_ref().map(ToString::to_string).as_deref(),
                Some("order-7"),
                "the receiver knows the notice by its `message_id` · 接收方要靠 `message_id` 认出这条通知"
            );
        });
    }
}
